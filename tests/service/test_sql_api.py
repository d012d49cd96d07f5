"""SQL and dry runs over HTTP: what an engine in a process of its own computes for the API."""

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import serving
import small_sandbox
from profile_export.children.process import Busy, EngineProcess
from profile_export.children.turns import MOST_OF_ONE
from profile_export.engines import Engine
from profile_export.errors import JobFailed, Refused
from profile_export.plan import TableRef
from profile_export.processes import started
from profile_export.schema import Struct
from profile_export.service.app import create_app
from profile_export.service.config import ServiceConfig
from profile_export.service.engines import Engines, TooLong, _Count
from profile_export.service.store import Store, open_store
from profile_export.tables import TableInfo
from serving import NAME, SmallCatalog
from serving_done import Breaks, Sleep, Until, Wears, exported
from small_sandbox import OTHER, TARGET, by_segment, request
from tiny import TINY
from working import wait_for

URL = "/data/foundation/query/queries"
JOBS = "/data/core/ups/export/jobs"
TABLE = "profile_data_export"
LONG = "SELECT sum(t0.score - t39.score) FROM " + ", ".join(f"{TABLE} t{n}" for n in range(40))


class Asked:
    """A service with one export in it; its engines are started once for this module."""

    def __init__(self, client: TestClient, catalog: SmallCatalog, store: Store) -> None:
        self.client, self.catalog, self.store = client, catalog, store

    def sql(self, sql: Any, who: str = "read", **over: Any) -> Any:
        body = {"sql": sql, "dbName": NAME, **over}
        return self.client.post(URL, json=body, headers=self.catalog.headers(who))

    def refused(self, sql: Any, **over: Any) -> list[tuple[str, str]]:
        answer = self.sql(sql, **over)
        assert answer.status_code == 400, answer.text
        assert str(self.catalog.folder) not in answer.text
        return [(e["pointer"], e["code"]) for e in answer.json()["errors"]]

    def dry(self, body: Any, who: str = "read") -> Any:
        url = f"{JOBS}?dryRun=true"
        return self.client.post(url, json=body, headers=self.catalog.headers(who))


