"""Jobs as workers see them: taken by lease, kept by heartbeat, ended once.

Every call names the claim's ``attempt``: what a worker sends whose lease ran out, and whose job was
taken again, matches nothing any more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from profile_export import document as documents
from profile_export.document import Document
from profile_export.plan import ExportPlan
from profile_export.service.store import batches
from profile_export.service.store.batches import BatchSize
from profile_export.service.store.database import clock, upsert
from profile_export.service.store.jobs import MOST_TRIES, now
from profile_export.service.store.tables import jobs, sandboxes, workers

_TAKEN = ("PROCESSING", "CANCELLING")


@dataclass(frozen=True)
class Claim:
    """A job that a worker holds.

    Attributes:
        job_id: The job.
        attempt: How often it was taken, this time included.
        owner: The worker.
        plan: What to do.
        document: The job document, PROCESSING or CANCELLING.
    """

    job_id: int
    attempt: int
    owner: str
    plan: ExportPlan
    document: Document

    @property
    def cancelling(self) -> bool:
        """Whether the job only is to be brought to an end: finished if committed, else swept."""
        return self.document["status"] == "CANCELLING"

    @property
    def exhausted(self) -> bool:
        """Whether it was taken too often: look for its commit, and FAIL it if there is none."""
        return self.attempt > MOST_TRIES


def claim(connection: Connection, owner: str, *, lease: float) -> Claim | None:
    """Take the next job: a NEW one, or one whose lease ran out. None where there is none.

    Sandboxes take turns: the one that waited longest is served next, by its oldest job.

    Args:
        connection: Of a writing transaction of its own.
        owner: The worker's id.
        lease: Seconds.
    """
    at = clock(connection)
    free = or_(
        jobs.c.status == "NEW",
        and_(jobs.c.status.in_(_TAKEN), jobs.c.lease_until < at),
    )
    chosen = (
        select(jobs.c.id, jobs.c.status, jobs.c.attempt, jobs.c.plan, jobs.c.document)
        .add_columns(jobs.c.sandbox_id)
        .join(sandboxes, sandboxes.c.id == jobs.c.sandbox_id)
        .where(free)
        .order_by(sandboxes.c.served, jobs.c.created, jobs.c.id)
        .limit(1)
        .with_for_update(of=jobs, skip_locked=True)
    )
    row = connection.execute(chosen).one_or_none()
    if row is None:
        return None
    document: Document = json.loads(row.document)
    if row.status != "CANCELLING":
        document = documents.processing(document, at=now())
    connection.execute(
        update(jobs)
        .where(jobs.c.id == row.id)
        .values(
            status=document["status"],
            document=json.dumps(document, ensure_ascii=False),
            updated=document["updateTime"],
            lease_owner=owner,
            lease_until=at + int(lease * 1000),
            attempt=row.attempt + 1,
        )
    )
    connection.execute(update(sandboxes).where(sandboxes.c.id == row.sandbox_id).values(served=at))
    batches.started(connection, row.id, at=now())
    plan = ExportPlan.model_validate_json(row.plan)
    return Claim(row.id, row.attempt + 1, owner, plan, document)


def renew(
    connection: Connection, held: Claim, *, lease: float, progress: tuple[str, float] | None = None
) -> str | None:
    """Renew a lease, with the progress made so far.

    Returns:
        The job's status (``CANCELLING``: stop), or None where the job is no longer this worker's:
        stop too, and report nothing.
    """
    chosen = select(jobs.c.status, jobs.c.document).where(_held(held)).with_for_update()
    row = connection.execute(chosen).one_or_none()
    if row is None:
        return None
    document: Document = json.loads(row.document)
    if progress is not None and row.status == "PROCESSING":
        document = documents.progressed(document, *progress, at=now())
    connection.execute(
        update(jobs)
        .where(_held(held))
        .values(
            document=json.dumps(document, ensure_ascii=False),
            updated=document["updateTime"],
            lease_until=clock(connection) + int(lease * 1000),
        )
    )
    return str(row.status)


def succeed(
    connection: Connection, held: Claim, document: Document, sizes: Mapping[str, BatchSize]
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


def fail(connection: Connection, held: Claim, code: str, message: str) -> bool:
    """Record a job that could not be done. False where the job is no longer this worker's."""
    document = documents.failed(held.document, code, message, at=now())
    if not _end(connection, held, document):
        return False
    errors: Sequence[Mapping[str, object]] = [{"code": code, "description": message, "rows": []}]
    batches.ended(connection, held.job_id, "failed", at=now(), errors=errors)
    return True


def cancelled(connection: Connection, held: Claim) -> bool:
    """Record a job that has stopped. False where the job is no longer this worker's."""
    document = documents.cancelled(held.document, at=now())
    if not _end(connection, held, document):
        return False
    batches.ended(connection, held.job_id, "aborted", at=now())
    return True


def give_back(connection: Connection, held: Claim, *, counts: bool) -> bool:
    """Let another worker take the job at once.

    Args:
        connection: Of a writing transaction.
        held: The claim.
        counts: Whether this attempt was one of its tries; not if the worker only goes away.
    """
    values = {"lease_until": 0} if counts else {"lease_until": 0, "attempt": held.attempt - 1}
    changed = connection.execute(update(jobs).where(_held(held)).values(values))
    return changed.rowcount == 1


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


def worker_alive(connection: Connection) -> bool:
    """Whether a worker was seen within its lease (``/health/ready``)."""
    alive = select(workers.c.id).where(workers.c.seen_until >= clock(connection)).limit(1)
    return connection.execute(alive).first() is not None


def gone(connection: Connection, worker: str) -> None:
    """Forget a worker that ends."""
    connection.execute(delete(workers).where(workers.c.id == worker))


def _held(held: Claim) -> ColumnElement[bool]:
    return and_(
        jobs.c.id == held.job_id,
        jobs.c.lease_owner == held.owner,
        jobs.c.attempt == held.attempt,
        jobs.c.status.in_(_TAKEN),
    )


def _end(connection: Connection, held: Claim, document: Document) -> bool:
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
    return changed.rowcount == 1
