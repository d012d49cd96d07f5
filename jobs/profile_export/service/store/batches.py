"""The batches of jobs, as the catalog shows them: processing, success, failed, aborted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from profile_export.document import epoch_ms
from profile_export.errors import NotFound
from profile_export.plan import ExportPlan
from profile_export.service.store.tables import batches
from profile_export.shape import quote

STATUSES = ("processing", "success", "failed", "aborted")


@dataclass(frozen=True)
class BatchSize:
    """What a batch holds."""

    records: int
    bytes: int


@dataclass(frozen=True)
class StoredBatch:
    """A batch as it is stored; times are epoch milliseconds, None what is not known yet."""

    id: str
    dataset_id: str
    status: str
    record_count: int | None
    size: int | None
    errors: list[dict[str, object]]
    created: int
    updated: int
    started: int | None
    completed: int | None


@dataclass(frozen=True)
class Wanted:
    """Which batches are listed; None is any. The times themselves are excluded."""

    dataset_ids: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    created_after: int | None = None
    created_before: int | None = None


def page(
    connection: Connection,
    sandbox_id: int,
    wanted: Wanted,
    *,
    limit: int,
    start: int = 0,
    order: Sequence[tuple[str, bool]] = (),
) -> list[StoredBatch]:
    """Batches of a sandbox, newest first; those of one job in its order.

    Args:
        connection: Any.
        sandbox_id: Whose.
        wanted: Which of them.
        limit: At most so many.
        start: So many are left out before the first.
        order: Columns to sort by before all, each with whether it descends.
    """
    c = batches.c
    chosen = select(batches).where(c.sandbox_id == sandbox_id)
    if wanted.dataset_ids is not None:
        chosen = chosen.where(c.dataset_id.in_(wanted.dataset_ids))
    if wanted.statuses is not None:
        chosen = chosen.where(c.status.in_(wanted.statuses))
    if wanted.created_after is not None:
        chosen = chosen.where(c.created > wanted.created_after)
    if wanted.created_before is not None:
        chosen = chosen.where(c.created < wanted.created_before)
    # What is not known yet comes last, on either database.
    asked = [
        (c[name].desc() if descends else c[name].asc()).nulls_last() for name, descends in order
    ]
    chosen = chosen.order_by(*asked, c.created.desc(), c.job_id.desc(), c.position)
    return [_batch(row) for row in connection.execute(chosen.limit(limit).offset(start))]


def find(connection: Connection, sandbox_id: int, batch_id: str) -> StoredBatch:
    """One batch of a sandbox.

    Raises:
        NotFound: there is none of that id in it.
    """
    chosen = select(batches).where(batches.c.sandbox_id == sandbox_id, batches.c.id == batch_id)
    storable = "\0" not in batch_id  # PostgreSQL refuses it
    row = connection.execute(chosen).one_or_none() if storable else None
    if row is None:
        raise NotFound(f"There is no batch {quote(batch_id)} in this sandbox.")
    return _batch(row)


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
    connection.execute(chosen.values(started=epoch_ms(at), updated=epoch_ms(at)))


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
        .values(
            status=status,
            errors=json.dumps(list(errors)),
            completed=epoch_ms(at),
            updated=epoch_ms(at),
        )
    )
    for batch_id, size in (sizes or {}).items():
        connection.execute(
            update(batches)
            .where(batches.c.id == batch_id, batches.c.job_id == job_id)
            .values(record_count=size.records, size=size.bytes)
        )


def _batch(row: Row[Any]) -> StoredBatch:
    return StoredBatch(
        row.id, row.dataset_id, row.status, row.record_count, row.size, json.loads(row.errors),
        row.created, row.updated, row.started, row.completed,
    )  # fmt: skip
