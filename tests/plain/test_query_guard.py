"""What of SQL is let through to an engine: what is hostile is refused, what is let through is ours."""

import re
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_export.catalog import Dataset, Sandbox
from profile_export.errors import Refused
from profile_export.plan import TableRef
from profile_export.sql.guard import DEEPEST, LONGEST, LONGEST_READING, MOST_NODES, guard
from profile_export.sql.names import catalog_names, sql_name, sql_tables
from profile_export.sql.words import Unsafe, check_text

TABLES = ["profiles", "profiles_2", "ds_5b02"]


def refused(sql: str) -> str:
    """The code that a statement is refused with."""
    with pytest.raises(Refused) as error:
        guard(sql, TABLES)
    (problem,) = error.value.problems
    assert problem.pointer == "/sql"
    assert "\n" not in problem.detail
    assert len(problem.detail) < 500
    return problem.code


def text_of(sql: str) -> str:
    """The text that an engine gets, with our random names in short: ``v0``, ``c0``."""
    return re.sub(r"`pe_[0-9a-f]{16}_(\w+)`", r"\1", guard(sql, TABLES).sql)


# --- hostile

OTHER_TABLES = [
    "SELECT * FROM secrets",
    "SELECT * FROM default.profiles",
    "SELECT * FROM spark_catalog.default.profiles",
    "SELECT * FROM global_temp.profiles",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM system.runtime.queries",
    "SELECT * FROM parquet.`/etc/passwd`",
    "SELECT * FROM delta.`/data/other/table`",
    "SELECT * FROM text.`/etc/passwd`",
    "SELECT * FROM csv.`file:///etc/passwd`",
    "SELECT * FROM binaryFile.`/etc/passwd`",
    "SELECT * FROM `/data/other`",
    "SELECT * FROM profiles, secrets",
    "SELECT * FROM profiles JOIN secrets ON true",
    "SELECT (SELECT max(x) FROM secrets) FROM profiles",
    "SELECT * FROM profiles WHERE a IN (SELECT a FROM secrets)",
    "SELECT * FROM profiles WHERE EXISTS (SELECT 1 FROM secrets)",
    "SELECT 1 UNION ALL SELECT * FROM secrets",
    "WITH a AS (SELECT * FROM secrets) SELECT * FROM a",
    "SELECT * FROM (WITH secrets AS (SELECT 1) SELECT * FROM secrets) AS x, secrets",
    "WITH a AS (SELECT * FROM secrets), secrets AS (SELECT 1) SELECT * FROM a",
    "WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets",
    "WITH a AS (SELECT 1) SELECT * FROM default.a",
    "SELECT * FROM profiles JOIN LATERAL (SELECT * FROM secrets) AS s",
    "SELECT * FROM profiles ORDER BY (SELECT 1 FROM secrets)",
    "SELECT * FROM profiles@v1",
    "SELECT * FROM `profiles@v1`",
    "SELECT * FROM `pe_0000000000000000_v0`",
]
NOT_ONE_SELECT = [
    "",
    ";",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE profiles",
    "INSERT INTO profiles SELECT 1",
    "INSERT OVERWRITE DIRECTORY '/tmp/x' USING parquet SELECT * FROM profiles",
    "CREATE TABLE x AS SELECT * FROM profiles",
    "CREATE TEMPORARY FUNCTION f AS 'x.Y' USING JAR '/tmp/x.jar'",
    "CREATE VIEW v AS SELECT 1",
    "DROP TABLE profiles",
    "DELETE FROM profiles",
    "UPDATE profiles SET a = 1",
    "MERGE INTO profiles USING profiles_2 ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE profiles",
    "ALTER TABLE profiles ADD COLUMNS (x int)",
    "SET spark.sql.ansi.enabled=false",
    "SET",
    "RESET",
    "USE default",
    "SHOW TABLES",
    "DESCRIBE profiles",
    "DESCRIBE HISTORY profiles",
    "EXPLAIN SELECT 1",
    "ANALYZE TABLE profiles COMPUTE STATISTICS",
    "CACHE TABLE profiles",
    "REFRESH TABLE profiles",
    "ADD JAR '/tmp/x.jar'",
    "LIST FILES",
    "LOAD DATA INPATH '/etc/passwd' INTO TABLE profiles",
    "VACUUM profiles",
    "OPTIMIZE profiles",
    "RESTORE TABLE profiles TO VERSION AS OF 0",
    "CALL system.x()",
    "EXECUTE IMMEDIATE 'DROP TABLE profiles'",
    "DECLARE VARIABLE x INT",
    "BEGIN SELECT 1; END",
    "TABLE profiles",
    "VALUES (1, 2)",
    "FROM profiles INSERT INTO profiles SELECT *",
    "WITH a AS (SELECT 1) INSERT INTO profiles SELECT * FROM a",
]
FUNCTIONS = [
    "SELECT java_method('java.lang.System', 'getenv', 'HOME')",
    "SELECT reflect('java.lang.System', 'getProperty', 'user.home')",
    "SELECT try_reflect('java.lang.System', 'getenv')",
    "SELECT `java_method`('java.lang.System', 'getenv', 'HOME')",
    "SELECT `JAVA_METHOD` ('a', 'b')",
    "SELECT system.builtin.java_method('a', 'b')",
    "SELECT input_file_name() FROM profiles",
    "SELECT input_file_block_start() FROM profiles",
    "SELECT current_user()",
    "SELECT current_user",
    "SELECT user",
    "SELECT `user` FROM profiles",
    "SELECT USER()",
    "SELECT session_user",
    "SELECT x FROM profiles ORDER BY `session_user`",
    "SELECT CASE WHEN `USER` = 'root' THEN 1 END",
    "SELECT `uſer`",
    "SELECT `CURRENT_UſER` FROM profiles",
    "SELECT `current_tımezone`",
    "SELECT current_catalog()",
    "SELECT current_database()",
    "SELECT current_schema",
    "SELECT current_timezone()",
    "SELECT version()",
    "SELECT spark_partition_id() FROM profiles",
    "SELECT monotonically_increasing_id()",
    "SELECT uuid()",
    "SELECT rand()",
    "SELECT secret('a', 'b')",
    "SELECT http_request('x')",
    "SELECT aes_decrypt(a, b)",
    "SELECT from_json(a, 'x int')",
    "SELECT schema_of_json('{}')",
    "SELECT get_json_object(a, '$.b')",
    "SELECT from_csv(a, 'x int')",
    "SELECT xpath(a, 'b')",
    "SELECT raise_error('x')",
    "SELECT assert_true(false)",
    "SELECT sleep(1000)",
    "SELECT repeat('x', 1000000000)",
    "SELECT space(1000000000)",
    "SELECT lpad('x', 1000000000, 'y')",
    "SELECT sequence(1, 1000000000)",
    "SELECT explode(sequence(1, 1000000000))",
    "SELECT array_repeat(1, 1000000000)",
    "SELECT format_string('%1000000000s', a)",
    "SELECT a RLIKE '(a+)+$' FROM profiles",
    "SELECT regexp_replace(a, '(a+)+$', '')",
    "SELECT split(a, '(a+)+$')",
    "SELECT a LIKE '%a%a%a%a%a%a%a%a%' FROM profiles",
    "SELECT a ILIKE '%a%a%a%a%a%a%a%a%' FROM profiles",
    "SELECT a LIKE b FROM profiles",
    "SELECT a ILIKE b FROM profiles",
    "SELECT a LIKE 1 FROM profiles",
    "SELECT a LIKE ANY ('a', 'b') FROM profiles",
    "SELECT my_udf(a) FROM profiles",
    "SELECT ai_query('m', 'p')",
    "SELECT stack(2, 1, 2)",
]
TABLE_FUNCTIONS = [
    "SELECT * FROM range(1000000000)",
    "SELECT * FROM RANGE (10)",
    "SELECT * FROM read_files('/etc/passwd')",
    "SELECT * FROM explode(array(1))",
    "SELECT * FROM table_changes('profiles', 0)",
    "SELECT * FROM TABLE(range(10))",
    "SELECT * FROM IDENTIFIER('secrets')",
    "SELECT IDENTIFIER('user')",
    "SELECT * FROM IDENTIFIER('par' || 'quet.`/etc/passwd`')",
    "SELECT * FROM VALUES (1), (2)",
    "SELECT * FROM (VALUES (1)) AS v",
    "SELECT * FROM profiles LATERAL VIEW stack(2, 1, 2) s AS a",
    "SELECT * FROM profiles LATERAL VIEW json_tuple(a, 'b') s AS x",
    "SELECT * FROM profiles LATERAL VIEW java_method('a', 'b') s AS x",
    "SELECT * FROM profiles, LATERAL range(10)",
    "SELECT * FROM profiles CROSS JOIN UNNEST(array(1, 2)) AS u(x)",
    "SELECT TRANSFORM(a) USING '/bin/sh -c env' FROM profiles",
    "SELECT TRANSFORM(a) USING 'cat' AS (b) FROM profiles",
    "SELECT MAP(a) USING 'cat' FROM profiles",
    "FROM profiles MAP a USING 'cat' AS b",
    "FROM profiles REDUCE a USING 'cat' AS b",
]
CLAUSES = [
    "SELECT * FROM profiles VERSION AS OF 0",
    "SELECT a FROM profiles AS p(a)",
    "SELECT a FROM (SELECT 1) AS s(a)",
    "SELECT * FROM profiles TIMESTAMP AS OF '2020-01-01'",
    "SELECT * FROM profiles TABLESAMPLE (10 PERCENT)",
    "SELECT * FROM profiles PIVOT (sum(a) FOR b IN (1, 2))",
    "SELECT /*+ BROADCAST(profiles) */ * FROM profiles",
    "SELECT /*+ REPARTITION(100000) */ * FROM profiles",
    "SELECT * INTO x FROM profiles",
    "SELECT * FROM profiles FOR UPDATE",
    "SELECT * FROM profiles DISTRIBUTE BY a",
    "SELECT * FROM profiles SORT BY a",
    "SELECT * FROM profiles CLUSTER BY a",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
    "SELECT a COLLATE utf8_binary FROM profiles",
    "SELECT a:b FROM profiles",
    "SELECT CAST(a AS x.Y) FROM profiles",
    "SELECT CAST(a AS VARIANT) FROM profiles",
    "SELECT _metadata.file_path FROM profiles",
    "SELECT `_METADATA` FROM profiles",
    "SELECT profiles._metadata.file_path FROM profiles",
    "SELECT p.`_metadata`.* FROM profiles p",
]
VARIABLES = [
    "SELECT ${env:HOME}",
    "SELECT * FROM ${spark:x}",
    "SELECT `${env:HOME}`",
    "SELECT 1 AS `${env:HOME}`",
    "SELECT @x",
    "SELECT @@version",
    "SELECT :name",
    "SELECT ?",
    "SELECT 1 AS `a\\b`",
    "SELECT 1 AS `a``b`",
    "SELECT 1 AS `a\nb`",
    "SELECT r'raw'",
]
HOSTILE = [
    *((sql, {"unknown-table", "not-allowed"}) for sql in OTHER_TABLES),
    *((sql, {"not-a-select", "sql-syntax"}) for sql in NOT_ONE_SELECT),
    *((sql, {"not-allowed", "sql-syntax"}) for sql in FUNCTIONS),
    *((sql, {"not-allowed", "sql-syntax", "not-a-select"}) for sql in TABLE_FUNCTIONS),
    *((sql, {"not-allowed", "sql-syntax"}) for sql in CLAUSES),
    *((sql, {"not-allowed", "sql-syntax"}) for sql in VARIABLES),
]


