"""Was a job id used before on a target, and by which request? Looked up, nothing is written."""

from contextlib import suppress

from profile_export.errors import Conflict, JobFailed
from profile_export.job_folder import PLAN, JobFolder
from profile_export.manifest import JOB, ROOT, papers_in, read_json
from profile_export.own_commit import has_job
from profile_export.plan import ExportPlan
from profile_export.storage import Folder


def see_papers(target: Folder, job_id: int) -> None:
    """See that a job of this id, if the target's log has one, still has papers that tell which.

    Raises:
        Conflict: ``job-id-in-use``: without them it would be done, and committed, a second time.
    """
    folder = papers_in(target, job_id)
    if not folder.exists(JOB) and not folder.exists(PLAN) and has_job(target, job_id):
        raise Conflict(
            f"Job {job_id} has committed to this target, and its papers ({ROOT}/{job_id}) are gone:"
            " whether it was this job cannot be told. Restore them, or choose another id.",
            code="job-id-in-use",
        )


def see_free(target: Folder, plan: ExportPlan) -> None:
    """See that a job of the plan's id, if there is one, asked the same. Nothing is written.

    Raises:
        Conflict: ``job-id-in-use``, as the job itself would.
    """
    see_papers(target, plan.job_id)
    folder = JobFolder(target, plan.job_id)
    folder.finished(plan)
    folder.noted(plan)


def finished_plan(
    target: Folder, job_id: int, question: tuple[str, str, str, dict[str, object]]
) -> ExportPlan | None:
    """The plan of a job that is done, if it asked the same; None too where that is not readable."""
    with suppress(OSError, ValueError, JobFailed):
        saved = read_json(papers_in(target, job_id), JOB)
        plan = None if saved is None else ExportPlan.model_validate(saved["plan"])
        return plan if plan is not None and plan.question == question else None
    return None
