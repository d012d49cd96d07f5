"""Which job is next, and its taking by lease. What is then done with it is in ``holds.py``."""

import json
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, not_, or_, select, update

from profile_export import document as documents
from profile_export.document import Document
from profile_export.plan import ExportPlan
from profile_export.service.store import batches
from profile_export.service.store.database import clock
from profile_export.service.store.holds import TAKEN, Hold, fail
from profile_export.service.store.jobs import now
from profile_export.service.store.leases import lasts
from profile_export.service.store.tables import jobs, sandboxes


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
        values = {
            "status": document["status"],
            "document": json.dumps(document, ensure_ascii=False),
            "updated": document["updateTime"],
            "lease_owner": owner,
            "lease_until": clock(connection) + int(lease * 1000),
            "attempt": row.attempt + 1,
        }
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(values))
        _take_turn(connection, row.sandbox_id)
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
    lapsed = and_(jobs.c.status.in_(TAKEN), not_(lasts(jobs.c.lease_until, at)))
    return or_(jobs.c.status == "NEW", lapsed)


def _take_turn(connection: Connection, sandbox_id: int) -> None:
    """Put a sandbox behind all others."""
    last = connection.execute(select(func.max(sandboxes.c.served))).scalar_one()
    served = int(last) + 1
    connection.execute(update(sandboxes).where(sandboxes.c.id == sandbox_id).values(served=served))
