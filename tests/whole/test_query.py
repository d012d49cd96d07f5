"""SQL over export datasets, on an engine: what is let through means what it meant."""

import os
from pathlib import Path
from typing import Any

import pytest

from profile_export.catalog import Sandbox
from profile_export.engines import Engine
from profile_export.errors import JobFailed, Refused
from profile_export.query import QueryResult, run_query
from profile_export.sandbox import load_sandbox
from profile_export.sql_guard import DEEPEST
from small_sandbox import OTHER, TARGET, build, by_segment, export, request

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
        "SELECT id, name, score, spent, at_, identityMap, timeSeriesEvents, b, n, empty FROM (SELECT *,"
        " timeSeriesEvents[0].timestamp AS at_, x'00ff' AS b, cast('NaN' AS double) AS n,"
        f" date '2020-02-29' AS empty FROM {EXPORTS}) WHERE id = 'c1'"
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


def test_columns_of_one_name(ask: Asked) -> None:
    found = ask("SELECT 1 AS a, 2 AS a")
    assert ([name for name, _ in found.columns], found.rows) == (["a", "a"], [[1, 2]])


SAME = [
    "SELECT id, row_number() OVER (PARTITION BY _ACP_BATCHID ORDER BY id DESC NULLS LAST) FROM t ORDER BY 1, 2",
    "SELECT sum(score) OVER (ORDER BY id, _ACP_BATCHID ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) s FROM t ORDER BY 1",
    "WITH x AS (SELECT id, spent FROM t), y AS (SELECT * FROM x WHERE spent > 0.5) SELECT * FROM y ORDER BY id, spent",
    "SELECT e.page, count(*) FROM t LATERAL VIEW explode(timeSeriesEvents) v AS e GROUP BY e.page ORDER BY 1",
    "SELECT id, size(timeSeriesEvents) FROM t WHERE exists(timeSeriesEvents, e -> e.page = '/1') ORDER BY 1, 2",
    "SELECT transform(timeSeriesEvents, e -> concat(e._id, 'x')) a FROM t WHERE id = 'c2'",
    "SELECT a.id FROM t a LEFT SEMI JOIN (SELECT id FROM t WHERE city IS NOT NULL) b USING (id) ORDER BY 1",
    "SELECT a.id FROM t a LEFT ANTI JOIN (SELECT id FROM t WHERE city IS NOT NULL) b ON a.id = b.id ORDER BY 1",
    "SELECT city, count(*) FILTER (WHERE score > 0.3) FROM t GROUP BY city HAVING count(*) > 0 ORDER BY 1",
    "SELECT id FROM t UNION SELECT city FROM t EXCEPT SELECT 'c1' ORDER BY 1",
    "SELECT CASE WHEN score > 0.4 THEN 'high' ELSE 'low' END c, max_by(id, score) FROM t GROUP BY 1 ORDER BY 1",
    "SELECT cast(score * 100 AS int), try_cast(id AS int), spent::double FROM t ORDER BY 1",
    "SELECT id FROM t WHERE id LIKE 'c%' AND NOT city ILIKE '%U%' OR city IS NULL ORDER BY id",
    "SELECT identityMap['email'][0].id FROM t ORDER BY 1",
    "SELECT date_trunc('month', timeSeriesEvents[0].timestamp) m, extract(year FROM date '2020-02-01') FROM t ORDER BY 1",
    "SELECT date '2020-01-31' + interval 1 month, datediff(date '2020-01-31', date '2020-01-01')",
    "SELECT nvl(city, 'none'), ifnull(city, 'x'), nullif(city, 'Ulm'), if(city IS NULL, 1, 2) FROM t ORDER BY 1",
    "SELECT 7 DIV 2, 7 % 2, 7 / 2, - -1, 1 <=> NULL, 2 BETWEEN 1 AND 3, 5 IN (1, 5)",
    "SELECT struct(id, score) s, named_struct('a', id) n, map(id, score) m, array(1, NULL) a FROM t ORDER BY id, m[id]",
    "SELECT _ACP_BATCHID, city, count(*) n FROM t GROUP BY CUBE (_ACP_BATCHID, city) ORDER BY 1, 2, 3",
    "SELECT (SELECT max(score) FROM t) m, id FROM t WHERE score = (SELECT min(score) FROM t) ORDER BY 2",
    "SELECT element_at(array('a', 'b'), 1), array_contains(array(1), 1), split_part('a-b', '-', 2), substr('abc', 2)",
    "SELECT percentile_approx(score, 0.5), count(DISTINCT city), collect_set(city) FROM t",
    "SELECT trim('  x '), upper('a'), lpad_ FROM (SELECT left('abc', 2) AS lpad_)",
    "SELECT lag(id) OVER (ORDER BY id, _ACP_BATCHID) l FROM t ORDER BY 1",
    "SELECT id FROM t ORDER BY id LIMIT 2 OFFSET 1",
]


@pytest.mark.parametrize("sql", SAME)
def test_the_text_that_is_made_means_what_was_written(sql: str, ask: Asked) -> None:
    """Against the same words given to the engine as they are, on a view of the same name."""
    location = str(ask.sandbox.dataset(TARGET).table.location)  # type: ignore[union-attr]
    ask.engine.spark.read.format("delta").load(location).createOrReplaceTempView("t")
    try:
        wanted = ask.engine.spark.sql(sql).toArrow()
    except Exception as error:  # what this engine cannot do, it cannot do in our words either
        with pytest.raises(Refused, match="sql-invalid|not-allowed"):
            ask(sql.replace(" t ", f" {EXPORTS} t "))
        pytest.skip(f"not on this engine: {str(error)[:100]}")
    finally:
        ask.engine.spark.catalog.dropTempView("t")
    from profile_export.query_values import plain_rows

    padded = f"{sql} ".replace("FROM t)", "FROM t )").replace(" FROM t ", f" FROM {EXPORTS} AS t ")
    padded = padded.replace(f"{EXPORTS} AS t a ", f"{EXPORTS} AS a ")
    assert ask.rows(padded) == plain_rows(wanted)


# --- what is refused, and how it is told


def test_an_unknown_column(ask: Asked) -> None:
    code, detail = ask.refused(f"SELECT nope FROM {EXPORTS}")
    assert code == "sql-invalid"
    assert "nope" in detail


@pytest.mark.parametrize(
    "sql", ["SELECT 1 / 0", "SELECT cast('x' AS int)", "SELECT upper(1, 2)", "SELECT sum(a.b.c)"]
)
def test_a_statement_that_the_engine_refuses(sql: str, ask: Asked) -> None:
    code, detail = ask.refused(sql)
    assert code == "sql-invalid"
    assert len(detail) <= 300
    assert "== SQL" not in detail


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


def test_a_query_that_takes_too_long_is_stopped(ask: Asked) -> None:
    ten = " CROSS JOIN ".join(f"{EXPORTS} t{n}" for n in range(12))
    sql = f"SELECT sum(t0.score * t1.score - t11.score) FROM {ten}"
    code, detail = ask.refused(sql, time_limit=2)
    assert code == "time-limit"
    assert "longer than 2 seconds" in detail
    assert ask.rows("SELECT 1") == [[1]]


def test_a_broken_engine_is_not_the_users_fault(
    ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_sql: str) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(type(ask.engine.spark), "sql", lambda _self, sql: broken(sql))
    with pytest.raises(JobFailed) as error:
        ask("SELECT 1")
    assert "secret" not in str(error.value)
