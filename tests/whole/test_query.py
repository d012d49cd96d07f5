"""SQL over export datasets, on an engine: what is let through means what it meant."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from profile_export import query
from profile_export.catalog import Sandbox
from profile_export.children.query import QueryProcess
from profile_export.engines import Engine
from profile_export.errors import JobFailed, Refused
from profile_export.query import QueryResult, run_query
from profile_export.sandbox import load_sandbox
from profile_export.sql.guard import DEEPEST
from profile_export.sql.values import plain_rows
from small_sandbox import OTHER, TARGET, build, by_segment, export, request
from tiny import TINY
from working import wait_for

EXPORTS = "profile_data_export"


class Asked:
    """A sandbox with two exports of six and two people in one dataset, and none in the other."""

    def __init__(self, sandbox: Sandbox, engine: Engine) -> None:
        self.sandbox, self.engine = sandbox, engine

    def __call__(self, sql: str, **more: Any) -> QueryResult:
        return run_query(sql, self.sandbox, self.engine, **more)

    def rows(self, sql: str) -> list[list[object]]:
        return self(sql).rows

    def refused(self, sql: str, **more: Any) -> tuple[str, str]:
        with pytest.raises(Refused) as error:
            self(sql, **more)
        (problem,) = error.value.problems
        assert problem.pointer == "/sql"
        assert "pe_" not in problem.detail
        assert str(Path(str(self.sandbox.datasets[0].table.location)).parent) not in problem.detail
        return problem.code, problem.detail


@pytest.fixture(scope="module")
def ask(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    file = build(tmp_path_factory.mktemp("sandbox"))
    export(file, engine, request())
    export(file, engine, by_segment())
    return Asked(load_sandbox(file), engine)


def test_batches_are_a_column(ask: Asked) -> None:
    sql = f"SELECT count(DISTINCT _ACP_BATCHID), count(*) FROM {EXPORTS}"
    assert ask.rows(sql) == [[2, 8]]
    assert ask.rows(sql.replace(EXPORTS, f"ds_{TARGET}")) == [[2, 8]]


def test_columns_and_values_of_every_kind_are_json(ask: Asked) -> None:
    found = ask(
        "SELECT id, name, score, spent, timeSeriesEvents[0].timestamp, identityMap,"
        " timeSeriesEvents, x'00ff', cast('NaN' AS double), date '2020-02-29'"
        f" FROM {EXPORTS} WHERE id = 'c1'"
    )
    state = {"authenticatedState": "ambiguous"}
    ids = {
        "crmId": [{"id": "c1", **state, "primary": True}],
        "email": [{"id": "p1@x.org", **state, "primary": True}],
    }
    assert found.rows == [
        ["c1", {"first": "First 1", "last": None}, 1 / 7, "0.2500", "2024-01-01T00:00:00Z", ids,
         [{"_id": "e0", "timestamp": "2024-01-01T00:00:00Z", "page": "/0"}],
         "AP8=", "NaN", "2020-02-29"]
    ]  # fmt: skip
    assert found.columns[:4] == (
        ("id", "string"),
        ("name", "struct<first:string,last:string>"),
        ("score", "double"),
        ("spent", "decimal(30,4)"),
    )
    assert found.as_json()["columns"][0] == {"name": "id", "type": "string"}  # type: ignore[index]


def test_rows_are_limited(ask: Asked) -> None:
    found = ask(f"SELECT id FROM {EXPORTS} ORDER BY id", limit=3)
    assert (len(found.rows), found.truncated) == (3, True)
    found = ask(f"SELECT DISTINCT id FROM {EXPORTS} ORDER BY id", limit=6)
    assert (len(found.rows), found.truncated) == (6, False)


def test_an_answer_that_is_too_large(ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profile_export.query.MOST_BYTES", 100)
    code, detail = ask.refused(f"SELECT * FROM {EXPORTS}")
    assert code == "too-large"
    assert "fewer rows" in detail


def test_lists_of_very_many_values(ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million booleans are 125 kB in Arrow, and 5 MB of JSON."""
    monkeypatch.setattr("profile_export.query.MOST_VALUES", 1000)
    sql = "SELECT array(struct({0}), struct({0})) AS a, map('k', array({0})) AS m"
    assert ask.rows(sql.format(", ".join(["true"] * 300)))
    code, detail = ask.refused(sql.format(", ".join(["true"] * 400)))
    assert (code, "too large" in detail) == ("too-large", True)


