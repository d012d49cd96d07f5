"""Where the files of a batch are: what is needed to find its manifest."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, select

from profile_export.errors import NotFound
from profile_export.plan import TableRef
from profile_export.service.store.tables import batches, jobs


@dataclass(frozen=True)
class BatchAndTarget:
    """A batch, and the target that its job wrote to."""

    id: str
    job_id: int
    dataset_id: str
    status: str
    created: int
    updated: int
    target: TableRef


def find(connection: Connection, sandbox_id: int, batch_id: str) -> BatchAndTarget:
    """A batch of a sandbox, whatever its status.

    Raises:
        NotFound: there is none of that id in it.
    """
    c = batches.c
    chosen = (
        select(c.id, c.job_id, c.dataset_id, c.status, c.created, c.updated, jobs.c.plan)
        .join(jobs, jobs.c.id == c.job_id)
        .where(c.sandbox_id == sandbox_id, c.id == batch_id)
    )
    row = connection.execute(chosen).one_or_none()
    if row is None:
        raise NotFound("There is no such batch in this sandbox.")
    target = TableRef.model_validate(json.loads(row.plan)["target"]["table"])
    return BatchAndTarget(
        row.id, row.job_id, row.dataset_id, row.status, row.created, row.updated, target
    )
