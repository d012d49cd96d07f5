"""Jobs as clients see them: created, read, listed, cancelled. The queue's side is ``queue.py``.

A job's state changes only by compare-and-set: a statement names the status that it found. Status
and document are one row, and change together.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, Select, insert, select, tuple_, update

from profile_export import document as documents
from profile_export.document import Document
from profile_export.errors import Conflict, NotFound
from profile_export.plan import ExportPlan
from profile_export.planning import LARGEST_ID
from profile_export.service.store import batches, counters
from profile_export.service.store.tables import jobs

_EPOCH_2020 = 1_577_836_800_000
_RANDOM_BITS = 12
MOST_TEXT = 16 * 2**20
"""Letters of the documents on a page: one of 4,000 segments has a million."""
MOST_TRIES = 3
"""How often a job is taken before it is given up (4-architecture.md, The job's life)."""


@dataclass(frozen=True)
class Job:
    """A job as it is stored."""

    id: int
    sandbox_id: int
    status: str
    document: Document
    created: int
    updated: int


def new_id(created: datetime) -> int:
    """A job id: grows with time, and differs between stores that export to one dataset.

    Milliseconds since 2020 above 12 random bits: below 2**53 until 2089, so that clients which keep
    numbers in a double read it exactly. Where the clock says another time, any number.
    """
    ms = documents.epoch_ms(created) - _EPOCH_2020
    made = (ms << _RANDOM_BITS) | secrets.randbelow(1 << _RANDOM_BITS)
    return made if 0 < made <= LARGEST_ID else secrets.randbelow(LARGEST_ID) + 1


def create(connection: Connection, sandbox_id: int, plan: ExportPlan, document: Document) -> None:
    """Keep a NEW job with its plan and its batches.

    Raises:
        sqlalchemy.exc.IntegrityError: its id is taken (two in one millisecond, one in 4096): plan
            again.
    """
    connection.execute(
        insert(jobs).values(
            id=plan.job_id,
            sandbox_id=sandbox_id,
            status=document["status"],
            document=_text(document),
            plan=plan.model_dump_json(by_alias=True),
            created=document["creationTime"],
            updated=document["updateTime"],
            attempt=0,
        )
    )
    batches.create(connection, sandbox_id, plan, created=int(str(document["creationTime"])))


def find(connection: Connection, sandbox_id: int, job_id: int) -> Job:
    """One job of a sandbox.

    Raises:
        NotFound: there is none of that id in it.
    """
    chosen = _jobs().where(jobs.c.sandbox_id == sandbox_id, jobs.c.id == job_id)
    row = connection.execute(chosen).one_or_none()
    if row is None:
        raise NotFound(f"There is no export job {job_id} in this sandbox.")
    return _job(row)


def is_unchanged(connection: Connection, job: Job) -> bool:
    """Whether the store's document is still this one, by its status and time: it is not read."""
    seen = jobs.c.status == job.status, jobs.c.updated == job.updated
    chosen = select(jobs.c.id).where(jobs.c.sandbox_id == job.sandbox_id, jobs.c.id == job.id)
    return connection.execute(chosen.where(*seen)).first() is not None


def page(
    connection: Connection,
    sandbox_id: int,
    *,
    limit: int,
    status: str | None = None,
    after: tuple[int, int] | None = None,
    skip: int = 0,
) -> tuple[list[Job], bool]:
    """Jobs of a sandbox, newest first, and whether there are more: stable while jobs are added.

    Args:
        connection: Any.
        sandbox_id: Whose.
        limit: At most so many, and no more than :data:`MOST_TEXT` of them, but one.
        status: Only these.
        after: ``(created, id)`` of the last job of the page before.
        skip: So many are left out before the first.
    """
    order = jobs.c.created, jobs.c.id
    chosen = _jobs().where(jobs.c.sandbox_id == sandbox_id)
    if status is not None:
        chosen = chosen.where(jobs.c.status == status)
    if after is not None:
        chosen = chosen.where(tuple_(*order) < tuple_(*after))
    chosen = chosen.order_by(*(column.desc() for column in order)).limit(limit + 1).offset(skip)
    found: list[Job] = []
    size = 0
    # From PostgreSQL a few at a time: its client would hold all that were asked for at once.
    few = {"stream_results": True, "max_row_buffer": 10}
    for row in connection.execute(chosen, execution_options=few):
        size += len(row.document)
        if len(found) == limit or (found and size > MOST_TEXT):
            return found, True
        found.append(_job(row))
    return found, False


def cancel(connection: Connection, sandbox_id: int, job_id: int, *, at: datetime) -> Job:
    """Ask a job to stop: NEW is CANCELLED at once, PROCESSING is CANCELLING until it has stopped.

    Asking again changes nothing. A commit that was already made wins: the job then ends SUCCEEDED.

    Raises:
        NotFound: there is none of that id.
        Conflict: ``job-ended``: it SUCCEEDED or FAILED.
    """
    job = find(connection, sandbox_id, job_id)
    if job.status in ("SUCCEEDED", "FAILED"):
        raise Conflict(f"Job {job_id} has ended: it is {job.status}.", code="job-ended")
    if job.status == "NEW":
        made = documents.cancelled(job.document, at=at)
    elif job.status == "PROCESSING":
        made = documents.cancelling(job.document, at=at)
    else:
        return job
    if not change(connection, job_id, made, found=job.status):
        return cancel(connection, sandbox_id, job_id, at=at)  # a worker was faster
    if made["status"] == "CANCELLED":
        batches.ended(connection, job_id, "aborted", at=at)
        counters.add(connection, counters.JOBS_ENDED, {"status": "CANCELLED"}, 1)
    return find(connection, sandbox_id, job_id)


def change(connection: Connection, job_id: int, document: Document, *, found: str) -> bool:
    """Set document and status if the status is still the one that was found."""
    changed = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.status == found)
        .values(status=document["status"], document=_text(document), updated=document["updateTime"])
    )
    return changed.rowcount == 1


def now() -> datetime:
    return datetime.now(UTC)


def _jobs() -> Select[tuple[int, int, str, str, int, int]]:
    c = jobs.c
    return select(c.id, c.sandbox_id, c.status, c.document, c.created, c.updated)


def _job(row: Row[tuple[int, int, str, str, int, int]]) -> Job:
    return Job(
        row.id, row.sandbox_id, row.status, json.loads(row.document), row.created, row.updated
    )


def _text(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False)
