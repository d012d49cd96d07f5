"""A worker at work, in a thread: ends and their records, stops, a store that goes away."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import update

from postgres import Postgres
from profile_export import job as job_module
from profile_export import run as stages
from profile_export.engines import Engine
from profile_export.errors import Cancelled, Conflict, JobFailed
from profile_export.faults import POINTS
from profile_export.job import run_job
from profile_export.plan import ExportPlan
from profile_export.service import worker as worker_module
from profile_export.service.record import Recorder
from profile_export.service.store import Store, counters, jobs, open_store, presence, queue
from profile_export.service.store.tables import batches
from profile_export.service.store.tables import jobs as table
from profile_export.service.worker import EngineGone
from profile_export.stop import Stop
from tables.plans import crm, plan_for
from tables.runs import findings, left_of, target_of
from working import ended, job, opened_copy, sandbox_of, submit, wait_for, working

_IDS = iter(range(1000, 100_000))


@pytest.fixture
def quick_store(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    """On SQLite only: for tests of what does not depend on the database."""
    _, opened = opened_copy(migrated_file, tmp_path)
    yield opened
    opened.close()


def new_plan(folder: Path, *, rows: int = 20, target: str = "profile", **more: Any) -> ExportPlan:
    inputs = (crm(folder, rows=rows),)
    return plan_for(
        folder / "exports" / target, batches=1, inputs=inputs, job_id=next(_IDS), **more
    )


def error_of(shown: jobs.Job) -> tuple[str, str]:
    (error,) = shown.document["errors"]
    return error["code"], error["msg"]


def attempts(store: Store, job_id: int) -> int:
    with store.read() as connection:
        return connection.execute(table.select().where(table.c.id == job_id)).one().attempt


def test_a_job_from_the_queue_to_its_record(store: Store, engine: Engine, tmp_path: Path) -> None:
    sandbox, plan = sandbox_of(store), new_plan(tmp_path)
    submit(store, sandbox, plan)
    with working(store, engine):
        shown = ended(store, sandbox, plan.job_id)
    assert shown.status == "SUCCEEDED"
    assert findings(plan, records=[20]) == []
    with store.read() as connection:
        (batch,) = connection.execute(batches.select()).all()
        counted = {(c.name, *c.labels.values()): c.value for c in counters.totals(connection)}
    size = sum(f.stat().st_size for f in target_of(plan).glob("_ACP*/*.parquet"))
    assert (batch.status, batch.record_count, batch.size) == ("success", 20, size)
    assert counted[(counters.ROWS,)] == 20
    assert counted[(counters.BYTES,)] == size
    assert counted[(counters.JOBS_ENDED, "SUCCEEDED")] == 1
    assert counted[(counters.STAGE_SECONDS, "merge")] > 0
    assert shown.document["metrics"]["progress"] == {"stage": "done", "fraction": 1.0}


@pytest.mark.parametrize("content", ["{", '{"batches": [{}]}', None])
def test_a_done_job_is_recorded_whatever_became_of_its_manifest(
    content: str | None,
    quick_store: Store,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox, plan = sandbox_of(quick_store), new_plan(tmp_path)
    write = Recorder.write

    def spoilt(self: Recorder, *args: Any) -> None:
        paper = target_of(plan) / "_profile_export" / str(plan.job_id) / "manifest.json"
        paper.unlink()
        if content is not None:
            paper.write_text(content)
        write(self, *args)

    monkeypatch.setattr(Recorder, "write", spoilt)
    submit(quick_store, sandbox, plan)
    with working(quick_store, engine):
        assert ended(quick_store, sandbox, plan.job_id).status == "SUCCEEDED"
    with quick_store.read() as connection:
        (batch,) = connection.execute(batches.select()).all()
    assert (batch.status, batch.record_count, batch.size) == ("success", None, None)


def _no_table(plan: ExportPlan) -> None:
    shutil.rmtree(str(plan.inputs[0].table.location))


def _torn_file(plan: ExportPlan) -> None:
    (file,) = Path(str(plan.inputs[0].table.location)).glob("*.parquet")
    file.write_bytes(file.read_bytes()[:-100])


def _other_types(plan: ExportPlan) -> None:
    columns = {"email": ["x"], "age": ["old"], "_ACP_BATCHID": ["b"]}
    write_deltalake(str(target_of(plan)), pa.table(columns), partition_by=["_ACP_BATCHID"])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_no_table, "input-missing"),
        (_torn_file, "input-unreadable"),
        (_other_types, "target-schema"),
    ],
)
def test_what_cannot_be_done_fails_clearly_and_the_worker_goes_on(
    spoil: Callable[[ExportPlan], None],
    code: str,
    quick_store: Store,
    engine: Engine,
    tmp_path: Path,
) -> None:
    bad, good = new_plan(tmp_path / "bad"), new_plan(tmp_path / "good")
    spoil(bad)
    sandbox = sandbox_of(quick_store)
    submit(quick_store, sandbox, bad, good)
    with working(quick_store, engine):
        failed, done = (ended(quick_store, sandbox, plan.job_id) for plan in (bad, good))
    assert (failed.status, done.status) == ("FAILED", "SUCCEEDED")
    told, message = error_of(failed)
    assert told == code
    assert str(tmp_path) not in message
    own = (bad.batches[0].batch_id, "_profile_export")
    assert not [path for path in left_of(bad) if any(name in path for name in own)]
    with quick_store.read() as connection:
        chosen = batches.select().where(batches.c.job_id == bad.job_id)
        (batch,) = connection.execute(chosen).all()
    assert batch.status == "failed"
    assert code in batch.errors


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Jobs compute until they are stopped; ``undo()`` ends that."""
    decide = stages.decide

    def forever(work: Any, plan: ExportPlan) -> None:
        while True:
            decide(work, plan)

    with monkeypatch.context() as patched:
        patched.setattr(stages, "decide", forever)
        yield patched