@pytest.fixture(scope="module")
def ask(
    engine: Engine, engine_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("sql")
    small_sandbox.build(folder)
    store = open_store(f"sqlite:///{folder / 'store.db'}")
    catalog = serving.fill(store, folder)
    config = ServiceConfig(
        engine=engine_name, query_seconds=120, engine_settings=tuple(TINY.items())
    )
    with TestClient(create_app(store, config), raise_server_exceptions=False) as client:
        made = Asked(client, catalog, store)
        exported(client, store, engine, catalog.headers(), by_segment())
        yield made
    store.close()


def test_rows_and_columns(ask: Asked) -> None:
    sql = f"SELECT id, _ACP_BATCHID IS NOT NULL AS b FROM {TABLE} ORDER BY id"
    answer = ask.sql(sql, name="n", description="d")
    assert answer.status_code == 200
    assert answer.json() == {
        "columns": [{"name": "id", "type": "string"}, {"name": "b", "type": "boolean"}],
        "rows": [["c0", True], ["c3", True]],
        "truncated": False,
    }
    again = f"SELECT count(*) FROM ds_{TARGET}"
    assert ask.sql(again, "write", dbName=f"{NAME}:all").json()["rows"] == [[2]]
    headers = ask.catalog.headers()
    assert ask.client.post(
        f"{URL}/", json={"sql": again, "dbName": NAME}, headers=headers
    ).is_success


def test_what_is_refused(ask: Asked) -> None:
    assert ask.refused("SELEC 1")[0][0] == "/sql"
    assert ask.refused("DELETE FROM x")[0][0] == "/sql"
    assert ask.refused("SELECT 1; SELECT 2")[0][0] == "/sql"
    assert ask.refused("SELECT * FROM crm") == [("/sql", "unknown-table")]
    assert ask.refused("SELECT * FROM parquet.`/etc`")[0][0] == "/sql"
    assert ask.refused("SELECT reflect('java.lang.System', 'getenv', 'HOME')")[0][0] == "/sql"
    assert ask.refused(f"SELECT nope FROM {TABLE}") == [("/sql", "sql-invalid")]
    assert ask.refused(f"SELECT * FROM ds_{OTHER}") == [("/sql", "no-data")]
    assert ask.refused("")[0] == ("/sql", "bad-value")
    assert ask.refused(None) == [("/sql", "wrong-type")]
    assert ask.refused(5, dbName=5) == [("/dbName", "wrong-type"), ("/sql", "wrong-type")]
    assert ask.refused("SELECT 1", colour=1) == [("/colour", "unknown-member")]
    for database in ("dev", f"{NAME}:ALL", f"{NAME}:", NAME.upper(), f"{NAME}:all:all", "*"):
        assert ask.refused("SELECT 1", dbName=database) == [("/dbName", "unknown-database")]
    assert [at for at, _ in ask.refused("DROP TABLE x", dbName="zz", foo=1)] == [
        "/dbName",
        "/foo",
        "/sql",
    ]
    assert [at for at, _ in ask.refused(5, dbName="zz")] == ["/dbName", "/sql"]
    assert ask.refused("DROP TABLE x", dbName="dev") == [
        ("/dbName", "unknown-database"),
        ("/sql", "not-a-select"),
    ]
    headers = ask.catalog.headers()
    told = ask.client.post(URL, json={}, headers=headers).json()["errors"]
    assert [(e["pointer"], e["code"]) for e in told] == [
        ("/dbName", "missing"),
        ("/sql", "missing"),
    ]
    assert ask.client.get(URL, headers=headers).status_code == 405


def test_another_sandbox_has_none_of_these_tables(ask: Asked) -> None:
    answer = ask.sql(f"SELECT * FROM {TABLE}", "other_sandbox", dbName="dev")
    assert answer.json()["errors"][0]["code"] == "unknown-table"


def test_a_dry_run_counts_and_keeps_nothing(ask: Asked) -> None:
    answer = ask.dry(by_segment())
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert set(found) == {"plan", "counts"}
    assert set(found["counts"]) == {"candidates", "batches", "exclusions"}
    assert [b["recordCount"] for b in found["counts"]["batches"]] == [2, 0]
    assert found["counts"]["candidates"] == 6
    assert found["plan"]["inputs"][0]["version"] == 1
    assert str(ask.catalog.folder) not in answer.text
    jobs = ask.client.get(JOBS, headers=ask.catalog.headers()).json()["records"]
    assert len(jobs) == 1
    assert "location" not in answer.headers


def test_a_dry_run_of_what_would_fail(ask: Asked, tmp_path: Path) -> None:
    log = ask.catalog.folder / "web" / "_delta_log"
    log.rename(tmp_path / "aside")
    try:
        answer = ask.dry(request())
    finally:
        (tmp_path / "aside").rename(log)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "table-missing"
    assert str(ask.catalog.folder) not in answer.text


def test_a_query_that_takes_too_long_and_the_next(ask: Asked, monkeypatch: Any) -> None:
    from dataclasses import replace

    engines: Any = ask.client.app.state.engines  # type: ignore[attr-defined]
    monkeypatch.setattr(engines, "_config", replace(engines._config, query_seconds=0.5))
    begun = time.monotonic()
    assert ask.refused(LONG) == [("/sql", "time-limit")]
    assert time.monotonic() - begun < 100
    monkeypatch.setattr(engines, "_config", replace(engines._config, query_seconds=120))
    assert ask.sql("SELECT 1").json()["rows"] == [[1]]


def test_a_long_query_keeps_no_count_waiting(ask: Asked) -> None:
    ask.dry(request())  # its engine is warm
    engines: Any = ask.client.app.state.engines  # type: ignore[attr-defined]
    thread = threading.Thread(target=ask.sql, args=(LONG,))
    thread.start()
    wait_for(lambda: engines._queries._turns._taken)
    assert ask.dry(request()).status_code == 200
    assert thread.is_alive()
    child = wait_for(lambda: engines._queries._child)[0]
    child.kill()
    child.join()
    thread.join()


@pytest.mark.parametrize(
    ("child_of", "code"), [("_queries", "query-failed"), ("_counts", "count-failed")]
)
def test_work_that_ends_its_engine_is_told_and_the_next_has_another(
    child_of: str, code: str, ask: Asked
) -> None:
    """Of too little memory, most likely: the kernel kills the child."""

    def asked() -> Any:
        return ask.sql("SELECT 1") if code == "query-failed" else ask.dry(request())

    assert asked().status_code == 200  # its engine is warm
    of: Any = getattr(ask.client.app.state.engines, child_of)  # type: ignore[attr-defined]
    child, pipe = of._child

    class KilledAtWork:
        """The pipe to a child that takes the work and answers nothing."""

        poll, recv, close = pipe.poll, pipe.recv, pipe.close

        def send(self, work: object) -> None:
            os.kill(child.pid, signal.SIGSTOP)
            pipe.send(work)
            child.kill()

    of._child = child, KilledAtWork()
    answer = asked()
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (500, code)
    assert "ask" in answer.json()["detail"]
    assert asked().status_code == 200


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProcess]:
    monkeypatch.setattr("profile_export.children.process.GRACE", 0.1)
    opened = EngineProcess("sail")
    yield opened
    opened.close()


