"""The file of a store on SQLite: is it still the one that was opened?"""

import os
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Engine

from profile_export.service.store.away import StoreAway


@dataclass(frozen=True)
class StoreFile:
    """The file as it was when the store was opened.

    SQLite goes on with a file that has no name any more, or whose name another file has taken: what
    is written to it is lost with the last process that has it open. And a connection that is opened
    later makes a new file, or uses the other one.

    Attributes:
        path: Where it lies.
        identity: Device and inode.
    """

    path: str
    identity: tuple[int, int]

    @classmethod
    def of(cls, engine: Engine) -> Self | None:
        """The file of an open store; None where its database is not on SQLite."""
        if engine.dialect.name != "sqlite":
            return None
        with engine.connect() as connection:
            asked = "SELECT file FROM pragma_database_list WHERE name = 'main'"
            path = str(connection.exec_driver_sql(asked).scalar_one())
        return cls(path, _identity(path))

    def see_that_it_is_there(self) -> None:
        """Refuse to go on without it; a file that is put back is the same.

        Raises:
            StoreAway: ``store-gone``.
        """
        try:
            found = _identity(self.path)
        except OSError:
            found = None
        if found != self.identity:
            raise StoreAway(
                "The job store's file was removed or replaced while it is in use. Stop every"
                " service and worker of it, put the file that is to be used in its place, and"
                " start them again.",
                code="store-gone",
            )


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