@pytest.mark.sail_only("only Sail answers in messages, of 128 MiB at most")
def test_rows_that_are_too_large(ask: Asked) -> None:
    ten = f"concat({', '.join('a' * 10)})"
    longer = ", ".join(f"t{n} AS (SELECT {ten} AS a FROM t{n - 1})" for n in range(1, 8))
    sql = f"WITH t0 AS (SELECT '{'x' * 14}' AS a), {longer} SELECT a FROM t7"
    assert ask.refused(sql)[0] == "too-large"


def test_columns_of_one_name(ask: Asked) -> None:
    found = ask("SELECT 1 AS a, 2 AS a")
    assert ([name for name, _ in found.columns], found.rows) == (["a", "a"], [[1, 2]])


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("d'.'M'.'", "7.5."),
        ("H'h'", "13h"),
        ("d.M. Ä", "7.5. Ä"),
        ("yyyy-MM-dd'T'HH:mm:ss", "2020-05-07T13:04:05"),
        ("yyyyMMdd", "20200507"),
    ],
)
def test_patterns_of_times_mean_what_they_say(pattern: str, written: str, ask: Asked) -> None:
    at, text = "timestamp '2020-05-07 13:04:05'", f'"{pattern}"'
    assert ask.rows(f"SELECT date_format({at}, {text})") == [[written]]
    iso = "yyyy-MM-dd'T'HH:mm:ss"
    made = f"to_timestamp('2020-05-07T13:04:05', \"{iso}\")"
    assert ask.rows(f"SELECT date_format({made}, {text})") == [[written]]
    assert ask.rows(f"SELECT to_date('2020-05-07', 'yyyy-MM-dd'), unix_timestamp({at})") == [
        ["2020-05-07", 1588856645]
    ]


@pytest.mark.parametrize(
    "sql", ["date_add(date '9999-12-31', 1)", "array(timestamp_seconds(253402300800))"]
)
def test_times_that_python_does_not_have(sql: str, ask: Asked) -> None:
    code, detail = ask.refused(f"SELECT {sql}")
    assert code == "sql-invalid"
    assert "years 1 to 9999" in detail


SAME = [
    "SELECT id, row_number() OVER (PARTITION BY _ACP_BATCHID ORDER BY id DESC NULLS LAST) FROM {t}"
    " ORDER BY 1, 2",
    "SELECT sum(score) OVER (ORDER BY id, _ACP_BATCHID ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) s"
    " FROM {t} ORDER BY 1",
    "WITH x AS (SELECT id, spent FROM {t}), y AS (SELECT * FROM x WHERE spent > 0.5)"
    " SELECT * FROM y ORDER BY id, spent",
    "SELECT id, e._id FROM {t} AS t LATERAL VIEW explode(t.timeSeriesEvents) v AS e ORDER BY 1, 2",
    "SELECT id, size(timeSeriesEvents) FROM {t} WHERE exists(timeSeriesEvents, e -> e.page = '/1')"
    " ORDER BY 1, 2",
    "SELECT transform(timeSeriesEvents, e -> concat(e._id, 'x')) a FROM {t} WHERE id = 'c2'",
    "SELECT a.id FROM {t} a LEFT SEMI JOIN {t} b ON a.id = b.id AND b.city IS NOT NULL ORDER BY 1",
    "SELECT a.id FROM {t} a LEFT ANTI JOIN (SELECT id FROM {t} WHERE city IS NOT NULL) b"
    " ON a.id = b.id ORDER BY 1",
    "SELECT city, count(*) FILTER (WHERE score > 0.3) FROM {t} GROUP BY city HAVING count(*) > 0"
    " ORDER BY 1",
    "SELECT id FROM {t} UNION SELECT city FROM {t} EXCEPT SELECT 'c1' ORDER BY 1",
    "SELECT CASE WHEN score > 0.4 THEN 'high' ELSE 'low' END c, max_by(id, score) FROM {t}"
    " GROUP BY 1 ORDER BY 1",
    "SELECT cast(score * 100 AS int), try_cast(id AS int), spent::double FROM {t} ORDER BY 1",
    "SELECT id FROM {t} WHERE id LIKE 'c%' AND NOT city ILIKE '%U%' OR city IS NULL ORDER BY id",
    "SELECT identityMap['email'][0].id FROM {t} ORDER BY 1",
    "SELECT date_trunc('month', element_at(timeSeriesEvents, 1).timestamp) m FROM {t}"
    " WHERE size(timeSeriesEvents) > 0 ORDER BY 1",
    "SELECT date '2020-01-31' + interval 1 month, datediff(date '2020-01-31', date '2020-01-01'),"
    " extract(year FROM date '2020-02-01')",
    "SELECT nvl(city, 'none'), ifnull(city, 'x'), nullif(city, 'Ulm'), if(city IS NULL, 1, 2)"
    " FROM {t} ORDER BY 1",
    "SELECT 7 DIV 2, 7 % 2, 7 / 2, - -1, 1 <=> NULL, 2 BETWEEN 1 AND 3, 5 IN (1, 5)",
    "SELECT struct(id, score) s, named_struct('a', id) n, map(id, score) m, array(1, NULL) a"
    " FROM {t} ORDER BY id, _ACP_BATCHID",
    "SELECT city, id, count(*) n FROM {t} GROUP BY CUBE (city, id) ORDER BY 1, 2, 3",
    "SELECT (SELECT max(score) FROM {t}) m, id FROM {t} WHERE score = (SELECT min(score) FROM {t})",
    "SELECT element_at(array('a', 'b'), 1), array_contains(array(1), 1), split_part('a-b', '-', 2)",
    "SELECT percentile_approx(score, 0.5), count(DISTINCT city), collect_set(city) FROM {t}",
    "SELECT city IS DISTINCT FROM 'Ulm', city IS NOT DISTINCT FROM NULL FROM {t} ORDER BY 1, 2",
    "SELECT trim(BOTH 'x' FROM 'xaxx'), trim(LEADING 'x' FROM 'xax'), trim(TRAILING FROM ' a ')",
    "SELECT trim('  x '), upper('a'), left_ FROM (SELECT left('abc', 2) AS left_)",
    "SELECT lag(id) OVER (ORDER BY id, _ACP_BATCHID) l FROM {t} ORDER BY 1",
    "SELECT id FROM {t} ORDER BY id LIMIT 2 OFFSET 1",
]