def test_work_that_is_too_slow_is_killed(process: EngineProcess) -> None:
    first = process.do(Sleep(0), time_limit=20)
    assert process.do(Sleep(0), time_limit=20) == first
    with pytest.raises(TooLong):
        process.do(Sleep(60), time_limit=0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(first)), 0)
    assert process.do(Sleep(0), time_limit=20) != first


def waiting(process: EngineProcess, number: int) -> None:
    """Wait until one call has its turn and so many more wait for theirs."""
    turns = process._turns
    wait_for(lambda: turns._taken and len(turns._waiting) == number)


def test_too_many_callers_are_told_to_come_again(
    process: EngineProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.do(Sleep(0), time_limit=20)
    go = tmp_path / "go"
    with ThreadPoolExecutor(MOST_OF_ONE + 1) as pool:
        asked = [
            pool.submit(process.do, Until(go, "a"), time_limit=240) for _ in range(MOST_OF_ONE + 1)
        ]
        try:
            waiting(process, MOST_OF_ONE)
            with pytest.raises(Busy, match="wait for the engine"):
                process.do(Until(go, "a"), time_limit=240)
            monkeypatch.setattr("profile_export.children.turns.PATIENCE", 0.3)
            with pytest.raises(Busy, match="busy with other calls"):
                process.do(Until(go, "b"), time_limit=240)
        finally:
            go.touch()
    assert len({one.result() for one in asked}) == 1
    assert go.read_text() == "a" * (MOST_OF_ONE + 1)


def test_an_engine_that_may_be_gone_is_replaced(process: EngineProcess) -> None:
    first = process.do(Sleep(0), time_limit=20)
    with pytest.raises(JobFailed, match="JVM"):
        process.do(Breaks("engine"), time_limit=20)
    second = process.do(Sleep(0), time_limit=20)
    assert second != first
    with pytest.raises(JobFailed):
        process.do(Breaks("target-schema"), time_limit=20)  # no fault of the engine
    assert process.do(Sleep(0), time_limit=20) == second


def test_an_engine_that_has_done_all_that_it_lasts_for_is_replaced(process: EngineProcess) -> None:
    first = process.do(Sleep(0), time_limit=20)
    assert process.do(Wears(), time_limit=20) == first
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(first)), 0)
    assert process.do(Sleep(0), time_limit=20) != first


def test_one_owner_keeps_another_waiting_for_one_call_at_most(
    process: EngineProcess, tmp_path: Path
) -> None:
    process.do(Sleep(0), time_limit=20)
    go = tmp_path / "go"
    with ThreadPoolExecutor(5) as pool:
        try:
            for number, owner in enumerate("aaaab"):
                pool.submit(process.do, Until(go, owner), time_limit=240)
                waiting(process, number)
        finally:
            go.touch()
    assert go.read_text() == "abaaa"