@pytest.mark.parametrize("sql", ["SHOW TABLES", "DESCRIBE t", "explain SELECT 1", "DROP TABLE t"])
def test_a_statement_of_another_kind_is_told_by_its_word(sql: str) -> None:
    with pytest.raises(Refused) as caught:
        guard(sql, TABLES)
    (problem,) = caught.value.problems
    word = sql.split()[0].upper()
    assert problem.detail == f"It must be a SELECT (WITH is allowed), not {word}."


@pytest.mark.parametrize("sql", ["SELEC", "SELEC a", "'SELECT 1'", "demo/sandbox.yml", "17"])
def test_words_that_are_no_statement_are_not_called_one(sql: str) -> None:
    with pytest.raises(Refused) as caught:
        guard(sql, TABLES)
    (problem,) = caught.value.problems
    assert problem.detail == "It must be a SELECT (WITH is allowed); this is no statement."


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT a FROM x WHERE", "Line 1, column 21: Required keyword: 'this' missing for WHERE."),
        ("SELECT FROM", "Line 1, column 11: Expected table name."),
        ("SELECT (a FROM x", "Line 1, column 14: Expecting )."),
    ],
)
def test_faults_of_syntax_are_told_in_words(sql: str, told: str) -> None:
    with pytest.raises(Refused) as caught:
        guard(sql, TABLES)
    assert [problem.detail for problem in caught.value.problems] == [told]


