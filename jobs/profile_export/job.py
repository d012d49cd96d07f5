"""Do a job once, whatever dies; finish, or answer, what an earlier run of it has done (S27)."""

from collections.abc import Callable
from datetime import UTC, datetime

from profile_export import document as documents
from profile_export.attempt import Attempt, no_folder
from profile_export.document import Document
from profile_export.engines import Engine
from profile_export.engines.workspace import DRIVER_EDGES, JobWorkspace, Progress
from profile_export.job_folder import JobFolder
from profile_export.job_life import life
from profile_export.plan import ExportPlan
from profile_export.stop import Stop
from profile_export.storage import Folder
from profile_export.supervised import supervised


def run_job(
    plan: ExportPlan,
    engine: Engine,
    *,
    document: Document | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
    driver_edges: int = DRIVER_EDGES,
    exclusive: bool = False,
    may_commit: Callable[[], None] = lambda: None,
    just_planned: bool = False,
) -> Document:
    """Do the job, or finish or answer what an earlier run of the same id has done.

    Ctrl-C and SIGTERM stop it cleanly where this is the main thread; another thread calls
    ``stop.ask()``. A commit that was already made wins: the job then ends as done. So a stop that
    was asked before brings a job of a dead process to its end: done if it has committed, else gone.

    Args:
        plan: What to do. The plan of an earlier attempt with this id takes its place, so that a
            repeated job reads the same versions and writes the same batches.
        engine: Where it runs.
        document: The job document so far; a new one unless given.
        progress: Called with stage and fraction, from another thread.
        stop: How others stop it.
        driver_edges: How many identity edges the driver may hold.
        exclusive: The caller holds the job by a lease: another process of this machine that still
            works on it has lost it, and is ended if it does not leave.
        may_commit: Called last before the commit (on Spark: before the call that writes and
            commits); waits, or raises Cancelled.
        just_planned: The plan was made a moment ago, so that its inputs are what it says.

    Returns:
        The document of the SUCCEEDED job, as in ``job.json`` without its plan.

    Raises:
        Conflict: ``job-id-in-use``.
        Cancelled: it was stopped; nothing is visible, no file is left.
        JobFailed: likewise, with the reason; ``manifest-missing``: it has committed;
            ``outcome-unknown``: that cannot be told.
    """
    asked = stop or Stop()
    first = document or documents.new(plan, at=datetime.now(UTC))

    def attempt() -> Document:
        location = _location(plan, engine)
        folder = JobFolder(Folder(location), plan.job_id)
        work = JobWorkspace(
            engine,
            folder.scratch,
            progress=progress,
            stop=asked,
            driver_edges=driver_edges,
            plan=plan,
        )
        run = Attempt(engine, plan, location, folder, work, asked, may_commit, just_planned)
        try:
            return life(run, first, exclusive=exclusive)
        except OSError as error:  # of an attempt that has begun, another is made of it
            raise no_folder(run, error) from error

    return supervised(attempt, engine, asked)


def _location(plan: ExportPlan, engine: Engine) -> str:
    return plan.target.table.location or engine.locate(plan.target.table)
