"""Jobs as workers see them: taken by lease, kept by heartbeat, ended once.

Every call names the claim's ``attempt``: what a worker sends whose lease ran out, and whose job was
taken again, matches nothing any more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from profile_export import document as documents
from profile_export.document import Document
from profile_export.plan import ExportPlan
from profile_export.service.store import batches, counters
from profile_export.service.store.batches import BatchSize
from profile_export.service.store.database import clock
from profile_export.service.store.jobs import MOST_TRIES, now
from profile_export.service.store.tables import jobs, sandboxes

_TAKEN = ("PROCESSING", "CANCELLING")


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


@dataclass(frozen=True)
class Claim(Hold):
    """A job that a worker holds, and what to do."""

    plan: ExportPlan


def waiting(connection: Connection) -> bool:
    """Whether there is a job to claim: what an idle worker asks, since it locks nothing."""
    found = select(jobs.c.id).where(_free(clock(connection))).limit(1)
    return connection.execute(found).first() is not None


def claim(connection: Connection, owner: str, *, lease: float) -> Claim | None:
    """Take the next job: a NEW one, or one whose lease ran out. None where there is none.

    Sandboxes take turns: the one that waited longest is served next, by its oldest job. A job whose
    plan this version cannot read FAILS; it would stop all that wait behind it.

    Args:
        connection: Of a writing transaction of its own.
        owner: The worker's id.
        lease: Seconds.
    """
    while (job_id := _next(connection)) is not None:
        row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
        document: Document = json.loads(row.document)
        if row.status != "CANCELLING":
            document = documents.processing(document, at=now())
        at = clock(connection)
        values = {
            "status": document["status"],
            "document": json.dumps(document, ensure_ascii=False),
            "updated": document["updateTime"],
            "lease_owner": owner,
            "lease_until": at + int(lease * 1000),
            "attempt": row.attempt + 1,
        }
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(values))
        _take_turn(connection, row.sandbox_id, at)
        batches.started(connection, job_id, at=now())
        held = Hold(job_id, row.attempt + 1, owner, document)
        try:
            plan = ExportPlan.model_validate_json(row.plan)
        except ValueError:
            message = "This version cannot read the job's plan: submit the export again."
            fail(connection, held, "plan-unreadable", message)
        else:
            return Claim(job_id, held.attempt, owner, document, plan)
    return None


def _next(connection: Connection) -> int | None:
    """The next job, locked. Its texts are read afterwards, so that they are not sorted with it."""
    chosen = (
        select(jobs.c.id)
        .join(sandboxes, sandboxes.c.id == jobs.c.sandbox_id)
        .where(_free(clock(connection)))
        .order_by(sandboxes.c.served, jobs.c.created, jobs.c.id)
        .limit(1)
        .with_for_update(of=jobs, skip_locked=True)
    )
    found: int | None = connection.execute(chosen).scalar_one_or_none()
    return found


def _free(at: int) -> ColumnElement[bool]:
    lapsed = and_(jobs.c.status.in_(_TAKEN), jobs.c.lease_until < at)
    return or_(jobs.c.status == "NEW", lapsed)


def _take_turn(connection: Connection, sandbox_id: int, at: int) -> None:
    """Put a sandbox behind all others: by time, or by one where they are of one millisecond."""
    last = connection.execute(select(func.max(sandboxes.c.served))).scalar_one()
    served = max(at, int(last) + 1)
    connection.execute(update(sandboxes).where(sandboxes.c.id == sandbox_id).values(served=served))


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
        jobs.c.status.in_(_TAKEN),
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
