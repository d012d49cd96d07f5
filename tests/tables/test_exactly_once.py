"""S27: killed at every step, raced, stopped: one commit or none, and nothing left over."""

import signal
import time
from pathlib import Path

import pytest

from profile_export.faults import POINTS
from profile_export.plan import ExportPlan
from tables.plans import crm, plan_for
from tables.runs import findings, left_of, run, start, target_of


@pytest.fixture
def plan(tmp_path: Path) -> ExportPlan:
    return plan_for(tmp_path / "exports" / "profile", batches=1, inputs=(crm(tmp_path),))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_finished_by_the_next(
    point: str, plan: ExportPlan, engine_name: str, tmp_path: Path
) -> None:
    code, told = run(plan, engine_name, tmp_path, fault=point)
    assert code == -signal.SIGKILL, told
    code, told = run(plan, engine_name, tmp_path)
    assert code == 0, told
    assert findings(plan, records=[20]) == []


def test_a_draft_of_a_killed_write_is_swept(
    plan: ExportPlan, engine_name: str, tmp_path: Path
) -> None:
    """Killed within the writing of a paper: seen in a storm, one of some thousand kills."""
    run(plan, engine_name, tmp_path, fault="after-commit")
    papers = target_of(plan) / "_profile_export" / str(plan.job_id)
    (papers / ".manifest.json.4711.tmp").write_text("{", encoding="utf-8")
    code, told = run(plan, engine_name, tmp_path)
    assert code == 0, told
    assert findings(plan, records=[20]) == []


def test_two_processes_at_once_commit_once(
    plan: ExportPlan, engine_name: str, tmp_path: Path
) -> None:
    both = [start(plan, engine_name, tmp_path) for _ in range(2)]
    told = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert findings(plan, records=[20]) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing(
    number: signal.Signals, tmp_path: Path, engine_name: str
) -> None:
    plan = plan_for(
        tmp_path / "exports" / "profile", batches=1, inputs=(crm(tmp_path, rows=200_000),)
    )
    process = start(plan, engine_name, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.05)
    process.send_signal(number)
    told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert left_of(plan) == []
    assert not target_of(plan).parent.exists()
