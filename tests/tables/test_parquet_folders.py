"""Parquet folders as they lie about: planned and then read by both engines alike (S12, S28)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyspark.sql import Row

from profile_export.engines import Engine
from profile_export.engines.workspace import JobWorkspace
from profile_export.errors import JobFailed
from profile_export.pins import pin_problems
from profile_export.plan import Input, TableRef
from profile_export.storage import Folder
from profile_export.tables import inspect_table

NULL = "__HIVE_DEFAULT_PARTITION__"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def work(engine: Engine, tmp_path: Path) -> JobWorkspace:
    return JobWorkspace(engine, Folder(str(tmp_path / "scratch")))


def write(folder: Path, name: str, table: dict[str, Any], **options: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path, **options)


def planned(folder: Path) -> Input:
    table = TableRef(format="parquet", location=str(folder), written="web")
    info = inspect_table(table)
    return Input(
        dataset_id="web",
        name="Web",
        kind="profile",
        table=table,
        version=info.version,
        columns=info.columns,
        primary_identity=None,
        identities=(),
        ingest_time="at",
        last_updated=None,
        participates=True,
        rank=0,
        files=info.files,
    )


def rows(work: JobWorkspace, source: Input) -> list[dict[str, Any]]:
    found = [row.asDict(recursive=True) for row in work.read(source).collect()]
    return sorted(found, key=lambda row: row["id"])


def test_what_a_file_lacks_is_null(work: JobWorkspace, tmp_path: Path) -> None:
    """Columns, and members of structs, in arrays and in values of maps too."""
    pairs = pa.map_(pa.string(), pa.struct({"p": pa.int64()}))
    more = pa.map_(pa.string(), pa.struct({"q": pa.string(), "p": pa.int64()}))
    one = {"id": [1], "s": [{"x": 1}], "l": [[{"p": 1}]]}
    two = {"n": ["n"], "id": [2], "s": [{"y": "b"}], "l": [[{"q": "z"}]]}
    write(tmp_path / "t", "a.parquet", {**one, "m": pa.array([[("k", {"p": 1})]], pairs)})
    write(tmp_path / "t", "b.parquet", {**two, "m": pa.array([[("k", {"q": "z"})]], more)})
    write(tmp_path / "t", "c.parquet", {"id": [3]})
    assert rows(work, planned(tmp_path / "t")) == [
        {
            "id": 1,
            "s": {"x": 1, "y": None},
            "l": [{"p": 1, "q": None}],
            "m": {"k": {"p": 1, "q": None}},
            "n": None,
        },
        {
            "id": 2,
            "s": {"x": None, "y": "b"},
            "l": [{"p": None, "q": "z"}],
            "m": {"k": {"p": None, "q": "z"}},
            "n": "n",
        },
        {"id": 3, "s": None, "l": None, "m": None, "n": None},
    ]


def test_types_that_are_one_to_spark_and_not_to_arrow(work: JobWorkspace, tmp_path: Path) -> None:
    texts = [pa.array(["x"], type_) for type_ in (pa.string(), pa.large_string(), pa.string_view())]
    zones = [pa.timestamp("us", "UTC"), pa.timestamp("ms", "Europe/Paris"), pa.timestamp("us")]
    small = [pa.uint8(), pa.int16(), pa.int16()]
    for n, (text, zone, number) in enumerate(zip(texts, zones, small, strict=True)):
        times = pa.array([NOON.replace(tzinfo=None)], zone)
        table = {"id": [n], "s": text, "t": times, "n": pa.array([7], number)}
        int96 = zone == pa.timestamp("us")
        write(tmp_path / "t", f"{n}.parquet", table, use_deprecated_int96_timestamps=int96)
    instants = planned(tmp_path / "t")
    found = work.read(instants).selectExpr("id", "s", "n", "unix_micros(t) AS t").collect()
    noon = int(NOON.timestamp()) * 1_000_000
    assert sorted(map(tuple, found)) == [(n, "x", 7, noon) for n in range(3)]


DAY = date(2026, 1, 1)
TWICE = pa.large_list(pa.struct({"x": pa.large_string(), "y": pa.large_list(pa.int8())}))
STORED = [
    pytest.param(pa.large_list(pa.large_string()), ["a", None], None, id="long list"),
    pytest.param(TWICE, [{"x": "a", "y": [1]}], [Row(x="a", y=[1])], id="long lists of structs"),
    pytest.param(pa.list_(pa.int32(), 2), [1, 2], None, id="list of two"),
    pytest.param(pa.list_view(pa.int64()), [1], None, id="list view"),
    pytest.param(pa.date64(), DAY, None, id="date in milliseconds"),
    pytest.param(pa.list_(pa.date64()), [DAY], None, id="list of such dates"),
    pytest.param(pa.duration("us"), timedelta(seconds=2), 2_000_000, id="duration"),
    pytest.param(pa.struct({"d": pa.duration("ns")}), {"d": 7}, Row(d=7), id="inner duration"),
    pytest.param(pa.dictionary(pa.int8(), pa.string()), "a", None, id="category"),
    pytest.param(pa.dictionary(pa.int8(), pa.int64()), 7, None, id="category of numbers"),
    pytest.param(pa.decimal32(5, 2), Decimal("1.25"), None, id="short decimal"),
    pytest.param(pa.decimal256(38, 2), Decimal("1.25"), None, id="long decimal"),
]
"""Types that Arrow keeps in a file, a value, and what it is where it is not the same."""


def test_maps_whose_entries_have_two_names(work: JobWorkspace, tmp_path: Path) -> None:
    """As delta-rs names them, and Spark: Sail cannot merge them, whatever it is asked for."""
    table = pa.table({"id": [1], "m": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))})
    write_deltalake(tmp_path / "d", table)
    (file,) = (tmp_path / "d").glob("*.parquet")
    write(tmp_path / "t", "a.parquet", {"id": [2], "m": table["m"]})
    file.rename(tmp_path / "t" / "b.parquet")
    paths = {pq.read_metadata(file).schema.column(1).path for file in (tmp_path / "t").iterdir()}
    assert paths == {"m.key_value.key", "m.entries.key"}
    assert rows(work, planned(tmp_path / "t")) == [{"id": n, "m": {"a": 1}} for n in (1, 2)]


@pytest.mark.parametrize("where", ["t", "t/a.parquet"])
@pytest.mark.parametrize(("type_", "value", "expected"), STORED)
def test_types_that_arrow_stores(
    work: JobWorkspace, tmp_path: Path, type_: pa.DataType, value: Any, expected: Any, where: str
) -> None:
    """Of a folder, and of a file that is the table; beside what Sail has to be asked for."""
    times = pa.array([NOON, None], pa.timestamp("ms", "Europe/Paris"))
    rows_ = {"id": [1, 2], "v": pa.array([value, None], type_), "n": pa.array([7, 8], pa.uint8())}
    write(tmp_path / "t", "a.parquet", {**rows_, "at": times})
    read = work.read(planned(tmp_path / where)).selectExpr("id", "v", "n", "unix_micros(at) AS at")
    found = sorted(map(tuple, read.collect()))
    noon = int(NOON.timestamp()) * 1_000_000
    assert found == [(1, value if expected is None else expected, 7, noon), (2, None, 8, None)]


@pytest.mark.parametrize(
    ("plain", "stored", "value"),
    [
        (pa.list_(pa.string()), pa.large_list(pa.string()), ["x"]),
        (pa.string(), pa.dictionary(pa.int8(), pa.string()), "x"),
    ],
    ids=["lists", "texts"],
)
@pytest.mark.parametrize("first", ["plain", "stored"])
def test_types_that_arrow_stores_in_one_of_two_files(
    work: JobWorkspace,
    tmp_path: Path,
    plain: pa.DataType,
    stored: pa.DataType,
    value: Any,
    first: str,
) -> None:
    types = [plain, stored] if first == "plain" else [stored, plain]
    for n, type_ in enumerate(types):
        write(tmp_path / "t", f"{n}.parquet", {"id": [n], "v": pa.array([value], type_)})
    assert rows(work, planned(tmp_path / "t")) == [{"id": n, "v": value} for n in range(2)]


def test_types_that_arrow_stores_beside_others(work: JobWorkspace, tmp_path: Path) -> None:
    """Members that a file lacks are null, whichever of the files has them as Arrow's."""
    long = pa.large_list(pa.struct({"q": pa.string(), "p": pa.int64()}))
    short = pa.list_(pa.struct({"p": pa.int64()}))
    write(tmp_path / "t", "d=1/a.parquet", {"id": [1], "l": pa.array([[{"q": "z"}]], long)})
    write(tmp_path / "t", "d=2/a.parquet", {"id": [2], "l": pa.array([[{"p": 1}]], short)})
    less = pa.array([[{"p": 2}]], pa.large_list(pa.struct({"p": pa.int64()})))
    write(tmp_path / "t", "d=2/b.parquet", {"id": [3], "l": less, "n": ["n"]})
    assert rows(work, planned(tmp_path / "t")) == [
        {"id": 1, "l": [{"q": "z", "p": None}], "n": None, "d": 1},
        {"id": 2, "l": [{"q": None, "p": 1}], "n": None, "d": 2},
        {"id": 3, "l": [{"q": None, "p": 2}], "n": "n", "d": 2},
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["1", "-2", NULL], [1, -2, None], id="whole numbers"),
        pytest.param(["2026-01-01", NULL], [date(2026, 1, 1), None], id="dates"),
        pytest.param(["a%20b", "1+1,ü", NULL], ["a b", "1+1,ü", None], id="texts"),
        pytest.param(
            ["%C3%BC", "%f0%9f%98%80", "ü", "a%2Fb", "1%2525"],
            ["ü", "😀", "ü", "a/b", "1%25"],
            id="texts that are percent-encoded wholly",
        ),
        pytest.param(["", "a", NULL], ["", "a", None], id="an empty text"),
        pytest.param([NULL], [None], id="nothing but null"),
    ],
)
def test_folders_named_key_value(
    work: JobWorkspace, tmp_path: Path, values: list[str], expected: list[object]
) -> None:
    for n, value in enumerate(values):
        write(tmp_path / "t", f"day={value}/part-0.parquet", {"id": [n], "day": ["in the file"]})
    found = rows(work, planned(tmp_path / "t"))
    assert found == [{"id": n, "day": day} for n, day in enumerate(expected)]


