"""Open a store by URL, bring its schema up to date, and give transactions on it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from profile_export.errors import ExportError, Problem, Refused
from profile_export.service.store.migrate import upgrade

DEFAULT_URL = "sqlite:///profile-export.db"
BUSY_SECONDS = 30
"""SQLite has one writer at a time; every transaction of ours is short."""


class StoreAway(ExportError):
    """The store cannot be reached just now; nothing is lost by trying again."""

    code, title, status, exit_code = "store-away", "Store not reachable", 503, 1


@dataclass(frozen=True)
class Store:
    """An open store, to be shared by the threads of a process.

    Attributes:
        engine: SQLAlchemy's.
        shown: The URL without its password, for messages.
    """

    engine: Engine
    shown: str

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view.

        Raises:
            StoreAway: it cannot be reached.
        """
        with self._connection(write=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end, rolled back by any error.

        On SQLite it holds the writer's lock from the start, so that what it reads stays true.

        Raises:
            StoreAway: it cannot be reached; it is then unknown whether a commit has arrived.
        """
        with self._connection(write=True) as connection:
            yield connection

    @contextmanager
    def _connection(self, *, write: bool) -> Iterator[Connection]:
        try:
            with self.engine.connect() as plain:
                connection = plain.execution_options(profile_export_write=write)
                with connection.begin():
                    yield connection
        except OperationalError as error:
            raise StoreAway(f"The job store {self.shown} cannot be reached.") from error

    def close(self) -> None:
        self.engine.dispose()


def open_store(url: str = DEFAULT_URL) -> Store:
    """Open the store at ``url``, making its tables or bringing them up to date.

    Args:
        url: ``sqlite:///file``, ``sqlite:////absolute/file`` or
            ``postgresql://user:password@host/database``.

    Raises:
        Refused: ``bad-store-url``.
        StoreAway: nothing answers there.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ArgumentError("unknown database")
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        detail = "The store must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."
        raise Refused([Problem("bad-store-url", detail, parameter="--store")]) from error
    if parsed.get_backend_name() == "sqlite":
        _for_sqlite(engine)
    store = Store(engine, parsed.render_as_string(hide_password=True))
    try:
        upgrade(engine)
    except OperationalError as error:
        raise StoreAway(f"The job store {store.shown} cannot be reached.") from error
    return store


def _for_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an accepted job survives a power cut
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _began(connection: Connection) -> None:
        write = connection.get_execution_options().get("profile_export_write", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


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
) -> None:
    """Insert a row, or change the one that has its primary key.

    Args:
        connection: Of a writing transaction.
        table: Where.
        values: Every column of a new row.
        change: What is set where the row is there; all of ``values`` but the key unless given.
            Expressions may speak of the old row (``table.c.value + 1``).
    """
    keys: Sequence[str] = [column.name for column in table.primary_key]
    changed = change or {name: value for name, value in values.items() if name not in keys}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed))