@pytest.mark.parametrize("sql", SAME)
def test_the_text_that_is_made_means_what_was_written(sql: str, ask: Asked) -> None:
    """Against the same words given to the engine as they are."""
    location = str(ask.sandbox.dataset(TARGET).table.location)  # type: ignore[union-attr]
    ask.engine.spark.read.format("delta").load(location).createOrReplaceTempView("direct")
    try:
        wanted = ask.engine.spark.sql(sql.format(t="direct")).toArrow()
    except Exception as error:  # what an engine cannot do, it cannot do in our words either
        pytest.skip(f"not on this engine: {str(error)[:100]}")
    finally:
        ask.engine.spark.catalog.dropTempView("direct")
    assert ask.rows(sql.format(t=EXPORTS)) == plain_rows(wanted)


# --- what is refused, and how it is told


def test_an_unknown_column(ask: Asked) -> None:
    code, detail = ask.refused(f"SELECT e.nope FROM {EXPORTS} AS e")
    assert code == "sql-invalid"
    assert "nope" in detail
    if ask.engine.name == "sail":
        assert detail == "There is no column e.nope. Capitals matter in names of columns."


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT _ACP_BATCHID, count(*) FROM {t}",
        "SELECT upper(e._ACP_BATCHID), count(*) FROM {t} AS e",
        "SELECT *, count(*) FROM {t}",
        "SELECT count(*) FROM {t} HAVING _ACP_BATCHID = 'x'",
    ],
)
def test_a_column_that_is_not_grouped(sql: str, ask: Asked) -> None:
    code, detail = ask.refused(sql.format(t=EXPORTS))
    assert code == "sql-invalid"
    if ask.engine.name == "sail":
        assert detail.startswith("A column stands beside an aggregate (count, max, ...) and is not")


@pytest.mark.parametrize(
    "sql",
    [
        *("SELECT 1 / 0", "SELECT cast('x' AS int)", "SELECT array(1) + 1", "SELECT sum(a.b.c)"),
        *("SELECT max_by(1)", f"SELECT min_by(id) FROM {EXPORTS}"),
    ],
)
def test_a_statement_that_the_engine_refuses(sql: str, ask: Asked) -> None:
    code, detail = ask.refused(sql)
    assert code == "sql-invalid"
    assert len(detail) <= 300
    assert "== SQL" not in detail