def test_a_name_that_engines_take_for_a_pattern(work: JobWorkspace, tmp_path: Path) -> None:
    write(tmp_path / "t", "a[1].parquet", {"id": [1]})
    write(tmp_path / "t", "b{2}*.parquet", {"id": [2]})
    assert rows(work, planned(tmp_path / "t")) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        pytest.param(["[a]", "a%20b"], ["[a]", "a b"], id="texts"),
        pytest.param(["1", "-2"], [1, -2], id="whole numbers"),
        pytest.param(["2026-01-01"], [date(2026, 1, 1)], id="dates"),
        pytest.param(["{a}", "K%C3%B6ln", ""], ["{a}", "Köln", ""], id="that Spark spells"),
    ],
)
def test_null_among_folders_that_are_read_as_they_lie(
    work: JobWorkspace, tmp_path: Path, folders: list[str], expected: list[object]
) -> None:
    """As folders of very many files are too."""
    for n, value in enumerate([*folders, NULL]):
        write(tmp_path / "t", f"day={value}/a[1].parquet", {"id": [n], "day": ["in the file"]})
    found = rows(work, planned(tmp_path / "t"))
    assert found == [{"id": n, "day": day} for n, day in enumerate([*expected, None])]


@pytest.mark.parametrize("name", ["", "day=1/"])
def test_files_that_come_later_are_not_read(work: JobWorkspace, tmp_path: Path, name: str) -> None:
    write(tmp_path / "t", f"{name}a.parquet", {"id": [1]})
    source = planned(tmp_path / "t")
    write(tmp_path / "t", f"{name}b.parquet", {"id": [2]})
    assert [row["id"] for row in rows(work, source)] == [1]


