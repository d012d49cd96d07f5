"""Open a store by URL, bring its schema up to date, and give transactions on it."""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from profile_export.errors import Problem, Refused
from profile_export.service.store.away import StoreAway, told
from profile_export.service.store.connections import on_postgresql, on_sqlite
from profile_export.service.store.migrate import upgrade
from profile_export.service.store.store_file import StoreFile

__all__ = ["DEFAULT_URL", "Store", "StoreAway", "clock", "open_store", "upsert"]

DEFAULT_URL = "sqlite:///profile-export.db"
_log = logging.getLogger("profile_export.store")


@dataclass(frozen=True)
class Store:
    """An open store, to be shared by the threads of a process.

    Attributes:
        engine: SQLAlchemy's.
        shown: The URL without its password, for messages.
        file: Of a store on SQLite.
    """

    engine: Engine
    shown: str
    file: StoreFile | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view.

        Raises:
            StoreAway: it cannot be used just now.
        """
        with self._connection(write=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end, rolled back by any error.

        On SQLite it holds the writer's lock from the start, so that what it reads stays true.

        Raises:
            StoreAway: it cannot be used; it is then unknown whether a commit has arrived.
        """
        with self._connection(write=True) as connection:
            yield connection

    @contextmanager
    def _connection(self, *, write: bool) -> Iterator[Connection]:
        options: dict[str, Any] = {"profile_export_write": write}
        if self.engine.dialect.name == "postgresql":
            # What writes leaves it to the server whether that may be: a connection that has read
            # before would ask for "read write", which a standby cannot even answer as such.
            options["postgresql_readonly"] = None if write else True
            if not write:
                # Several statements of one view; SQLite's transactions are so by themselves.
                options["isolation_level"] = "REPEATABLE READ"
        if self.file is not None:
            self.file.see_that_it_is_there()
        try:
            with self.engine.connect() as plain:
                connection = plain.execution_options(**options)
                with connection.begin():
                    yield connection
        except SQLAlchemyError as error:
            away = told(error)
            if away is None:
                raise
            _log.warning("%s %s", away, getattr(error, "orig", error))
            raise away from error

    def close(self) -> None:
        self.engine.dispose()


def open_store(url: str = DEFAULT_URL, *, make: bool = True) -> Store:
    """Open the store at ``url``, making its tables or bringing them up to date.

    Args:
        url: ``sqlite:///file``, ``sqlite:////absolute/file`` or
            ``postgresql://user:password@host/database``.
        make: Make the file of a store on SQLite that is not there.

    Raises:
        Refused: ``bad-store-url``, ``store-too-new``, ``no-store``.
        StoreAway: nothing answers there, or it cannot be written.
    """
    parsed = _parsed(url)
    shown = parsed.set(query={}, drivername=parsed.get_backend_name())
    if parsed.get_backend_name() == "sqlite":
        if not make and parsed.database and not os.path.exists(parsed.database):
            detail = f"There is no job store at {parsed.database}. Check --store."
            raise Refused([Problem("no-store", detail, parameter="--store")])
        engine = on_sqlite(parsed)
    else:
        engine = on_postgresql(parsed)
    store = Store(engine, shown.render_as_string(hide_password=True))
    try:
        upgrade(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        away = told(error, store.shown)
        if away is None:
            raise
        raise away from error
    return replace(store, file=StoreFile.of(engine))


def _parsed(url: str) -> URL:
    detail = "The store must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."
    bad = Refused([Problem("bad-store-url", detail, parameter="--store")])
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise bad from error
    backend = parsed.get_backend_name()
    # A store in memory would forget every job, and no worker could see it.
    in_memory = backend == "sqlite" and parsed.database in (None, "", ":memory:")
    if backend not in ("sqlite", "postgresql") or in_memory:
        raise bad
    return parsed.set(drivername="postgresql+psycopg") if backend == "postgresql" else parsed


def clock(connection: Connection) -> int:
    """Now in epoch milliseconds, by the clock that all users of the store share.

    Leases are compared across machines: with PostgreSQL by its clock, with SQLite by our own.
    """
    if connection.dialect.name == "postgresql":
        asked = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
        return int(connection.execute(asked).scalar_one())
    return time.time_ns() // 1_000_000


def upsert(
    connection: Connection,
    table: Table,
    values: Mapping[str, object],
    *,
    change: Mapping[str, object] | None = None,
    key: Sequence[str] | None = None,
) -> None:
    """Insert a row, or change the one that has its key.

    Args:
        connection: Of a writing transaction.
        table: Where.
        values: Every column of a new row.
        change: What is set where the row is there; all of ``values`` but the key unless given.
            Expressions may speak of the old row (``table.c.value + 1``).
        key: Columns that are unique together; the primary key unless given.
    """
    keys = [column.name for column in table.primary_key] if key is None else key
    changed = change or {name: value for name, value in values.items() if name not in keys}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed))