@pytest.mark.parametrize("way", ["link", "folder link", "uri", "path", "dots"])
def test_no_file_outside_of_a_dataset_is_seen(way: str, engine: Engine, tmp_path: Path) -> None:
    file = build(tmp_path / "sandbox")
    export(file, engine, request())
    ask, theirs = Asked(load_sandbox(file), engine), tmp_path / "theirs"
    (folder,) = file.parent.glob("out/profile/_ACP_BATCHID=*")
    (mine,) = folder.glob("*.parquet")
    assert ask.rows(f"SELECT count(*) FROM {EXPORTS}") == [[6]]
    folder.rename(theirs)
    other = theirs / mine.name
    if way == "folder link":
        folder.symlink_to(theirs)
    else:
        folder.mkdir()
        mine.symlink_to(other)
    dots = f"../../../theirs/{mine.name}"
    written = {"uri": other.as_uri(), "path": str(other), "dots": dots}
    if (named := written.get(way)) is not None:
        log = folder.parent / "_delta_log" / f"{0:020}.json"
        log.write_text(log.read_text().replace(f"{folder.name}/{mine.name}", named))
    with pytest.raises(Refused, match="lies outside of its folder") as refused:
        ask(f"SELECT * FROM {EXPORTS}")
    assert [problem.code for problem in refused.value.problems] == ["table-unreadable"]


def test_a_table_that_the_engine_does_not_open(engine: Engine, tmp_path: Path) -> None:
    file = build(tmp_path)
    export(file, engine, request())
    entry = tmp_path / "out" / "profile" / "_delta_log" / f"{1:020}.json"
    writers = {"writerFeatures": ["columnMapping"]}  # sail wants it among those of readers too
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [], **writers}
    entry.write_text(json.dumps({"protocol": protocol}))
    ask = Asked(load_sandbox(file), engine)
    if engine.name == "sail":
        with pytest.raises(Refused, match="columnMapping") as error:
            ask(f"SELECT 1 FROM {EXPORTS}")
        assert [p.code for p in error.value.problems] == ["table-unreadable"]
        assert str(tmp_path) not in str(error.value)
    else:
        assert ask.rows(f"SELECT count(*) FROM {EXPORTS}") == [[6]]


def test_a_dataset_without_exports(ask: Asked) -> None:
    for name in (f"{EXPORTS}_2", f"ds_{OTHER}"):
        assert ask.refused(f"SELECT * FROM {name}") == (
            "no-data",
            f"Table {name} has no data yet: nothing was exported to its dataset.",
        )


@pytest.mark.parametrize("name", ["crm", "web", "sign", "ds_crm", "t", "default.t"])
def test_no_other_table_of_the_sandbox_or_the_session(name: str, ask: Asked) -> None:
    ask.engine.spark.range(1).createOrReplaceTempView("t")
    try:
        assert ask.refused(f"SELECT * FROM {name}")[0] == "unknown-table"
    finally:
        ask.engine.spark.catalog.dropTempView("t")


def test_the_environment_stays_outside(ask: Asked) -> None:
    os.environ.setdefault("HOME", "/root")
    hidden = (
        "SELECT '${env:HOME}', '${system:user.name}', '${spark:spark.app.name}', 'a''${env:HOME}'"
    )
    assert ask.rows(hidden) == [
        ["${env:HOME}", "${system:user.name}", "${spark:spark.app.name}", "a'${env:HOME}"]
    ]


@pytest.mark.parametrize("name", ["uſer", "ſeſſion_uſer", "current_uſer", "CURRENT_UſER"])
def test_who_runs_the_engine_stays_outside(name: str, ask: Asked) -> None:
    """Spark compares names letter by letter, by their capitals: that of ſ is S."""
    code, detail = ask.refused(f"SELECT `{name}` FROM {EXPORTS}")
    assert (code, f"t.{name}" in detail) == ("not-allowed", True)


def test_texts_come_back_as_they_were_written(ask: Asked) -> None:
    assert ask.rows(
        "SELECT 'it''s', 'a\\'b', 'x\\\\', \"q\"\"q\", 'ü€', 'tab\\t', '`', '--', '/*'"
    ) == [["it's", "a'b", "x\\", 'q"q', "ü€", "tab\t", "`", "--", "/*"]]


def test_no_view_is_left(ask: Asked) -> None:
    ask(f"SELECT 1 FROM {EXPORTS} LIMIT 1")
    ask.refused(f"SELECT nope FROM {EXPORTS}")
    left = [t.name for t in ask.engine.spark.catalog.listTables() if t.name.startswith("pe_")]
    assert left == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "+".join(["1"] * (DEEPEST - 3)),
        "SELECT " + "(" * 25 + "1" + ")" * 25,
        "SELECT " + "abs(" * 25 + "1" + ")" * 25,
        "SELECT 1 WHERE " + " OR ".join(["1 = 2"] * (DEEPEST - 4)) + " OR true",
        "SELECT " + "CASE WHEN true THEN " * 20 + "1" + " END" * 20,
        "WITH c0 AS (SELECT 1 AS a)"
        + "".join(f", c{n} AS (SELECT a FROM c{n - 1})" for n in range(1, 40))
        + " SELECT * FROM c39",
    ],
    ids=lambda sql: sql[:30],
)
def test_what_is_let_through_as_not_too_deep_runs(sql: str, ask: Asked) -> None:
    assert len(ask.rows(sql)) == 1