@pytest.mark.parametrize(("sql", "codes"), HOSTILE, ids=[sql for sql, _ in HOSTILE])
def test_what_is_hostile_is_refused(sql: str, codes: set[str]) -> None:
    assert refused(sql) in codes


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
        "SELECT " + "+".join(["1"] * 5000),
        "SELECT 1 FROM profiles WHERE " + " OR ".join(["a = 1"] * (DEEPEST + 1)),
        "SELECT " + ", ".join(["1"] * 8000),
        "SELECT " + ",".join(["1"] * MOST_NODES),
        "SELECT '" + "x" * LONGEST + "'",
        "SELECT " + "CASE WHEN a THEN " * 300 + "1" + " END" * 300,
        "SELECT * FROM " + "(SELECT * FROM " * 200 + "profiles" + ")" * 200,
        "SELECT " + "array(" * 500 + "1" + ")" * 500,
        "SELECT " + "NOT " * 2000 + "true",
        "SELECT " + "- " * 2000 + "1",
        "SELECT a" + "[0]" * 2000 + " FROM profiles",
        "SELECT a" + ".b" * 3000 + " FROM profiles",
    ],
    ids=lambda sql: sql[:40],
)
def test_what_is_too_large_is_refused(sql: str) -> None:
    assert refused(sql) == "too-complex"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "struct(" * 18 + "1" + ")" * 18,
        "SELECT " + "decimal(" * 18 + "1" + ")" * 18,
        "SELECT " + ", ".join(["CAST(a AS " + "map<int, " * 90 + "int" + ">" * 90 + ")"] * 15),
    ],
    ids=lambda sql: sql[:40],
)
def test_what_is_read_for_ever_is_refused(sql: str) -> None:
    started = time.thread_time()
    assert refused(sql) == "too-complex"
    assert time.thread_time() - started < 3 * LONGEST_READING