def test_s28_a_file_that_has_lost_a_column_is_told(tmp_path: Path) -> None:
    """Though another still has it, so that the folder as a whole has."""
    for name in ("a", "b", "c"):
        write(tmp_path / "t", f"{name}.parquet", {"id": [1], "city": ["x"]})
    source = planned(tmp_path / "t")
    assert list(pin_problems(source, locate=lambda table: str(table.location))) == []
    write(tmp_path / "t", "b.parquet", {"id": [1]})
    (problem,) = pin_problems(source, locate=lambda table: str(table.location))
    assert (problem.code, "b.parquet" in problem.detail) == ("input-changed", True)


def test_a_file_that_is_gone_is_told(work: JobWorkspace, tmp_path: Path) -> None:
    """An engine may read it as no rows."""
    write(tmp_path / "t", "a.parquet", {"id": [1]})
    write(tmp_path / "t", "b.parquet", {"id": [2]})
    source = planned(tmp_path / "t")
    (tmp_path / "t" / "b.parquet").unlink()
    with pytest.raises(JobFailed, match=r"b\.parquet") as caught:
        work.read(source)
    assert caught.value.code == "input-missing"
    (problem,) = pin_problems(source, locate=lambda table: str(table.location))
    assert (problem.code, "b.parquet" in problem.detail) == ("input-missing", True)
