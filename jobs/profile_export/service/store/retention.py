"""Forgetting finished jobs."""

from sqlalchemy import delete, select

from profile_export.document import FINAL
from profile_export.service.store.database import Store, clock
from profile_export.service.store.tables import batches, idempotency_keys, jobs

_AT_ONCE = 500
"""Jobs of one transaction: others write in between."""


def purge(store: Store, *, older_than: float) -> int:
    """Remove jobs that ended so long ago, with their batches and keys; never an open one.

    Args:
        store: Which.
        older_than: Seconds since their end.

    Returns:
        How many.
    """
    with store.read() as connection:  # goes through all that have ended: nobody waits for it
        before = clock(connection) - int(older_than * 1000)
        ended = jobs.c.status.in_(FINAL) & (jobs.c.updated <= before)
        due = connection.execute(select(jobs.c.id).where(ended).order_by(jobs.c.id)).scalars().all()
    removed = 0
    for first in range(0, len(due), _AT_ONCE):
        ids = due[first : first + _AT_ONCE]
        with store.write() as connection:
            for table in (batches, idempotency_keys):
                connection.execute(delete(table).where(table.c.job_id.in_(ids)))
            removed += connection.execute(delete(jobs).where(jobs.c.id.in_(ids))).rowcount
    return removed