@pytest.mark.parametrize(
    "sql", ["SELECT", "SELECT FROM", "SELECT 'open", "SELECT (1", "\x00", "é("]
)
def test_what_is_no_sql_is_refused(sql: str) -> None:
    assert refused(sql) in {"sql-syntax", "not-a-select", "not-allowed"}


# --- what is let through, and as what

GOOD = [
    ("SELECT 1", "SELECT 1"),
    ("select 1;", "SELECT 1"),
    ("SELECT a FROM profiles", "SELECT `a` FROM v0 AS `profiles`"),
    ("SELECT a FROM PROFILES p", "SELECT `a` FROM v0 AS `p`"),
    ("SELECT a FROM `ds_5b02`", "SELECT `a` FROM v0 AS `ds_5b02`"),
    ("SELECT /* x */ a -- y\nFROM profiles", "SELECT `a` FROM v0 AS `profiles`"),
    (
        "SELECT p.a FROM profiles p JOIN profiles q ON p.a = q.a",
        "SELECT `p`.`a` FROM v0 AS `p` JOIN v0 AS `q` ON `p`.`a` = `q`.`a`",
    ),
    (
        "WITH x AS (SELECT 1 AS a), y AS (SELECT * FROM x) SELECT * FROM y",
        "WITH c0 AS (SELECT 1 AS `a`), c1 AS (SELECT * FROM c0 AS `x`) SELECT * FROM c1 AS `y`",
    ),
    ("WITH Top AS (SELECT 1) SELECT * FROM TOP", "WITH c0 AS (SELECT 1) SELECT * FROM c0 AS `TOP`"),
    (
        "WITH profiles AS (SELECT * FROM profiles) SELECT * FROM profiles",
        "WITH c0 AS (SELECT * FROM v0 AS `profiles`) SELECT * FROM c0 AS `profiles`",
    ),
    (
        "WITH x(a, b) AS (SELECT 1, 2) SELECT a FROM x",
        "WITH c0(`a`, `b`) AS (SELECT 1, 2) SELECT `a` FROM c0 AS `x`",
    ),
    (
        "SELECT * FROM profiles LATERAL VIEW explode(tags) t AS k, v",
        "SELECT * FROM v0 AS `profiles` LATERAL VIEW EXPLODE(`tags`) `t` AS `k`, `v`",
    ),
    (
        "SELECT transform(a, x -> x + 1) FROM profiles",
        "SELECT TRANSFORM(`a`, `x` -> `x` + 1) FROM v0 AS `profiles`",
    ),
    ("SELECT t.user FROM profiles t", "SELECT `t`.`user` FROM v0 AS `t`"),
    ("SELECT 'a' || \"b\"", "SELECT 'a' || 'b'"),
    ("SELECT '${env:HOME}'", "SELECT CAST(X'247B656E763A484F4D457D' AS STRING)"),
    ("SELECT 'it''s'", "SELECT CAST(X'69742773' AS STRING)"),
    ("SELECT 'it\\'s'", "SELECT CAST(X'69742773' AS STRING)"),
    ("SELECT 'x\\\\'", "SELECT CAST(X'785C' AS STRING)"),
    ("SELECT 'é'", "SELECT CAST(X'C3A9' AS STRING)"),
    ("SELECT a AS `x y` FROM profiles", "SELECT `a` AS `x y` FROM v0 AS `profiles`"),
]


