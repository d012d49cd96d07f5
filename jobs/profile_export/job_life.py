"""The life of one attempt (S27): lock, pin, decide, write, commit, describe, tidy.

What is true is in two places: the target's Delta log says whether the job has committed, and
``job.json`` says that its papers are complete. Everything else can be lost and made again.
"""

import json
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from profile_export import document as documents
from profile_export import run as stages
from profile_export.attempt import Attempt, given_up, tidy
from profile_export.commit import check_target, find_commit, write_and_commit
from profile_export.committed import describe
from profile_export.document import Document
from profile_export.engines import Written
from profile_export.errors import Cancelled, JobFailed
from profile_export.faults import fault
from profile_export.job_folder import Begun
from profile_export.manifest import JOB, MANIFEST, job_with_plan, manifest, write_json
from profile_export.own_commit import OwnCommit
from profile_export.pins import see_unchanged


def life(run: Attempt, document: Document, *, exclusive: bool) -> Document:
    """From the lock to the papers, or what an earlier attempt has done.

    Args:
        run: The attempt; the plan of an earlier one takes the place of its own.
        document: The job document so far.
        exclusive: As for :func:`.job.run_job`.

    Raises:
        Conflict, Cancelled, JobFailed: As :func:`.job.run_job`.
    """
    if (done := run.folder.finished(run.plan)) is not None:
        if run.folder.was_left():  # a lock needs a target that can be written: the answer does not
            with (
                suppress(OSError, Cancelled, JobFailed),
                run.folder.locked(run.stop, exclusive=exclusive),
            ):
                tidy(run, done[0])
        return done[1]
    with run.folder.locked(run.stop, exclusive=exclusive):
        if (done := run.folder.finished(run.plan)) is not None:
            if run.folder.was_left():
                tidy(run, done[0])
            return done[1]
        begun = run.folder.begin(run.plan, document, run.engine.pid)
        just_planned = run.just_planned and begun.plan is run.plan
        run = replace(run, plan=begun.plan, just_planned=just_planned)
        if begun.again:
            run.may_be_committed.set()
        try:
            return _to_the_end(run, begun)
        except BaseException as error:
            raise given_up(run, error) from error


def _to_the_end(run: Attempt, begun: Begun) -> Document:
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
    tidy(run, run.plan)
    return document


def _export(run: Attempt) -> tuple[OwnCommit, stages.Decided]:
    """From the pinned inputs to the commit. The counts ride in it: nothing else survives a kill."""

    def check() -> None:
        run.work.check()
        run.may_commit()

    run.work.check()
    check_target(run.plan, run.location)
    if not run.just_planned:
        see_unchanged(run.plan, named_info=run.engine.table_info)
    started = datetime.now(UTC)
    decided = stages.decide(run.work, run.plan)
    rows = stages.rows(run.work, run.plan, decided)
    run.work.report("write", 0.5)
    note = json.dumps({"started": started.isoformat(), "counts": asdict(decided.counts)})
    run.may_be_committed.set()
    with run.engine.set_up_for_writing(decided.counts.exported):
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


def _truncated(run: Attempt, written: Written, decided: stages.Decided | None) -> dict[str, int]:
    """What S25 left out: nothing, unless a written row is as long as the limit allows."""
    events = run.plan.events
    if events is None or all(b.most_events < events.max_per_profile for b in written.batches):
        return {"profiles": 0, "events": 0}
    decided = decided or stages.decide(run.work, run.plan)
    return stages.events_truncated(run.work, run.plan, decided)