def test_one_owner_does_not_take_all_places(process: EngineProcess, tmp_path: Path) -> None:
    process.do(Sleep(0), time_limit=20)
    go = tmp_path / "go"
    with ThreadPoolExecutor(MOST_OF_ONE + 2) as pool:
        try:
            for number in range(MOST_OF_ONE + 1):  # one has its turn, seven wait
                pool.submit(process.do, Until(go, "a"), time_limit=240)
                waiting(process, number)
            for _ in range(2):
                with pytest.raises(Busy):
                    process.do(Until(go, "a"), time_limit=240)
            pool.submit(process.do, Until(go, "b"), time_limit=240)
            waiting(process, MOST_OF_ONE + 1)
        finally:
            go.touch()
    assert go.read_text() == "ab" + "a" * MOST_OF_ONE


def test_the_end_of_the_service_ends_the_work(process: EngineProcess, tmp_path: Path) -> None:
    process.do(Sleep(0), time_limit=20)
    never = Until(tmp_path / "never")
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(process.do, never, time_limit=600) for _ in range(2)]
        waiting(process, 1)
        process.close()
        for one in asked:
            with pytest.raises(Busy):
                one.result(240)
    assert process._child is None
    with pytest.raises(Busy):
        process.do(Sleep(0), time_limit=1)


def test_a_service_that_is_killed_leaves_nobody_computing(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, threading; sys.path[:0] = [sys.argv[1]]\n"
        "from profile_export.children.process import EngineProcess\n"
        "from profile_export.children.query import _Query\n"
        "from profile_export.sandbox import load_sandbox\n"
        "if __name__ == '__main__':\n"
        "    p = EngineProcess('sail'); s = load_sandbox(sys.argv[2])\n"
        "    p.do(_Query('SELECT 1', s, 1, 120), time_limit=120)\n"
        "    print(p._child[0].pid, flush=True); threading.Event().wait()\n"
    )
    script = tmp_path / "service.py"
    script.write_text(code)
    file = small_sandbox.build(tmp_path)
    root = str(Path(small_sandbox.__file__).parents[1] / "jobs")
    service = subprocess.Popen(
        [sys.executable, str(script), root, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert service.stdout is not None
    child = int(service.stdout.readline())
    service.send_signal(signal.SIGKILL)
    service.wait()
    wait_for(lambda: started(child) is None, seconds=60)


def test_a_count_that_is_killed_leaves_no_scratch(
    ask: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile
    from dataclasses import replace

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(_Count, "do", Sleep(30).do)
    engines: Any = ask.client.app.state.engines  # type: ignore[attr-defined]
    monkeypatch.setattr(engines, "_config", replace(engines._config, count_seconds=-1.95))
    answer = ask.dry(request())
    assert (answer.status_code, answer.json()["type"][-10:]) == (503, "time-limit")
    assert answer.headers["retry-after"]
    assert list(tmp_path.iterdir()) == []


def test_tables_that_only_an_engine_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    named, info = TableRef(format="delta", name="a.b.c"), TableInfo(Struct(), 7)
    spark, sail = Engines(ServiceConfig(engine="spark")), Engines(ServiceConfig(engine="sail"))
    with pytest.raises(Refused, match="needs the spark engine"):
        sail.table_info(named)

    def do(_self: Any, work: Any, *, time_limit: float) -> object:
        class Known:
            def table_info(self, table: TableRef) -> TableInfo:
                assert table == named
                return info

            def locate(self, table: TableRef) -> str:
                return f"/warehouse/{table.name}"

        assert time_limit
        assert pickle.loads(pickle.dumps(work)) == work
        return work.do(Known())

    monkeypatch.setattr(EngineProcess, "do", do)
    assert spark.table_info(named) == info
    assert spark.locate(named) == "/warehouse/a.b.c"
    assert spark.locate(TableRef(format="delta", location="/x")) == "/x"

    def missing(*_: Any, **__: Any) -> object:
        raise JobFailed("There is no table a.b.c.", code="input-missing")

    monkeypatch.setattr(EngineProcess, "do", missing)
    with pytest.raises(Refused, match="table-missing"):
        spark.table_info(named)

    def away(*_: Any, **__: Any) -> object:
        raise JobFailed("Spark did not start.", code="engine")

    monkeypatch.setattr(EngineProcess, "do", away)
    with pytest.raises(JobFailed, match="did not start"):  # no fault of who asks
        spark.table_info(named)