@pytest.mark.parametrize(("sql", "text"), GOOD, ids=[sql for sql, _ in GOOD])
def test_what_is_let_through(sql: str, text: str) -> None:
    assert text_of(sql) == text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT _ACP_BATCHID, count(*), avg(a) FROM profiles GROUP BY _ACP_BATCHID HAVING count(*) > 1",
        "SELECT a, row_number() OVER (PARTITION BY b ORDER BY c DESC NULLS LAST) FROM profiles",
        "SELECT sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM profiles",
        "SELECT CASE WHEN a > 1 THEN 'x' ELSE 'y' END, if(a, b, c), coalesce(a, b) FROM profiles",
        "SELECT a FROM profiles WHERE b IN (SELECT b FROM profiles_2) AND NOT c IS NULL",
        "SELECT a FROM profiles UNION SELECT a FROM profiles_2 EXCEPT SELECT 1 INTERSECT SELECT 2",
        "SELECT count(DISTINCT a) FILTER (WHERE b > 1) FROM profiles",
        "SELECT identityMap['email'][0].id FROM profiles",
        "SELECT CAST(a AS DECIMAL(10, 2)), try_cast(b AS DATE), c::int FROM profiles",
        "SELECT date '2020-01-01' + interval 1 day, date_trunc('month', a) FROM profiles",
        "SELECT extract(year FROM a), year(a), date_format(a, 'yyyy-MM') FROM profiles",
        "SELECT * EXCEPT (a) FROM profiles",
        "SELECT * FROM profiles WHERE a LIKE 'x%' OR a ILIKE '%y_' OR a LIKE '%a%a%a%a%a%a%a%'",
        "SELECT a FROM profiles GROUP BY CUBE (a, b)",
        "SELECT a FROM profiles GROUP BY GROUPING SETS ((a), ())",
        "SELECT a FROM profiles p LEFT SEMI JOIN profiles_2 q USING (a)",
        "SELECT * FROM (SELECT a FROM profiles ORDER BY a LIMIT 5 OFFSET 2) AS x",
        "SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b FROM profiles",
        "SELECT trim(BOTH 'x' FROM a), trim(LEADING FROM a), trim(TRAILING 'x' FROM a) FROM profiles",
        "SELECT a <=> b, a % 2, a DIV 2, -a, - -a, a & 1, a <> b, a != b FROM profiles",
        "SELECT struct(a, b), named_struct('x', a), array(1, 2), map('k', 1) FROM profiles",
        "SELECT exists(a, x -> x > 1), filter(a, x -> x > 1), aggregate(a, 0, (s, x) -> s + x) FROM profiles",
        "SELECT max_by(a, b), percentile_approx(a, 0.5), collect_set(a) FROM profiles",
        "SELECT current_date(), current_timestamp, now()",
        "SELECT posexplode(a) AS (i, x) FROM profiles",
        "SELECT lag(a) IGNORE NULLS OVER (ORDER BY b) FROM profiles",
        "SELECT 1.5, 1e3, .5, 1L, 2.5BD, x'41', true, null",
        "SELECT a FROM profiles WINDOW w AS (PARTITION BY a)",
    ],
)  # fmt: skip
def test_what_analysts_write_is_let_through(sql: str) -> None:
    assert set(guard(sql, TABLES).views.values()) <= set(TABLES)


