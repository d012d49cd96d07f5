"""One atomic, repeatable Delta commit (S27); how strays are swept.

A job's commit carries an application transaction of the job. Whoever made it, whenever, whatever
died meanwhile: the target's log says whether the job is done, and with which files.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from profile_export.delta_log import look
from profile_export.engines import Engine, Writing
from profile_export.engines.batch_folders import batch_files, batch_folder
from profile_export.outputs import BATCH_COLUMN, written_columns
from profile_export.own_commit import OwnCommit, own_commit, transaction_of
from profile_export.plan import ExportPlan
from profile_export.schema import Field, Struct, quoted
from profile_export.storage import Folder
from profile_export.target_rules import columns_with_export

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def app_id(plan: ExportPlan) -> str:
    """The job's application transaction."""
    return transaction_of(plan.job_id, plan.batches[0].batch_id)


def table_columns(plan: ExportPlan) -> Struct:
    """The columns of the export as they stand in the table: the partition column last."""
    return Struct((*written_columns(plan).fields, Field(BATCH_COLUMN, "string")))


def check_target(plan: ExportPlan, location: str) -> None:
    """See that the target can take this export (S26); to be called first. Reads the log, or lists
    the folder where there is none.

    Raises:
        JobFailed: ``target-schema``, ``target-unreadable``.
    """
    columns_with_export(
        look(location),
        Folder(location),
        shown=plan.target.table.display,
        columns=table_columns(plan),
    )


def find_commit(plan: ExportPlan, location: str) -> OwnCommit | None:
    """The job's commit, where it was made before."""
    return own_commit(location, app_id(plan))


def write_and_commit(
    engine: Engine,
    frame: "DataFrame",
    *,
    plan: ExportPlan,
    location: str,
    note: str = "",
    check: Callable[[], None] = lambda: None,
    persons: Sequence[int] | None = None,
) -> OwnCommit:
    """Write the rows of all batches and make them visible in one commit, or in none (S27).

    Args:
        engine: Where ``frame`` lives.
        frame: ``table_columns(plan)``, one row per person and batch.
        plan: Names the batches and the target.
        location: Where the target lies or will lie.
        note: Kept in the commit (``userMetadata``), for a later run that finds it.
        check: Raises where the job is to stop; called last before the commit.
        persons: How many are in each batch: the files must have as many rows, where they can be
            looked at before the commit.

    Returns:
        The commit; of an earlier attempt, if there was one.

    Raises:
        JobFailed: ``target-schema``, ``target-busy``, ``rows-lost``, what the engine fails with.
    """
    columns = table_columns(plan)
    writing = Writing(
        location,
        shown=plan.target.table.display,
        table=plan.target.table.name,
        columns=columns,
        batch_ids=tuple(batch_ids(plan)),
        app_id=app_id(plan),
        note=note,
        persons=persons,
    )
    rows = frame.select(*(quoted(name) for name in columns.names()))
    return engine.write_and_commit(rows, writing, check=check)


def sweep(plan: ExportPlan, location: str, *, commit: OwnCommit | None) -> None:
    """Delete this job's files that no commit names, and folders left empty.

    Only folders of this job's own batch ids are looked into. To be called when the outcome is
    known: after the commit, or on failure under the job's lock. What readers of the table see is
    no stray, whatever is known of its commit.

    Raises:
        JobFailed: ``target-unreadable``.
    """
    folder = Folder(location)
    if commit is None:
        state = look(location)
        kept = set() if state is None else state.live_files(batch_ids(plan))
    else:
        kept = {file.path for file in commit.files}
    for file in batch_files(folder, batch_ids(plan)):
        if file.path not in kept:
            folder.delete(file.path)
    for batch_id in batch_ids(plan):
        folder.delete_if_empty(batch_folder(batch_id))


def batch_ids(plan: ExportPlan) -> list[str]:
    return [batch.batch_id for batch in plan.batches]
