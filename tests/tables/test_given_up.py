"""What is told of an attempt that breaks: undone, done, or that nobody knows (S27)."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from profile_export import document as documents
from profile_export.commit import write_and_commit
from profile_export.delta_log import unreadable_log
from profile_export.engines import Engine, sail_write
from profile_export.engines.sail_write import write_files
from profile_export.errors import Cancelled, Conflict, JobFailed
from profile_export.job import run_job
from profile_export.job_folder import JobFolder
from profile_export.own_commit import OwnCommit
from profile_export.plan import ExportPlan
from profile_export.stop import Stop
from profile_export.storage import Folder, Stored
from tables.plans import crm, plan_for
from tables.runs import findings, left_of, target_of


@pytest.fixture
def plan(tmp_path: Path) -> ExportPlan:
    return plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def unreadable(*_: object) -> None:
    raise unreadable_log("version 0 holds no commit")


NO_PAPERS: dict[str, Callable[..., object]] = {"profile_export.job_life.describe": full_disk}
LOG: dict[str, dict[str, Callable[..., object]]] = {
    "readable": {},
    "unreadable": {"profile_export.attempt.find_commit": unreadable},
}


def commits_unheard(*args: Any, **words: Any) -> OwnCommit:
    write_and_commit(*args, **words)
    raise JobFailed("The answer was lost.", code="engine")


def broken(plan: ExportPlan, engine: Engine) -> JobFailed:
    with pytest.raises(JobFailed) as caught:
        run_job(plan, engine)
    return caught.value


def broken_by(
    harm: Mapping[str, Callable[..., object]],
    plan: ExportPlan,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> JobFailed:
    """What a run fails with in which these functions are replaced so."""
    with monkeypatch.context() as during:
        for name, function in harm.items():
            during.setattr(name, function)
        return broken(plan, engine)


def completed(plan: ExportPlan, engine: Engine) -> None:
    assert run_job(plan, engine)["status"] == "SUCCEEDED"
    assert findings(plan, records=[20]) == []


@pytest.mark.parametrize("log", ["readable", "unreadable"])
def test_s27_a_job_whose_papers_cannot_be_written_has_committed(
    log: str, plan: ExportPlan, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And needs its inputs no more."""
    told = broken_by(NO_PAPERS | LOG[log], plan, engine, monkeypatch)
    assert told.code == "manifest-missing"
    assert "Run it again with --job-id 1 to complete it." in str(told)
    shutil.rmtree(tmp_path / "crm")
    completed(plan, engine)


def test_s27_a_job_whose_committed_files_are_gone_cannot_be_completed(
    plan: ExportPlan, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has deleted its rows, and vacuumed: a service would try again for ever."""
    assert broken_by(NO_PAPERS, plan, engine, monkeypatch).code == "manifest-missing"
    table = DeltaTable(str(target_of(plan)))
    table.delete()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    version = DeltaTable(str(target_of(plan))).version()
    told = broken(plan, engine)
    assert told.code == "commit-expired"
    assert "has committed, and files of it were deleted since" in str(told)
    assert str(target_of(plan)) not in str(told)
    assert DeltaTable(str(target_of(plan))).version() == version


@pytest.mark.parametrize(
    ("log", "code"), [("readable", "manifest-missing"), ("unreadable", "outcome-unknown")]
)
def test_s27_a_commit_that_is_not_heard_of_wins(
    log: str, code: str, plan: ExportPlan, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    unheard = {"profile_export.job_life.write_and_commit": commits_unheard}
    assert broken_by(unheard | LOG[log], plan, engine, monkeypatch).code == code
    completed(plan, engine)


def test_s27_who_has_not_begun_to_write_has_not_committed(
    plan: ExportPlan, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless an attempt was made before, of which nobody knows how far it came."""
    monkeypatch.setattr("profile_export.job_life.check_target", full_disk)
    monkeypatch.setattr("profile_export.attempt.find_commit", unreadable)
    assert broken(plan, engine).code == "disk-full"
    assert (target_of(plan) / "_profile_export" / "1" / "plan.json").exists()
    assert broken(plan, engine).code == "outcome-unknown"


def test_s27_a_target_that_takes_no_note_of_a_job_has_no_row_of_it(
    plan: ExportPlan, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_note = {"profile_export.job_folder.write_json": full_disk}
    assert broken_by(no_note, plan, engine, monkeypatch).code == "disk-full"
    assert left_of(plan) == []
    assert broken_by(NO_PAPERS, plan, engine, monkeypatch).code == "manifest-missing"
    assert broken_by(no_note, plan, engine, monkeypatch).code == "outcome-unknown"
    completed(plan, engine)


@pytest.mark.sail_only("spark writes and commits in one call")
def test_s27_who_is_asked_to_stop_before_the_commit_does_not_commit(
    plan: ExportPlan, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Stop()

    def written(*args: Any) -> list[Stored]:
        files = write_files(*args)
        stop.ask()
        return files

    monkeypatch.setattr(sail_write, "write_files", written)
    with pytest.raises(Cancelled):
        run_job(plan, engine, stop=stop)
    assert left_of(plan) == []


def test_s27_what_another_request_has_begun_is_not_gone_on_with(
    plan: ExportPlan, engine: Engine
) -> None:
    """The plan of an earlier attempt takes the place of one's own: it must have asked the same."""
    other = plan.model_copy(update={"request": {"fields": "age"}})
    begun = JobFolder(Folder(str(target_of(plan))), plan.job_id)
    begun.begin(plan, documents.new(plan, at=plan.as_of), None)
    with pytest.raises(Conflict) as caught:
        run_job(other, engine)
    assert caught.value.code == "job-id-in-use"
    completed(plan, engine)


def test_s27_the_engine_of_a_killed_attempt_is_waited_for(plan: ExportPlan) -> None:
    """A JVM that is still ending could commit until then. One's own is not."""
    folder = JobFolder(Folder(str(target_of(plan))), plan.job_id)
    with subprocess.Popen(["sleep", "1"]) as ending:
        assert not folder.begin(plan, {}, ending.pid).again
        assert folder.begin(plan, {}, None).again
        assert ending.poll() is not None
    with subprocess.Popen(["sleep", "60"]) as own:
        folder.begin(plan, {}, own.pid)
        assert folder.begin(plan, {}, own.pid).again
        assert own.poll() is None
        own.kill()