def test_each_view_is_asked_for_once_under_a_name_that_changes() -> None:
    one, other = (guard("SELECT * FROM profiles, profiles_2, profiles p", TABLES) for _ in "ab")
    assert sorted(one.views.values()) == ["profiles", "profiles_2"]
    assert not one.views.keys() & other.views.keys()


def test_the_hint_names_the_tables() -> None:
    with pytest.raises(Refused, match=r"Nearest: profiles.*The tables are: profiles, profiles_2"):
        guard("SELECT * FROM profile", TABLES)


@given(st.text(max_size=60))
def test_any_text_stays_a_text(text: str) -> None:
    """Whatever stands in a literal, nothing of it gets out of its quotes or into the engine's eyes."""
    quoted = text.replace("\\", "\\\\").replace("'", "''")
    try:
        made = guard(f"SELECT '{quoted}'", TABLES).sql
    except Refused:
        return
    found = re.fullmatch(r"SELECT (?:'([^'\\$`\n]*)'|CAST\(X'([0-9A-F]*)' AS STRING\))", made)
    assert found is not None
    assert (bytes.fromhex(found[2]).decode() if found[2] is not None else found[1]) == text


@given(st.text(max_size=80))
def test_nothing_but_our_errors_comes_of_any_input(sql: str) -> None:
    try:
        guard(sql, TABLES)
        guard(f"SELECT {sql} FROM profiles", TABLES)
    except Refused:
        return


PIECES = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "profiles",
        "secrets",
        "(",
        ")",
        ",",
        ".",
        "`",
        "'",
        '"',
        "--",
        "/*",
        "*/",
        ";",
        "AS",
        "a",
        "WITH",
        "UNION",
        "TABLE",
        "VALUES",
        "USING",
        "JOIN",
        "LATERAL",
        "VIEW",
        "explode",
        "range",
        "java_method",
        "user",
        "_metadata",
        "${env:HOME}",
        "'x'",
        "`y`",
        "1",
        "*",
        "->",
        "=",
        "x'",
        "$",
        "@",
        ":",
        "?",
        "IDENTIFIER",
        "TRANSFORM",
        "VERSION",
        "OF",
        "parquet",
        "/",
        "\\",
        "{fn",
        "ALL",
    ]
)


@given(st.lists(PIECES, max_size=14))
def test_whatever_is_let_through_reads_only_our_views(pieces: list[str]) -> None:
    try:
        made = guard(" ".join(["SELECT", *pieces]), TABLES)
    except Refused:
        return
    outside = re.sub(r"'[^']*'", "''", made.sql)
    bare = re.sub(r"`[^`]*`", "``", outside)  # a name may hold anything but quotes and variables
    assert not re.search(r"[@;{}?]|--|/\*", bare)
    assert not re.search(r"[$\\]", outside)
    assert set(re.findall(r"(?i)(?:\bFROM|\bJOIN) `([^`]*)`", outside)) <= made.views.keys()
    assert "secrets" not in re.findall(r"(?i)(?:FROM|JOIN|,) `([^`]*)` AS", outside)