@pytest.mark.usefixtures("endless")
def test_a_cancelled_job_stops(store: Store, engine: Engine, tmp_path: Path) -> None:
    sandbox, plan = sandbox_of(store), new_plan(tmp_path)
    submit(store, sandbox, plan)
    with working(store, engine):
        wait_for(lambda: job(store, sandbox, plan.job_id).status == "PROCESSING")
        time.sleep(0.2)
        with store.write() as connection:
            jobs.cancel(connection, sandbox, plan.job_id, at=jobs.now())
        shown = ended(store, sandbox, plan.job_id)
    assert shown.status == "CANCELLED"
    assert not target_of(plan).parent.exists()


def test_cancel_races_the_commit(quick_store: Store, engine: Engine, tmp_path: Path) -> None:
    """Whoever wins, the state and the target's log say the same."""
    store, sandbox = quick_store, sandbox_of(quick_store)
    seen = set()
    with working(store, engine, beat=0.2):
        for number in range(8):
            plan = new_plan(tmp_path, target=f"t{number}")
            submit(store, sandbox, plan)
            wait_for(lambda p=plan: job(store, sandbox, p.job_id).status != "NEW")
            time.sleep(0.06 * number)
            with store.write() as connection:
                try:
                    jobs.cancel(connection, sandbox, plan.job_id, at=jobs.now())
                except Conflict:
                    assert job(store, sandbox, plan.job_id).status == "SUCCEEDED"
            status = ended(store, sandbox, plan.job_id).status
            seen.add(status)
            if status == "SUCCEEDED":
                assert findings(plan, records=[20]) == []
            else:
                assert (status, left_of(plan)) == ("CANCELLED", [])
    assert seen <= {"SUCCEEDED", "CANCELLED"}


