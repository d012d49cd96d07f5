"""Jobs that workers hold: kept by heartbeat, given back, ended once.

Every call names the claim's ``attempt``: what a worker sends whose lease ran out, and whose job was
taken again, matches nothing any more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, select, update

from profile_export import document as documents
from profile_export.document import Document
from profile_export.service.store import batches, counters
from profile_export.service.store.batches import BatchSize
from profile_export.service.store.database import clock
from profile_export.service.store.jobs import MOST_TRIES, now
from profile_export.service.store.tables import jobs

TAKEN = ("PROCESSING", "CANCELLING")
"""Statuses of jobs that a worker holds, or held when it died."""


@dataclass(frozen=True)
class Hold:
    """What tells a worker's claim to a job from every other claim.

    Attributes:
        job_id: The job.
        attempt: How often it was taken, this time included.
        owner: The worker.
        document: The job document, PROCESSING or CANCELLING.
    """

    job_id: int
    attempt: int
    owner: str
    document: Document

    @property
    def cancelling(self) -> bool:
        """Whether the job only is to be brought to an end: finished if committed, else swept."""
        return self.document["status"] == "CANCELLING"

    @property
    def exhausted(self) -> bool:
        """Whether it was taken too often: look for its commit, and FAIL it if there is none."""
        return self.attempt > MOST_TRIES


def renew(
    connection: Connection, held: Hold, *, lease: float, progress: tuple[str, float] | None = None
) -> str | None:
    """Renew a lease, with the progress made so far. One that ran out is renewed too, if nobody has
    taken the job meanwhile.

    Returns:
        The job's status (``CANCELLING``: stop), or None where the job is no longer this worker's:
        stop too, and report nothing.
    """
    chosen = select(jobs.c.status, jobs.c.document).where(_held(held)).with_for_update()
    row = connection.execute(chosen).one_or_none()
    if row is None:
        return None
    values: dict[str, object] = {"lease_until": clock(connection) + int(lease * 1000)}
    if progress is not None and row.status == "PROCESSING":
        document = documents.progressed(json.loads(row.document), *progress, at=now())
        values["document"] = json.dumps(document, ensure_ascii=False)
        values["updated"] = document["updateTime"]
    connection.execute(update(jobs).where(_held(held)).values(values))
    return str(row.status)


def succeed(
    connection: Connection, held: Hold, document: Document, sizes: Mapping[str, BatchSize]
) -> bool:
    """Record a job whose commit was made. False where the job is no longer this worker's.

    Args:
        connection: Of a writing transaction.
        held: The claim.
        document: SUCCEEDED, as ``run_job`` gave it.
        sizes: Of its batches.
    """
    if not _end(connection, held, document):
        return False
    batches.ended(connection, held.job_id, "success", at=now(), sizes=sizes)
    return True


def fail(connection: Connection, held: Hold, code: str, message: str) -> bool:
    """Record a job that could not be done. False where the job is no longer this worker's."""
    document = documents.failed(held.document, code, message, at=now())
    if not _end(connection, held, document):
        return False
    errors: Sequence[Mapping[str, object]] = [{"code": code, "description": message, "rows": []}]
    batches.ended(connection, held.job_id, "failed", at=now(), errors=errors)
    return True


def cancelled(connection: Connection, held: Hold) -> bool:
    """Record a job that has stopped. False where the job is no longer this worker's."""
    document = documents.cancelled(held.document, at=now())
    if not _end(connection, held, document):
        return False
    batches.ended(connection, held.job_id, "aborted", at=now())
    return True


def give_back(connection: Connection, held: Hold, *, counts: bool) -> bool:
    """Let another worker take the job at once.

    Args:
        connection: Of a writing transaction.
        held: The claim.
        counts: Whether this attempt was one of its tries; not if the worker only goes away.
    """
    values: dict[str, object] = {"lease_until": 0, "lease_owner": None}
    if not counts:
        values["attempt"] = held.attempt - 1
    changed = connection.execute(update(jobs).where(_held(held)).values(values))
    return changed.rowcount == 1


def _held(held: Hold) -> ColumnElement[bool]:
    return and_(
        jobs.c.id == held.job_id,
        jobs.c.lease_owner == held.owner,
        jobs.c.attempt == held.attempt,
        jobs.c.status.in_(TAKEN),
    )


def _end(connection: Connection, held: Hold, document: Document) -> bool:
    """Set how a job ended, and count it."""
    changed = connection.execute(
        update(jobs)
        .where(_held(held))
        .values(
            status=document["status"],
            document=json.dumps(document, ensure_ascii=False),
            updated=document["updateTime"],
            lease_owner=None,
            lease_until=None,
        )
    )
    if changed.rowcount != 1:
        return False
    counters.add(connection, counters.JOBS_ENDED, {"status": str(document["status"])}, 1)
    return True
