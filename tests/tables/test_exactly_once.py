"""S27: killed at every step, raced, stopped: one commit or none, and nothing left over."""

import signal
from pathlib import Path

import pytest

from profile_export.engines import Engine
from profile_export.faults import POINTS
from profile_export.job import run_job
from profile_export.plan import ExportPlan
from tables.plans import crm, plan_for
from tables.runs import findings, left_of, run, start, target_of
from working import wait_for


@pytest.fixture
def plan(tmp_path: Path) -> ExportPlan:
    return plan_for(tmp_path / "exports" / "profile", batches=1, inputs=(crm(tmp_path),))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_finished_by_the_next(
    point: str, plan: ExportPlan, engine: Engine, tmp_path: Path
) -> None:
    code, told = run(plan, engine.name, tmp_path, fault=point)
    assert code == -signal.SIGKILL, told
    assert run_job(plan, engine)["status"] == "SUCCEEDED"
    assert findings(plan, records=[20]) == []


def test_a_draft_of_a_killed_write_is_swept(
    plan: ExportPlan, engine: Engine, tmp_path: Path
) -> None:
    """Killed within the writing of a paper: seen in a storm, one of some thousand kills."""
    run(plan, engine.name, tmp_path, fault="after-commit")
    papers = target_of(plan) / "_profile_export" / str(plan.job_id)
    (papers / ".manifest.json.4711.tmp").write_text("{", encoding="utf-8")
    assert run_job(plan, engine)["status"] == "SUCCEEDED"
    assert findings(plan, records=[20]) == []


def test_two_processes_at_once_commit_once(
    plan: ExportPlan, engine_name: str, tmp_path: Path
) -> None:
    both = [start(plan, engine_name, tmp_path) for _ in range(2)]
    told = [process.communicate(timeout=600) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert findings(plan, records=[20]) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing(
    number: signal.Signals, plan: ExportPlan, tmp_path: Path, engine_name: str
) -> None:
    process = start(plan, engine_name, tmp_path, "endless")
    wait_for(lambda: (target_of(plan) / "_profile_export" / "1" / "plan.json").exists())
    process.send_signal(number)
    told = process.communicate(timeout=240)
    assert process.returncode == 130, told
    assert left_of(plan) == []
    assert not target_of(plan).parent.exists()