LONG = f"SELECT sum(t0.score * t1.score - t15.score) FROM {EXPORTS} t0" + "".join(
    f" CROSS JOIN {EXPORTS} t{n}" for n in range(1, 16)
)


@pytest.mark.spark_only  # a product of tables keeps the embedded engine from hearing an interrupt
def test_a_query_that_takes_too_long_is_stopped(ask: Asked) -> None:
    code, detail = ask.refused(LONG, time_limit=2)
    assert code == "time-limit"
    assert "longer than 2 seconds" in detail
    assert ask.rows("SELECT 1") == [[1]]


INTERRUPTED = """
import os, signal, sys, threading
from profile_export import query

def run_query(*words, ask=query.run_query, **more):
    threading.Timer(2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    return ask(*words, **more)

query.run_query = run_query
from profile_export.entry import entry
entry()
"""


def test_a_signal_ends_a_query_that_keeps_the_engine_busy(engine: Engine, tmp_path: Path) -> None:
    """In a folder whose name makes links needed."""
    file, scratch = build(tmp_path / "a blank"), tmp_path / "scratch"
    export(file, engine, request())
    scratch.mkdir()
    jobs = str(Path(query.__file__).parents[1])
    words = ("query", LONG, "--sandbox", str(file), "--engine", engine.name)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *words],
        env={**os.environ, "PYTHONPATH": jobs, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert done.stderr == "Interrupted. No job was under way.\n"
    assert not [p for p in scratch.iterdir() if not p.name.startswith("hsperf")]


@pytest.fixture(scope="module")
def process(engine_name: str) -> Iterator[QueryProcess]:
    opened = QueryProcess(engine_name, settings=TINY)
    yield opened
    opened.close()


def test_in_a_process_of_its_own_it_is_surely_stopped(ask: Asked, process: QueryProcess) -> None:
    sql, sandbox = f"SELECT count(*) FROM {EXPORTS}", ask.sandbox
    assert process.run(sql, sandbox, time_limit=60).rows == [[8]]
    begun = time.monotonic()
    with pytest.raises(Refused, match="took longer than 1 seconds"):
        process.run(LONG, sandbox, time_limit=1)
    assert time.monotonic() - begun < 100
    assert process.run(sql, sandbox, time_limit=60).rows == [[8]]


def test_errors_come_through_from_another_process(ask: Asked, process: QueryProcess) -> None:
    with pytest.raises(Refused) as error:
        process.run("SELECT * FROM secrets", ask.sandbox, time_limit=60)
    assert [(p.code, p.pointer) for p in error.value.problems] == [("unknown-table", "/sql")]


def test_a_process_that_dies_is_told_and_replaced(ask: Asked, process: QueryProcess) -> None:
    assert process.run("SELECT 1", ask.sandbox, time_limit=60).rows == [[1]]
    child = process._child
    assert child is not None

    def kill_while_it_computes() -> None:
        wait_for(lambda: process._turns._taken)
        time.sleep(0.3)
        child[0].kill()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(kill_while_it_computes)
        with pytest.raises(JobFailed, match="broke its engine"):
            process.run(LONG, ask.sandbox, time_limit=240)
    assert process.run("SELECT 2", ask.sandbox, time_limit=60).rows == [[2]]
    child = process._child
    assert child is not None
    child[0].kill()
    child[0].join()  # between two queries nobody needs to hear of it
    assert process.run("SELECT 3", ask.sandbox, time_limit=60).rows == [[3]]


def test_an_engine_that_cannot_start(ask: Asked) -> None:
    with pytest.raises(JobFailed, match="No engine is called"):
        QueryProcess("nothing").run("SELECT 1", ask.sandbox, time_limit=5)


def test_a_broken_engine_is_not_the_users_fault(
    ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_sql: str) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(type(ask.engine.spark), "sql", lambda _self, sql: broken(sql))
    with pytest.raises(JobFailed) as error:
        ask("SELECT 1")
    assert "secret" not in str(error.value)
