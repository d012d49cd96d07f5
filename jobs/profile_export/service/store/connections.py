"""How each database is connected to: its settings, and how long anybody waits."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

BUSY_SECONDS = 30
"""So long anybody waits for what another transaction has locked; every one of ours is short."""
IDLE_SECONDS = 15
"""PostgreSQL ends a transaction of which it hears nothing for so long: its client is paused, or its
machine gone, and others wait for the rows that it has locked."""
_POOL = {"pool_size": 10, "max_overflow": 50}
"""Connections of one process: as many as a server has threads."""
_PATIENCE = {
    # A server that is gone without a word is noticed in half a minute, not in two hours.
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def on_sqlite(url: URL) -> Engine:
    """One writer at a time, who has the lock from the start; what is committed is durable."""
    engine = create_engine(url, **_POOL)

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

    return engine


def on_postgresql(url: URL) -> Engine:
    """Nobody waits for ever: not for a server that is gone, a lock, or who holds one in silence."""
    waits = {name: value for name, value in _PATIENCE.items() if name not in url.query}
    engine = create_engine(
        url,
        pool_pre_ping=True,
        connect_args=waits,
        # Ours rely on it: who has waited for a lock sees what the other has committed.
        isolation_level="READ COMMITTED",
        **_POOL,
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.execute(f"SET lock_timeout = {BUSY_SECONDS * 1000:.0f}")
        idle = f"SET idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f}"
        connection.execute(idle)
        connection.commit()

    return engine