@pytest.mark.parametrize(
    "text",
    ["SELECT f(1)", "SELECT `x`(1)", "SELECT 'a\\'", "SELECT a -- b", "SELECT /* */ 1", "SELECT @x",
     "SELECT $1", "SELECT 1; SELECT 2", "SELECT * FROM RANGE(1)", "SELECT X'4' FROM TABLE t",
     "SELECT * FROM `a` VERSION AS OF 1", "SELECT MAP(1) USING 'cat'", 'SELECT "a"', "SELECT 'é'",
     "SELECT `${env:HOME}`", "SELECT `a\\b`", "SELECT X"],
)  # fmt: skip
def test_the_list_of_words_alone_stops_what_the_parser_might_miss(text: str) -> None:
    with pytest.raises(Unsafe):
        check_text(text, own_prefix="pe_")


# --- names


def sandbox(*datasets: tuple[str, str]) -> Sandbox:
    table = TableRef(format="delta", location="/x", written="x")
    exports = tuple(Dataset(i, name, "export", table) for i, name in datasets)
    return Sandbox("org", "prod", (Dataset("p", "profiles", "profile", table), *exports))


def named(*datasets: tuple[str, str]) -> dict[str, str]:
    return {name: d.id for name, d in sql_tables(sandbox(*datasets)).items()}


def test_names_of_tables() -> None:
    found = named(("A1", "Profile Data Export"), ("b2", "profile-data export"), ("c3", "Über"))
    assert found == {
        "ds_A1": "A1",
        "ds_b2": "b2",
        "ds_c3": "c3",
        "ds_a1": "A1",
        "profile_data_export": "A1",
        "profile_data_export_2": "b2",
        "_ber": "c3",
    }


def test_an_id_is_a_name_as_it_is_written() -> None:
    """Ids of sandbox files are any texts; ``ds_`` and the id is a table, in quotes if it must."""
    ids = ("5e9b7a34-1f6c", "Out-A", "out_a", "a", "A")
    tables = sql_tables(sandbox(*((each, "x") for each in ids)))

    def read(name: str) -> list[str]:
        views = guard(f"SELECT 1 FROM {name}", tables).views
        return [tables[shown].id for shown in views.values()]

    for each in ids:
        assert read(f"`ds_{each}`") == [each]
    assert read('"ds_Out-A"') == read("DS_OUT_A_2") == ["Out-A"]
    assert read("ds_5e9b7a34_1f6c") == ["5e9b7a34-1f6c"]
    assert read("ds_A") == ["A"]
    assert read("ds_a") == read("DS_a") == ["a"]


def test_names_that_others_have_already() -> None:
    assert named(("1", "x"), ("2", "x 2"), ("3", "x"), ("4", "ds 1"), ("5", "X")) == {
        "ds_1": "1", "ds_2": "2", "ds_3": "3", "ds_4": "4", "ds_5": "5",
        "x": "1", "x_2": "2", "x_3": "3", "ds_1_2": "4", "x_4": "5",
    }  # fmt: skip


def steps(work: Callable[[], object]) -> int:
    """How many lines of Python it takes."""
    lines = 0

    def trace(_frame: FrameType, event: str, _arg: object) -> Callable[..., Any]:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


def test_twice_as_many_datasets_of_one_name_take_twice_as_many_steps() -> None:
    some, twice = (sandbox(*((f"{i}", "Export") for i in range(many))) for many in (100, 200))
    assert catalog_names(twice)["199"] == "export_200"
    assert steps(lambda: catalog_names(twice)) < 2.2 * steps(lambda: catalog_names(some))


def test_the_name_that_the_catalog_tells() -> None:
    assert sql_name(sandbox(("1", "x"), ("2", "x")), "2") == "x_2"
    assert sql_name(sandbox(("1", "ds 1")), "1") == "ds_1_2"
