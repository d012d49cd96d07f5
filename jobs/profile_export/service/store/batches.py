"""The batches of jobs, as the catalog shows them: processing, success, failed, aborted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, update

from profile_export.plan import ExportPlan
from profile_export.service.store.tables import batches


@dataclass(frozen=True)
class BatchSize:
    """What a batch holds."""

    records: int
    bytes: int


def create(connection: Connection, sandbox_id: int, plan: ExportPlan, *, created: int) -> None:
    """Keep the batches of a new job: ``processing``, nothing of them known."""
    rows = [
        {
            "id": batch.batch_id,
            "sandbox_id": sandbox_id,
            "job_id": plan.job_id,
            "dataset_id": plan.target.dataset_id,
            "position": position,
            "status": "processing",
            "errors": "[]",
            "created": created,
            "updated": created,
        }
        for position, batch in enumerate(plan.batches)
    ]
    connection.execute(insert(batches), rows)


def started(connection: Connection, job_id: int, *, at: datetime) -> None:
    """Note that a worker took the job; a later attempt does not change it."""
    chosen = update(batches).where(batches.c.job_id == job_id, batches.c.started.is_(None))
    connection.execute(chosen.values(started=_ms(at), updated=_ms(at)))


def ended(
    connection: Connection,
    job_id: int,
    status: str,
    *,
    at: datetime,
    sizes: Mapping[str, BatchSize] | None = None,
    errors: Sequence[Mapping[str, object]] = (),
) -> None:
    """Note the end of all batches of a job.

    Args:
        connection: Of the transaction that ends the job.
        job_id: Whose.
        status: ``success``, ``failed`` or ``aborted``.
        at: When.
        sizes: By batch id, of a job that succeeded.
        errors: ``{code, description, rows}``, of one that failed.
    """
    connection.execute(
        update(batches)
        .where(batches.c.job_id == job_id)
        .values(status=status, errors=json.dumps(list(errors)), completed=_ms(at), updated=_ms(at))
    )
    for batch_id, size in (sizes or {}).items():
        connection.execute(
            update(batches)
            .where(batches.c.id == batch_id, batches.c.job_id == job_id)
            .values(record_count=size.records, size=size.bytes)
        )


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
