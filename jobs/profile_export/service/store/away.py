"""What a database fails with, told as one of our errors; faults of our statements stay as is."""

import re
import sqlite3

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,
)

from profile_export.errors import ExportError


class StoreAway(ExportError):
    """The store cannot be used just now; nothing is lost by trying again.

    ``code`` is ``store-away``, or says what must be mended first: ``store-full``,
    ``store-read-only``, ``store-gone``, ``store-broken``.
    """

    code, title, status, exit_code = "store-away", "Store not available", 503, 1


_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: ("store-away", "is being written by another process; try again"),
    sqlite3.SQLITE_LOCKED: ("store-away", "is being written by another process; try again"),
    sqlite3.SQLITE_FULL: ("store-full", "cannot grow: its disk is full. Free some space"),
    sqlite3.SQLITE_READONLY: ("store-read-only", "may only be read; make its file writable"),
    sqlite3.SQLITE_PERM: ("store-read-only", "may not be written; make its file writable"),
    sqlite3.SQLITE_CANTOPEN: (
        "store-away",
        "cannot be opened: its folder must exist, and it and its file be writable",
    ),
    sqlite3.SQLITE_IOERR: ("store-away", "cannot be read or written: its disk reports an error"),
    sqlite3.SQLITE_CORRUPT: ("store-broken", "is damaged; bring back a copy of its file"),
    sqlite3.SQLITE_NOTADB: ("store-broken", "is no SQLite database; name another file"),
}
_OF_POSTGRESQL = {
    "53100": ("store-full", "cannot grow: its disk is full. Free some space"),
    "25006": ("store-read-only", "may only be read: it is a standby, or set so"),
    "42501": ("store-read-only", "refuses its user the right to do this; grant it"),
    "55P03": ("store-away", "is being written by another process; try again"),
    "53300": (
        "store-away",
        "has no connection left for us: raise max_connections or the limit, or run fewer processes",
    ),
    "28P01": ("store-away", "refuses this user and password"),
    "28000": ("store-away", "refuses this user"),
    "3D000": ("store-away", "has no database of this name; make it with createdb"),
}
"""By SQLSTATE."""
_SAID = {
    "53300": re.compile("too many (clients|connections)|remaining connection slots are reserved"),
    "28P01": re.compile("password authentication failed"),
    "28000": re.compile('role ".*" does not exist|no pg_hba.conf entry'),
    "3D000": re.compile('database ".*" does not exist'),
}
"""While connecting there is no SQLSTATE, only the server's words."""
_LATER = ("08", "53", "57", "58", "40")
"""Classes of SQLSTATE that pass: no connection, no resources, shut down, disk trouble, deadlock."""


def told(error: SQLAlchemyError, shown: str = "") -> StoreAway | None:
    """The error of a store that cannot be used; None for any other, which is a fault of ours.

    Args:
        error: As it came.
        shown: The store's URL without its password, for who gave it; a client of the API must not
            see where the store is.
    """
    name = f"The job store {shown}".rstrip()
    if isinstance(error, TimeoutError):
        return StoreAway(f"{name} is busy: no connection became free.")
    if not isinstance(error, DBAPIError):
        return None
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        found = _OF_SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
        return None if found is None else StoreAway(f"{name} {found[1]}.", code=found[0])
    state = getattr(cause, "sqlstate", None)
    if state is None:
        state = next((code for code, said in _SAID.items() if said.search(str(cause))), "")
    if state in _OF_POSTGRESQL:
        code, why = _OF_POSTGRESQL[state]
        return StoreAway(f"{name} {why}.", code=code)
    lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    if lost or state.startswith(_LATER):
        return StoreAway(f"{name} cannot be reached.")
    return None
