"""The life of one run: lock, pin, decide, write, commit, describe, tidy. Once, whatever dies (S27).

What is true is in two places: the target's Delta log says whether the job has committed, and
``job.json`` says that its papers are complete. Everything else can be lost and made again.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Event

from profile_export import document as documents
from profile_export import run as stages
from profile_export.commit import check_target, find_commit, sweep, write_and_commit
from profile_export.committed import describe
from profile_export.delta_log import OwnCommit
from profile_export.engine_errors import translate, unwritable
from profile_export.engines import Engine, Written
from profile_export.engines.workspace import DRIVER_EDGES, JobWorkspace, Progress
from profile_export.errors import Cancelled, JobFailed, outcome_unknown
from profile_export.faults import fault
from profile_export.job_folder import Begun, JobFolder
from profile_export.manifest import JOB, MANIFEST, job_with_plan, manifest, write_json
from profile_export.pins import see_unchanged
from profile_export.plan import ExportPlan
from profile_export.stop import Stop
from profile_export.storage import Folder
from profile_export.supervised import supervised

Document = documents.Document


@dataclass(frozen=True)
class _Run:
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

    def life() -> Document:
        location = _location(plan, engine)
        folder = JobFolder(Folder(location), plan.job_id)
        work = JobWorkspace(
            *(engine, folder.scratch),
            progress=progress,
            stop=asked,
            driver_edges=driver_edges,
            plan=plan,
        )
        run = _Run(engine, plan, location, folder, work, asked, may_commit, just_planned)
        try:
            return _life(run, first, exclusive=exclusive)
        except OSError as error:  # of an attempt that has begun, another is made of it
            raise _no_folder(run, error) from error

    return supervised(life, engine, asked)


def _location(plan: ExportPlan, engine: Engine) -> str:
    return plan.target.table.location or engine.locate(plan.target.table)


def _life(run: _Run, document: Document, *, exclusive: bool) -> Document:
    if (done := run.folder.finished(run.plan)) is not None:
        if run.folder.was_left():  # a lock needs a target that can be written: the answer does not
            with (
                suppress(OSError, Cancelled, JobFailed),
                run.folder.locked(run.stop, exclusive=exclusive),
            ):
                _tidy(run, done[0])
        return done[1]
    with run.folder.locked(run.stop, exclusive=exclusive):
        if (done := run.folder.finished(run.plan)) is not None:
            if run.folder.was_left():
                _tidy(run, done[0])
            return done[1]
        begun = run.folder.begin(run.plan, document, run.engine.pid)
        just_planned = run.just_planned and begun.plan is run.plan
        run = replace(run, plan=begun.plan, just_planned=just_planned)
        if begun.again:
            run.may_be_committed.set()
        try:
            return _to_the_end(run, begun)
        except BaseException as error:
            raise _given_up(run, error) from error


def _to_the_end(run: _Run, begun: Begun) -> Document:
    found = find_commit(run.plan, run.location)
    commit, decided = (found, None) if found is not None else _export(run)
    committed = None if found is not None else datetime.now(UTC)
    run.stop.close()
    fault("after-commit")
    written = describe(run.engine, commit, plan=run.plan, location=run.location)
    note = json.loads(commit.note)
    counts = {**note["counts"], "events_truncated": _truncated(run, written, decided)}
    engine = run.engine.name, run.engine.version
    made = manifest(run.plan, written, counts, engine=engine, created_at=datetime.now(UTC))
    write_json(run.folder.files, MANIFEST, made)
    fault("after-manifest")
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=commit.time_ms)
    document = documents.succeeded(
        documents.processing(begun.document, at=at),
        counts,
        export_time=(datetime.fromisoformat(note["started"]), at),
        write_time=(at, committed or at),
        at=datetime.now(UTC),
    )
    write_json(run.folder.files, JOB, job_with_plan(document, run.plan))
    _tidy(run, run.plan)
    return document


def _export(run: _Run) -> tuple[OwnCommit, stages.Decided]:
    """From the pinned inputs to the commit. The counts ride in it: nothing else survives a kill."""

    def check() -> None:
        run.work.check()
        run.may_commit()

    run.work.check()
    check_target(run.plan, run.location)
    if not run.just_planned:
        see_unchanged(run.plan)
    started = datetime.now(UTC)
    decided = stages.decide(run.work, run.plan)
    rows = stages.rows(run.work, run.plan, decided)
    run.work.report("write", 0.5)
    note = json.dumps({"started": started.isoformat(), "counts": asdict(decided.counts)})
    run.may_be_committed.set()
    with run.engine.writing(decided.counts.exported):
        commit = write_and_commit(
            run.engine,
            rows,
            plan=run.plan,
            location=run.location,
            note=note,
            check=check,
            persons=decided.counts.batches,
        )
    return commit, decided


def _no_folder(run: _Run, error: OSError) -> JobFailed:
    """The target's folder cannot take even the first note of a job, or none of an attempt at it."""
    begun = False
    with suppress(OSError):
        begun = run.folder.was_left()
    told = unwritable(error, run.plan)
    return outcome_unknown(str(told).rstrip(".")) if begun else told


def _truncated(run: _Run, written: Written, decided: stages.Decided | None) -> dict[str, int]:
    """What S25 left out: nothing, unless a written row is as long as the limit allows."""
    events = run.plan.events
    if events is None or all(b.most_events < events.max_per_profile for b in written.batches):
        return {"profiles": 0, "events": 0}
    decided = decided or stages.decide(run.work, run.plan)
    return stages.events_truncated(run.work, run.plan, decided)


def _tidy(run: _Run, plan: ExportPlan) -> None:
    """The outcome is in the log and on paper: what is left of attempts goes.

    Of a job that is done nothing can fail any more. What cannot be deleted now stays for the next
    run of this id; and where the log has lost the commit, no file of it is taken for a stray.
    """
    fault("before-sweep")
    with suppress(OSError, JobFailed):
        if (commit := find_commit(plan, run.location)) is not None:
            sweep(plan, run.location, commit=commit)
        run.folder.finish()


def _given_up(run: _Run, error: BaseException) -> BaseException:
    """Undo an attempt, unless the log says that it has committed; gives what to raise."""
    told = translate(error, run.plan, stopped=run.stop.asked)
    try:
        committed = find_commit(run.plan, run.location) is not None
    except JobFailed as unreadable:  # nothing may be deleted
        if not run.stop.closed:
            unsure = run.may_be_committed.is_set() and unreadable.code != "commit-expired"
            return outcome_unknown(str(unreadable).rstrip(".")) if unsure else told
        committed = True
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
