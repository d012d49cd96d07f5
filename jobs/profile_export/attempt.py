"""One attempt at a job, and its ends: what is tidied up after it, what is told where it failed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event

from profile_export.commit import find_commit, sweep
from profile_export.engine_errors import translate, unwritable
from profile_export.engines import Engine
from profile_export.engines.workspace import JobWorkspace
from profile_export.errors import EXPIRED, JobFailed, outcome_unknown
from profile_export.faults import fault
from profile_export.job_folder import JobFolder
from profile_export.plan import ExportPlan
from profile_export.stop import Stop


@dataclass(frozen=True)
class Attempt:
    """One attempt at a job."""

    engine: Engine
    plan: ExportPlan
    location: str
    folder: JobFolder
    work: JobWorkspace
    stop: Stop
    may_commit: Callable[[], None]
    just_planned: bool
    may_be_committed: Event = field(default_factory=Event)
    """Set once this attempt writes, and from the start where another was made before."""


def no_folder(run: Attempt, error: OSError) -> JobFailed:
    """The target's folder cannot take even the first note of a job, or none of an attempt at it."""
    begun = False
    with suppress(OSError):
        begun = run.folder.was_left()
    told = unwritable(error, run.plan)
    return outcome_unknown(str(told).rstrip(".")) if begun else told


def tidy(run: Attempt, plan: ExportPlan) -> None:
    """The outcome is in the log and on paper: what is left of attempts goes.

    Of a job that is done nothing can fail any more. What cannot be deleted now stays for the next
    run of this id; and where the log has lost the commit, no file of it is taken for a stray.
    """
    fault("before-sweep")
    with suppress(OSError, JobFailed):
        if (commit := find_commit(plan, run.location)) is not None:
            sweep(plan, run.location, commit=commit)
        run.folder.finish()


def given_up(run: Attempt, error: BaseException) -> BaseException:
    """Undo an attempt, unless the log says that it has committed; gives what to raise."""
    told = translate(error, run.plan, stopped=run.stop.asked)
    try:
        committed = find_commit(run.plan, run.location) is not None
    except JobFailed as unreadable:  # nothing may be deleted
        if not run.stop.closed:
            unsure = run.may_be_committed.is_set() and unreadable.code != EXPIRED
            return outcome_unknown(str(unreadable).rstrip(".")) if unsure else told
        committed = True
    if isinstance(told, JobFailed) and told.code == EXPIRED:
        return told
    if committed:
        return JobFailed(
            f"The export was committed, but its manifest is not written: {told} Run it again with"
            f" --job-id {run.plan.job_id} to complete it.",
            code="manifest-missing",
        )
    if run.stop.asked:
        fault("while-cancelling")
    if run.stop.left and not run.folder.has_lock:
        return told  # without a lock, what lies there may be of who has the job now
    sweep(run.plan, run.location, commit=None)
    run.folder.abandon()
    return told