def test_a_cancel_that_was_accepted_before_the_commit_wins(
    quick_store: Store, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the last heartbeat heard: the store is asked before the commit is made."""
    store, sandbox, plan = quick_store, sandbox_of(quick_store), new_plan(tmp_path)

    rows = stages.rows

    def cancel(*_: object) -> None:
        with store.write() as connection:
            jobs.cancel(connection, sandbox, plan.job_id, at=jobs.now())

    if engine.name == "sail":  # its files are written, and nothing is left to do but the commit
        monkeypatch.setattr("profile_export.engines.sail_write.fault", cancel)
    else:  # one call is to write and to commit
        monkeypatch.setattr(stages, "rows", lambda *asked: cancel() or rows(*asked))
    submit(store, sandbox, plan)
    with working(store, engine):
        assert ended(store, sandbox, plan.job_id).status == "CANCELLED"
    assert left_of(plan) == []


def _dies(plan: ExportPlan, engine: Engine, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a job up to a point, and leave all as a process that was killed there leaves it."""

    class Died(BaseException):
        pass

    def die(now: str) -> None:
        if now == point:
            raise Died

    with monkeypatch.context() as patched:
        patched.setattr("profile_export.job_life.fault", die)
        patched.setattr("profile_export.engines.sail_write.fault", die)
        patched.setattr("profile_export.job_life.given_up", lambda _run, error: error)
        with pytest.raises(Died):
            run_job(plan, engine)


@pytest.mark.parametrize("status", ["CANCELLING", "PROCESSING"])
@pytest.mark.parametrize("point", ["before-commit", "after-commit", None])
def test_the_last_look_at_a_job_of_the_dead(
    point: str | None,
    status: str,
    quick_store: Store,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cancelled, or taken too often: finished if it has committed, else nothing is left of it."""
    if engine.name != "sail" and point == "before-commit":
        pytest.skip("on spark this point is inside one call")
    store, sandbox, plan = quick_store, sandbox_of(quick_store), new_plan(tmp_path)
    submit(store, sandbox, plan)
    with store.write() as connection:
        held = queue.claim(connection, "dead", lease=0)
        assert held is not None
        if status == "CANCELLING":
            jobs.cancel(connection, sandbox, plan.job_id, at=jobs.now())
        else:
            connection.execute(update(table).values(attempt=3))
    if point is not None:
        _dies(plan, engine, point, monkeypatch)
    read: list[str] = []
    monkeypatch.setattr(job_module.JobWorkspace, "report", lambda _, stage, __: read.append(stage))
    with working(store, engine):
        shown = ended(store, sandbox, plan.job_id)
    assert read == []  # no work was begun
    if point == "after-commit":
        assert shown.status == "SUCCEEDED"
        assert findings(plan, records=[20]) == []
        return
    assert left_of(plan) == []
    if status == "CANCELLING":
        assert shown.status == "CANCELLED"
    else:
        assert (shown.status, error_of(shown)[0]) == ("FAILED", "too-many-tries")


@pytest.mark.parametrize("status", ["CANCELLING", "PROCESSING"])
def test_where_the_log_cannot_be_read_nobody_says_how_a_job_ended(
    status: str, quick_store: Store, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had committed: when the log is back, it ends as done, though it was cancelled since."""
    store, sandbox, plan = quick_store, sandbox_of(quick_store), new_plan(tmp_path)
    _dies(plan, engine, "after-commit", monkeypatch)
    submit(store, sandbox, plan)
    with store.write() as connection:
        queue.claim(connection, "dead", lease=0)
        if status == "CANCELLING":
            jobs.cancel(connection, sandbox, plan.job_id, at=jobs.now())
    log = target_of(plan) / "_delta_log"
    commit = next(log.glob("*.json"))
    kept = commit.read_bytes()
    commit.write_bytes(b"no json")
    with working(store, engine, lease=4.0):
        wait_for(lambda: attempts(store, plan.job_id) > 1)
        time.sleep(0.3)
        assert job(store, sandbox, plan.job_id).status in ("CANCELLING", "PROCESSING")
        commit.write_bytes(kept)
        assert ended(store, sandbox, plan.job_id).status == "SUCCEEDED"
    assert findings(plan, records=[20]) == []


def test_a_worker_that_is_asked_to_go_hands_its_job_over(
    store: Store, engine: Engine, tmp_path: Path, endless: pytest.MonkeyPatch
) -> None:
    sandbox, plan = sandbox_of(store), new_plan(tmp_path)
    submit(store, sandbox, plan)
    with working(store, engine) as loop:
        wait_for(lambda: job(store, sandbox, plan.job_id).status == "PROCESSING")
        time.sleep(0.2)
        loop.end()
    assert job(store, sandbox, plan.job_id).status == "PROCESSING"
    assert attempts(store, plan.job_id) == 0
    assert left_of(plan) == []
    with store.read() as connection:
        assert not presence.any_alive(connection)
        assert queue.waiting(connection)
    endless.undo()
    with working(store, engine):
        assert ended(store, sandbox, plan.job_id).status == "SUCCEEDED"


@pytest.mark.parametrize("taken_meanwhile", [False, True], ids=["still ours", "another's"])
def test_the_store_goes_away_while_a_job_runs(
    taken_meanwhile: bool,
    own_postgres: Postgres,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The work goes on; the commit waits for the lease, the record for the store."""
    store = open_store(own_postgres.url(own_postgres.create()))
    sandbox, plan = sandbox_of(store), new_plan(tmp_path)
    submit(store, sandbox, plan)
    gone, decide = threading.Event(), stages.decide
    monkeypatch.setattr(stages, "decide", lambda *asked: gone.wait(240) and decide(*asked))
    with working(store, engine, lease=1.5):
        wait_for(lambda: job(store, sandbox, plan.job_id).status == "PROCESSING")
        own_postgres.stop()
        time.sleep(1.4)  # the lease is not sure any more
        gone.set()
        time.sleep(1.0)
        assert not list(target_of(plan).glob("_delta_log/*.json")) or engine.name != "sail"
        own_postgres.start()
        if taken_meanwhile:
            held = wait_for(lambda: _taken_by_another(store))
            if held != "too late":
                wait_for(lambda: left_of(plan) == [])
                assert job(store, sandbox, plan.job_id).status == "PROCESSING"
                return
        assert ended(store, sandbox, plan.job_id).status == "SUCCEEDED"
    assert findings(plan, records=[20]) == []
    store.close()


def _taken_by_another(store: Store) -> object:
    with store.write() as connection:
        held = queue.claim(connection, "other", lease=60)
        return held or "too late"


def test_a_dead_engine_gives_the_job_back(
    quick_store: Store, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sandbox, plan = quick_store, sandbox_of(quick_store), new_plan(tmp_path)
    submit(store, sandbox, plan)

    def broken(*_: object, **__: object) -> None:
        raise JobFailed("The engine could not do the job.", code="engine")

    monkeypatch.setattr(job_module, "run_job", broken)
    monkeypatch.setattr(worker_module, "alive_within", lambda *_: False)
    with pytest.raises(EngineGone), working(store, engine):
        wait_for(lambda: attempts(store, plan.job_id) == 1)
    assert job(store, sandbox, plan.job_id).status == "PROCESSING"
    with store.read() as connection:
        assert queue.waiting(connection)


def test_an_engine_that_lives_is_not_to_blame(
    quick_store: Store, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sandbox, plan = quick_store, sandbox_of(quick_store), new_plan(tmp_path)
    submit(store, sandbox, plan)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("/a/path/of/ours")

    monkeypatch.setattr(job_module, "run_job", broken)
    with working(store, engine):
        shown = ended(store, sandbox, plan.job_id)
    assert error_of(shown)[0] == "internal-error"
    assert "/a/path" not in error_of(shown)[1]


def test_an_engine_is_clean_after_a_job(quick_store: Store, engine: Engine, tmp_path: Path) -> None:
    store, sandbox = quick_store, sandbox_of(quick_store)
    plans = [new_plan(tmp_path, target=f"t{n}") for n in range(2)]
    submit(store, sandbox, *plans)
    with working(store, engine):
        for plan in plans:
            assert ended(store, sandbox, plan.job_id).status == "SUCCEEDED"
    assert [t.name for t in engine.spark.catalog.listTables() if t.isTemporary] == []
    assert not any(path.name == "scratch" for plan in plans for path in target_of(plan).rglob("*"))


@pytest.mark.sail_only("one engine tells it")
def test_without_a_lock_who_lost_a_job_sweeps_nothing(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an object store the files that lie there may be of who has the job now."""
    plan, stop = new_plan(tmp_path), Stop()
    monkeypatch.setattr("profile_export.job_folder.JobFolder.has_lock", False)
    with pytest.raises(Cancelled):
        run_job(plan, engine, stop=stop, may_commit=lambda: _leave(stop))
    assert [path for path in left_of(plan) if path.endswith(".parquet")]
    assert run_job(plan, engine)["status"] == "SUCCEEDED"
    assert findings(plan, records=[20]) == []


def _leave(stop: Stop) -> None:
    stop.leave()
    raise Cancelled("Lost.")


def test_every_point_of_a_job_is_known() -> None:
    assert len(POINTS) == 6
