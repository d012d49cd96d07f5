"""``{target}/_profile_export/{jobId}/``: a job's lock, its pinned plan while it runs, its papers.

lock            held while a process works on the job (local file systems); says which
plan.json       from the start to the end of the work: the plan, the document, who works on it
scratch/        the engine's intermediates
manifest.json   after the commit
job.json        last: the job is done
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from pydantic import ValidationError

from profile_export.errors import Conflict
from profile_export.job_lock import held
from profile_export.made_folders import MadeFolders
from profile_export.manifest import (
    JOB,
    ROOT,
    papers_in,
    plan_json,
    read_json,
    unreadable,
    write_json,
)
from profile_export.plan import ExportPlan
from profile_export.processes import process, wait_for_end
from profile_export.stop import Stop
from profile_export.storage import Folder

PLAN = "plan.json"
LOCK = "lock"


@dataclass(frozen=True)
class Begun:
    """A job under way: the plan that counts is the one of its first attempt."""

    plan: ExportPlan
    document: dict[str, object]
    again: bool
    """Whether an attempt was made before."""


class JobFolder:
    """The folder of one job below its target dataset."""

    def __init__(self, target: Folder, job_id: int) -> None:
        self.target = target
        self.files = papers_in(target, job_id)
        self.scratch = self.files.at("scratch")
        self._job_id = job_id
        self._made = MadeFolders(target.local)

    @property
    def has_lock(self) -> bool:
        """Whether others can be kept out: not on object stores."""
        return self.files.local is not None

    @contextmanager
    def locked(self, stop: Stop, *, exclusive: bool = False) -> Iterator[None]:
        """Be the only process that works on the job; waits for another that does.

        The kernel frees the lock when its holder dies, however that happens. On object stores there
        is none: there the service's lease on the job keeps others out.

        Args:
            stop: Ends the waiting.
            exclusive: The job is ours by a lease. A process of this machine that has lost it and
                keeps the lock (it was paused, say) is killed: nobody wants what it would still do.

        Raises:
            Cancelled: asked to stop while waiting.
        """
        folder = self.files.local
        if folder is None:
            yield
            return
        try:
            make = partial(self._made.make, folder)
            with held(folder / LOCK, make, stop, exclusive=exclusive):
                yield
        finally:
            self._leave_no_empty_folder()

    def finished(self, plan: ExportPlan) -> tuple[ExportPlan, dict[str, object]] | None:
        """The plan and document of a job of this id that is done; None where there is none.

        Raises:
            Conflict: ``job-id-in-use`` by another request.
        """
        saved = read_json(self.files, JOB)
        if saved is None:
            return None
        done = _plan_of(saved.pop("plan", None), JOB)
        self._see_that_it_is_ours(done, plan)
        return done, saved

    def begin(self, plan: ExportPlan, document: dict[str, object], pid: int | None) -> Begun:
        """Note durably what is to be done; or give back what an earlier attempt has noted (S27).

        An attempt that was killed may have left a JVM that is still ending: it is waited for, since
        it could commit until then.

        Args:
            plan: Freshly made.
            document: The job document so far.
            pid: Of the engine's own process, where it has one.

        Raises:
            Conflict: ``job-id-in-use`` by another request.
        """
        earlier = self.noted(plan)
        if earlier is not None:
            first, saved = earlier
            if saved.get("engine") != process(pid):  # else it is this very one, that goes on
                wait_for_end(saved.get("engine"))
            kept = saved.get("document")
            plan, document = first, dict(kept) if isinstance(kept, dict) else document
            self._made.topmost = str(saved["made"]) if saved.get("made") else None
        noted: dict[str, object] = {
            "plan": plan_json(plan),
            "document": document,
            "made": self._made.topmost,
            "engine": process(pid),
        }
        write_json(self.files, PLAN, noted)
        return Begun(plan, document, again=earlier is not None)

    def noted(self, plan: ExportPlan) -> tuple[ExportPlan, dict[str, object]] | None:
        """What an attempt that has not ended has noted, and its plan; None where there is none.

        Raises:
            Conflict: ``job-id-in-use`` by another request.
        """
        saved = read_json(self.files, PLAN)
        if saved is None:
            return None
        first = _plan_of(saved.get("plan"), PLAN)
        self._see_that_it_is_ours(first, plan)
        return first, saved

    def was_left(self) -> bool:
        """Whether an attempt at this job ended without tidying up."""
        return self.files.exists(PLAN)

    def finish(self) -> None:
        """Keep the papers only."""
        self.scratch.delete_tree("")
        self._delete_drafts()
        self.files.delete(PLAN)

    def abandon(self) -> None:
        """Leave nothing of a job that did not happen, nor the folders that it made."""
        self.files.delete_tree("scratch")
        self._delete_drafts()
        self.files.delete(PLAN)
        if not any(self.target.files("_delta_log")):
            self.target.delete_if_empty("_delta_log")

    def _delete_drafts(self) -> None:
        """Papers that a killed attempt was just writing (``storage.py``)."""
        for file in list(self.files.files()):
            if file.path.startswith(".") and file.path.endswith(".tmp"):
                self.files.delete(file.path)

    def _leave_no_empty_folder(self) -> None:
        if self.files.delete_if_empty() and self.target.delete_if_empty(ROOT):
            self._made.remove()

    def _see_that_it_is_ours(self, known: ExportPlan, plan: ExportPlan) -> None:
        if known.question != plan.question:
            raise Conflict(
                f"Job id {self._job_id} was used for another request on this target. Choose another"
                " id, or leave it out.",
                code="job-id-in-use",
            )


def _plan_of(content: object, name: str) -> ExportPlan:
    """The plan in a paper of an earlier run.

    Raises:
        JobFailed: ``papers-unreadable``: it is none that this version knows.
    """
    try:
        return ExportPlan.model_validate(content)
    except ValidationError as error:
        raise unreadable(name, "of another version of this program") from error
