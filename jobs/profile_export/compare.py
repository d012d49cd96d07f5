"""``rerun --compare``: what a plan gives now, against a manifest. The target is not touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from profile_export import run as stages
from profile_export.compared import (
    BatchNow,
    Compared,
    batch_differences,
    count_differences,
)
from profile_export.engine_errors import translate
from profile_export.engines import Engine
from profile_export.engines.workspace import JobWorkspace, Progress
from profile_export.outputs import BATCH_COLUMN, written_columns
from profile_export.papers import Manifest, see_of_one_job
from profile_export.plan import ExportPlan
from profile_export.rowset import by_engine
from profile_export.scratch import scratch_folder
from profile_export.storage import Folder


def compare(
    plan: ExportPlan, manifest: Manifest, engine: Engine, *, progress: Progress | None = None
) -> Compared:
    """Run the plan into a scratch folder and hold it against a manifest.

    As costly as the job without its commit. The scratch folder lies below ``TMPDIR``, which the
    workers of a cluster must share; where the target is on an object store, beside the target.

    Args:
        plan: With the batch ids of the manifest.
        manifest: Of the job.
        engine: Where it runs.
        progress: Called with stage and fraction.

    Raises:
        Refused: ``other-job``: the manifest is of another job than the plan.
        JobFailed: the rows could not be computed.
    """
    ids = [batch.batch_id for batch in plan.batches]
    see_of_one_job(manifest, plan)
    with _scratch(plan, engine) as scratch:
        work = JobWorkspace(engine, scratch, progress=progress, plan=plan)
        try:
            decided = stages.decide(work, plan)
            found = _rows(work, plan, decided)
            counts = _counts(work, plan, decided, found)
        except KeyboardInterrupt:
            engine.interrupt()  # nothing may be written any more when the folder goes
            raise
        except Exception as error:
            raise translate(error, plan, stopped=False) from error
    now = tuple(found.get(i, (BatchNow(), 0))[0] for i in ids)
    differences = (*batch_differences(manifest, now), *count_differences(manifest, counts))
    return Compared(manifest, (engine.name, engine.version), now, differences)


@contextmanager
def _scratch(plan: ExportPlan, engine: Engine) -> Iterator[Folder]:
    location = plan.target.table.location or engine.locate(plan.target.table)
    if Folder(location).local is None:
        beside = Folder(f"{location}-compare-{uuid4().hex}")
        try:
            yield beside
        finally:
            beside.delete_tree("")
        return
    with scratch_folder() as folder:
        yield Folder(folder)


def _rows(
    work: JobWorkspace, plan: ExportPlan, decided: stages.Decided
) -> dict[str, tuple[BatchNow, int]]:
    """Each batch that has rows, with the most events of one row."""
    rows = work.materialise(stages.rows(work, plan, decided), "compared")
    work.report("hash", 0.9)
    return {
        row[BATCH_COLUMN]: (
            BatchNow(
                int(row["records"]),
                int(row["events"]),
                by_engine.hex_digest(row["hash_sum"], row["hash_xor"]),
            ),
            int(row["most_events"]),
        )
        for row in by_engine.by_batch(rows, columns=written_columns(plan)).collect()
    }


def _counts(
    work: JobWorkspace,
    plan: ExportPlan,
    decided: stages.Decided,
    found: dict[str, tuple[BatchNow, int]],
) -> dict[str, object]:
    truncated = {"profiles": 0, "events": 0}
    if plan.events and any(most >= plan.events.max_per_profile for _, most in found.values()):
        truncated = stages.events_truncated(work, plan, decided)
    return {
        "candidates": decided.counts.candidates,
        "exclusions": decided.counts.exclusions,
        "eventsTruncated": truncated,
        "rowsWithoutIdentity": decided.counts.rows_without_identity,
    }
