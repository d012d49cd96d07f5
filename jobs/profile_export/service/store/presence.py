"""Workers as the store sees them: who was there, and until when they are believed to be."""

from sqlalchemy import Connection, delete, select

from profile_export.service.store.database import clock, upsert
from profile_export.service.store.leases import lasts
from profile_export.service.store.tables import workers


def seen(connection: Connection, worker: str, *, host: str, engine: str, lease: float) -> None:
    """Note that a worker is there; those gone for a day are forgotten."""
    at = clock(connection)
    until = at + int(lease * 1000)
    upsert(
        connection,
        workers,
        {"id": worker, "host": host, "engine": engine, "started": at, "seen_until": until},
        change={"seen_until": until},
    )
    connection.execute(delete(workers).where(workers.c.seen_until < at - 86_400_000))


def any_alive(connection: Connection) -> bool:
    """Whether a worker was seen within its lease (``/health/ready``)."""
    alive = select(workers.c.id).where(lasts(workers.c.seen_until, clock(connection))).limit(1)
    return connection.execute(alive).first() is not None


def gone(connection: Connection, worker: str) -> None:
    """Forget a worker that ends."""
    connection.execute(delete(workers).where(workers.c.id == worker))
