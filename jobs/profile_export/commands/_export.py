"""Export and dry run as the commands do them: open, run, and a document whatever the end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from profile_export import document as documents
from profile_export.commands import _say
from profile_export.commands._ended import JobEnded
from profile_export.commands._places import Places, target_path
from profile_export.commands._progress import progress_bar
from profile_export.errors import EXPIRED, MAY_HAVE_COMMITTED, Cancelled, JobFailed, NotFound

if TYPE_CHECKING:
    from profile_export.catalog import Sandbox
    from profile_export.commands._asked import Planned
    from profile_export.commands._engine import LazyEngine
    from profile_export.document import Document
    from profile_export.plan import ExportPlan


_COMMITTED = (*MAY_HAVE_COMMITTED, EXPIRED)


@dataclass(frozen=True)
class DoneJob:
    """A job that is done.

    Attributes:
        plan: As it was asked for. An earlier attempt's may have run in its place: what came out
            is in the document.
        sandbox: Names the segments and the policy.
        document: Of the SUCCEEDED job.
        location: Of the target, for programs.
        places: The target and the papers, for people.
    """

    plan: "ExportPlan"
    sandbox: "Sandbox"
    document: "Document"
    location: str
    places: Places

    def manifest(self) -> dict[str, object]:
        """The job's manifest.

        Raises:
            NotFound: somebody has deleted it since.
        """
        from profile_export.manifest import MANIFEST

        return self._read(MANIFEST, self.places.manifest)

    def paper(self) -> dict[str, object]:
        """``job.json``: the document, and the plan that was run.

        Raises:
            NotFound: somebody has deleted it since.
        """
        from profile_export.manifest import JOB

        return self._read(JOB, self.places.job)

    def _read(self, name: str, shown: str) -> dict[str, object]:
        from profile_export.manifest import papers_folder, read_json

        found = read_json(papers_folder(self.location, self.plan.job_id), name)
        if found is None:
            raise NotFound(f"The job is done, but {shown} is gone.")
        return found


def export(planned: "Planned", engine: "LazyEngine") -> DoneJob:
    """Run the job of a plan, with a bar on a terminal.

    Raises:
        JobEnded: it failed or was stopped; with its document.
        Conflict: another request has this id.
    """
    plan, target = planned.plan, planned.plan.target.table
    document = documents.new(plan, at=datetime.now(UTC))
    shown = target_path(target, target.display, planned.sandbox_file)
    _say.note(f"Job {plan.job_id}: exporting to {shown}")
    try:
        with progress_bar() as show:
            opened = engine.get(plan)
            from profile_export.job import run_job

            done = run_job(plan, opened, document=document, progress=show, just_planned=True)
            location = target.location or opened.locate(target)
    except JobFailed as error:
        why, at = str(error), datetime.now(UTC)
        if error.code in _COMMITTED:  # its rows are visible, or may be: it has not failed
            told = documents.left_open(document, error.code, why, at=at)
        else:
            told = documents.failed(document, error.code, why, at=at)
        raise JobEnded(error, told) from error
    except Cancelled as error:
        raise JobEnded(error, documents.cancelled(document, at=datetime.now(UTC))) from error
    places = Places(target_path(target, location, planned.sandbox_file), plan.job_id)
    return DoneJob(plan, planned.sandbox, done, location, places)


def say_done(done: DoneJob, words: Callable[[], None], *, json: bool) -> None:
    """Say what a job has done: its paper, or in ``words``.

    A full disk below stdout is told, and does not make the job look undone.
    """
    with _say.of_work_done():
        if json:
            _say.result_json(done.paper())
        else:
            words()


def dry_run(planned: "Planned", engine: "LazyEngine") -> dict[str, object]:
    """The plan and what it would export, as JSON values; the target is not touched.

    Raises:
        JobFailed: it could not be counted.
    """
    with progress_bar() as show:
        opened = engine.get(planned.plan)
        from profile_export.children.counting import counts
        from profile_export.manifest import plan_json

        return {
            "plan": plan_json(planned.plan),
            "counts": counts(planned.plan, opened, progress=show),
        }
