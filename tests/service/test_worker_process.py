"""Workers as processes: killed at every point, paused, told to go, orphaned; one commit or none."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from postgres import Postgres
from profile_export import job_lock
from profile_export.engines import Engine
from profile_export.faults import POINTS
from profile_export.plan import ExportPlan
from profile_export.processes import started
from profile_export.service.store import Store, jobs, open_store, presence
from profile_export.service.store.tables import jobs as table
from profile_export.service.store.tables import workers
from tables.plans import crm, plan_for
from tables.runs import findings, left_of, target_of
from working import (
    ENDLESS,
    VARIABLE,
    Program,
    ended,
    endless_worker,
    job,
    lapse,
    opened_copy,
    ready,
    sandbox_of,
    script,
    submit,
    wait_for,
    worker,
    working,
)


@pytest.fixture
def quick(migrated_file: Path, tmp_path: Path) -> Iterator[tuple[str, Store]]:
    """URL and store on SQLite."""
    url, opened = opened_copy(migrated_file, tmp_path)
    yield url, opened
    opened.close()


def plan_in(folder: Path, *, rows: int = 20) -> ExportPlan:
    return plan_for(folder / "exports" / "profile", batches=1, inputs=(crm(folder, rows=rows),))


def attempts(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(table.select()).one().attempt


def is_processing(store: Store, sandbox: int) -> bool:
    return job(store, sandbox, 1).status == "PROCESSING"


@pytest.mark.parametrize("point", [*POINTS, "before-record"])
def test_a_killed_worker_is_followed_by_the_next(
    point: str, quick: tuple[str, Store], engine: Engine, engine_name: str, tmp_path: Path
) -> None:
    _killed_then_done(point, *quick, engine, engine_name, tmp_path)


def test_likewise_on_both_databases(
    store_url: str, store: Store, engine: Engine, engine_name: str, tmp_path: Path
) -> None:
    """Once its lease has run out."""
    _killed_then_done("after-commit", store_url, store, engine, engine_name, tmp_path, lease=4.0)


def _killed_then_done(
    point: str, url: str, store: Store, engine: Engine, engine_name: str, folder: Path,
    *, lease: float | None = None,
) -> None:  # fmt: skip
    sandbox, plan = sandbox_of(store), plan_in(folder)
    submit(store, sandbox, plan)
    with worker(url, folder / "w", engine=engine_name, lease=lease or 60, fault=point) as killed:
        assert killed.process.wait(240) == -signal.SIGKILL, killed.err
    assert job(store, sandbox, 1).status == "PROCESSING"
    if lease is None:
        lapse(store)
    with working(store, engine):
        shown = ended(store, sandbox, 1)
    assert (shown.status, attempts(store)) == ("SUCCEEDED", 2)
    assert findings(plan, records=[20]) == []


def test_a_worker_killed_while_it_cancels(
    quick: tuple[str, Store], engine: Engine, engine_name: str, tmp_path: Path
) -> None:
    url, store = quick
    sandbox, plan = sandbox_of(store), plan_in(tmp_path)
    submit(store, sandbox, plan)
    with endless_worker(url, tmp_path, engine=engine_name, fault="while-cancelling") as one:
        wait_for(lambda: is_processing(store, sandbox))
        with store.write() as connection:
            jobs.cancel(connection, sandbox, 1, at=jobs.now())
        assert one.process.wait(240) == -signal.SIGKILL, one.err
    assert job(store, sandbox, 1).status == "CANCELLING"
    assert left_of(plan)
    lapse(store)
    with working(store, engine):
        assert ended(store, sandbox, 1).status == "CANCELLED"
    assert not target_of(plan).parent.exists()


STUBBORN = """
import time
from profile_export import run
from profile_export.engines.sail import SailEngine
SailEngine.interrupt = lambda _: None
SailEngine.obeys_within = 0.2
run.decide = lambda *_: time.sleep(3600)
from profile_export.cli import entry
entry()
"""


@pytest.mark.sail_only("one engine shows it")
@pytest.mark.parametrize("then", ["cancel", "go"])
def test_an_engine_that_does_not_stop_ends_with_its_process(
    then: str, quick: tuple[str, Store], tmp_path: Path
) -> None:
    url, store = quick
    plan = plan_in(tmp_path)
    sandbox = sandbox_of(store)
    words = ("worker", "--engine", "sail")
    start = script(tmp_path, STUBBORN)
    with ready(Program(words, tmp_path / "w", {VARIABLE: url}, start=start)) as stubborn:
        submit(store, sandbox, plan)
        wait_for(lambda: (target_of(plan) / "_profile_export/1/plan.json").exists())
        if then == "go":
            assert stubborn.end() == 0
            assert is_processing(store, sandbox)
            assert attempts(store) == 0
            return
        with store.write() as connection:
            jobs.cancel(connection, sandbox, 1, at=jobs.now())
        assert ended(store, sandbox, 1).status == "CANCELLED"
        assert stubborn.logged("the engine does not stop; its process ends")
        assert not target_of(plan).parent.exists()
        assert stubborn.end() == 0


@pytest.mark.sail_only("one engine shows it")
@pytest.mark.parametrize("then", ["back", "told to go"])
def test_who_begins_anew_waits_for_the_store(
    then: str, own_postgres: Postgres, tmp_path: Path
) -> None:
    url = own_postgres.url(own_postgres.create())
    with closing(open_store(url)) as store:
        sandbox, plan = sandbox_of(store), plan_in(tmp_path)
        # It has heard, and does not stop before the store is away.
        heard = STUBBORN.replace("lambda _: None", "lambda _: open('heard', 'w').close()")
        start = script(tmp_path, heard.replace("obeys_within = 0.2", "obeys_within = 5.0"))
        words = ("worker", "--engine", "sail")
        with ready(Program(words, tmp_path / "w", {VARIABLE: url}, start=start)) as stubborn:
            submit(store, sandbox, plan)
            wait_for(lambda: (target_of(plan) / "_profile_export/1/plan.json").exists())
            with store.write() as connection:
                jobs.cancel(connection, sandbox, 1, at=jobs.now())
            wait_for(lambda: (tmp_path / "w" / "heard").exists())
            own_postgres.stop()
            waits = "the store is away; the worker begins anew when it is back"
            wait_for(lambda: stubborn.logged(waits) or stubborn.process.poll() is not None)
            assert stubborn.process.poll() is None, stubborn.err
            if then == "told to go":
                assert stubborn.end() == 0
                return
            own_postgres.start()
            assert ended(store, sandbox, 1).status == "CANCELLED"
            assert stubborn.end() == 0
    assert not target_of(plan).parent.exists()


WORN = """
from profile_export.engines.sail import SailEngine
SailEngine.lasts = 1
from profile_export.cli import entry
entry()
"""


@pytest.mark.sail_only("Spark lasts")
def test_a_worker_whose_engine_has_done_all_that_it_lasts_for_begins_anew(
    quick: tuple[str, Store], tmp_path: Path
) -> None:
    url, store = quick
    first = plan_in(tmp_path)
    second = plan_for(tmp_path / "more", batches=1, inputs=first.inputs, job_id=2)
    words, start = ("worker", "--engine", "sail"), script(tmp_path, WORN)
    with ready(Program(words, tmp_path / "w", {VARIABLE: url}, start=start)) as one:
        submit(store, sandbox_of(store), first, second)
        for number in (1, 2):
            assert ended(store, 1, number).status == "SUCCEEDED"
        assert one.process.poll() is None
        assert len(one.logged("worker ready")) == 2
        with store.read() as connection:  # there was no time at which nobody was
            assert len(connection.execute(workers.select()).all()) == 2
        assert one.end() == 0
    with store.read() as connection:
        assert [r.attempt for r in connection.execute(table.select())] == [1, 1]


def _paused(url: str, store: Store, plan: ExportPlan, engine_name: str, folder: Path) -> Program:
    """A worker that was paused in the midst of a job, whose lease runs out."""
    sandbox = sandbox_of(store)
    paused = ready(endless_worker(url, folder, engine=engine_name))
    submit(store, sandbox, plan)
    wait_for(lambda: (target_of(plan) / "_profile_export/1/plan.json").exists())
    paused.send(signal.SIGSTOP)
    wait_for(lambda: _state(paused.process.pid) == "T")
    assert is_processing(store, sandbox)
    lapse(store)
    return paused


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_paused_worker_that_does_not_wake_is_ended(
    quick: tuple[str, Store],
    engine: Engine,
    engine_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, store = quick
    plan = plan_in(tmp_path)
    monkeypatch.setattr(job_lock, "_GRACE", 0.5)
    with _paused(url, store, plan, engine_name, tmp_path) as paused:
        with working(store, engine):
            assert ended(store, 1, 1).status == "SUCCEEDED"
        assert paused.process.wait(120) == -signal.SIGKILL
    assert findings(plan, records=[20]) == []


def test_a_paused_worker_that_wakes_leaves_the_job_to_who_has_it(
    quick: tuple[str, Store], engine: Engine, engine_name: str, tmp_path: Path
) -> None:
    url, store = quick
    plan = plan_in(tmp_path)
    with _paused(url, store, plan, engine_name, tmp_path) as paused:
        with working(store, engine):
            wait_for(lambda: attempts(store) == 2)
            paused.send(signal.SIGCONT)
            assert ended(store, 1, 1).status == "SUCCEEDED"
            wait_for(lambda: paused.logged("job ended"))
        assert findings(plan, records=[20]) == []
        assert [line["end"] for line in paused.logged("job ended")] == ["another worker has it"]
        assert paused.end() == 0
    assert findings(plan, records=[20]) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_worker_told_to_go_hands_its_job_over(
    number: signal.Signals,
    code: int,
    quick: tuple[str, Store],
    engine_name: str,
    tmp_path: Path,
) -> None:
    url, store = quick
    plan = plan_in(tmp_path)
    sandbox = sandbox_of(store)
    with ready(endless_worker(url, tmp_path, engine=engine_name)) as told:
        submit(store, sandbox, plan)
        wait_for(lambda: (target_of(plan) / "_profile_export/1/plan.json").exists())
        assert told.end(number) == code
        assert "Traceback" not in told.err
    assert is_processing(store, sandbox)
    assert attempts(store) == 0
    assert left_of(plan) == []
    with store.read() as connection:
        assert not presence.any_alive(connection)


def test_an_orphan_goes_away_by_itself(
    quick: tuple[str, Store], engine_name: str, tmp_path: Path
) -> None:
    url, store = quick
    words = ("worker", "--engine", engine_name, "--child")
    start, environment = script(tmp_path, ENDLESS), {VARIABLE: url}
    piped = Program(words, tmp_path / "w", environment, stdin=subprocess.PIPE, start=start)
    with ready(piped) as child:
        submit(store, sandbox_of(store), plan_in(tmp_path))
        wait_for(lambda: is_processing(store, 1))
        assert child.process.stdin is not None
        child.process.stdin.close()
        assert child.process.wait(120) == 0
    assert attempts(store) == 0


@pytest.mark.spark_only
def test_a_killed_jvm_costs_a_try_and_the_worker_begins_anew(
    quick: tuple[str, Store], tmp_path: Path
) -> None:
    url, store = quick
    plan = plan_in(tmp_path, rows=20)
    with ready(worker(url, tmp_path / "w", engine="spark")) as one:
        submit(store, sandbox_of(store), plan)
        noted = target_of(plan) / "_profile_export/1/plan.json"
        wait_for(noted.exists)
        jvm = _jvm_of(one.process.pid)
        os.kill(jvm, signal.SIGKILL)
        assert ended(store, 1, 1, seconds=120).status == "SUCCEEDED"
        assert one.process.poll() is None
        assert len(one.logged("worker ready")) == 2
        other = _jvm_of(one.process.pid)
        os.kill(other, signal.SIGKILL)  # while idle: that costs no job a try
        again = plan_for(tmp_path / "more", batches=1, inputs=plan.inputs, job_id=2)
        wait_for(lambda: started(other) is None)
        submit(store, 1, again)
        assert ended(store, 1, 2, seconds=120).status == "SUCCEEDED"
        assert one.end() == 0
    with store.read() as connection:
        assert [r.attempt for r in connection.execute(table.select().order_by("id"))] == [2, 1]
    assert findings(plan, records=[20]) == []


def _jvm_of(pid: int) -> int:
    listed = subprocess.run(
        ["ps", "-o", "pid=,comm=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return next(int(line.split()[0]) for line in listed.stdout.splitlines() if "java" in line)
