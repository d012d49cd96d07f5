"""A dry run: the who phase of a job, into a scratch folder of its own; the target is only read."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profile_export.engines import Engine
    from profile_export.plan import ExportPlan


def counts(
    plan: "ExportPlan",
    engine: "Engine",
    *,
    progress: Callable[[str, float], None] | None = None,
    scratch: str | None = None,
) -> dict[str, object]:
    """What an export of this plan would count: ``candidates``, ``batches``, ``exclusions``.

    As costly as the first phase of the job: narrow columns, no wide row, no event attached. Its
    scratch tables lie below ``TMPDIR``, which the workers of a cluster must share.

    Args:
        plan: Of the job that is not made.
        engine: Computes it.
        progress: Told the stage and its fraction.
        scratch: An empty folder of the caller's, who also removes it: for one who may have to kill
            the process that counts.

    Raises:
        JobFailed: the target could not take the export, or the engine could not count.
    """
    from profile_export import run as stages
    from profile_export.commit import check_target
    from profile_export.engine_errors import translate
    from profile_export.engines.workspace import JobWorkspace
    from profile_export.scratch import scratch_folder
    from profile_export.storage import Folder

    check_target(plan, plan.target.table.location or engine.locate(plan.target.table))
    with scratch_folder(scratch) as folder:
        work = JobWorkspace(engine, Folder(folder), progress=progress, plan=plan)
        try:
            engine.between_jobs()
            decided = stages.decide(work, plan).counts
        except KeyboardInterrupt:
            engine.interrupt()  # nothing may be written any more when the folder goes
            raise
        except Exception as error:
            raise translate(error, plan, stopped=False) from error
    batches = [
        {"segment": batch.segment, "recordCount": records}
        for batch, records in zip(plan.batches, decided.batches, strict=True)
    ]
    return {
        "candidates": decided.candidates,
        "batches": batches,
        "exclusions": decided.exclusions,
    }
