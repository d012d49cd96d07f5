"""Bring a store's schema to the newest revision, with Alembic; one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from profile_export.errors import Problem, Refused

_LOCK = 24_115_001
"""Of PostgreSQL's advisory locks: any number, as long as it is ours."""


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def upgrade(engine: Engine) -> None:
    """Apply what revisions the store lacks; nothing where it is up to date.

    Several processes may start at once: one migrates, the others wait for it. A store is brought
    up to date wholly or not at all: both databases undo what was done to tables.

    Raises:
        Refused: ``store-too-new``: a later version of this program made the store.
    """
    config = configuration()
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection, connection.begin():
        alone(connection)
        found = revision(connection)
        if found not in (None, *(script.revision for script in scripts.walk_revisions())):
            detail = f"A later version of this program made the store (revision {found}): use that."
            raise Refused([Problem("store-too-new", detail, parameter="--store")])
        if found != scripts.get_current_head():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def alone(connection: Connection) -> None:
    """Be the only process that sets a store up, to the end of the transaction.

    Waits for another as long as that takes. On SQLite who writes is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def revision(connection: Connection) -> str | None:
    """The revision that a store's schema has; None where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()
