"""Columns and versions of real Delta and Parquet tables, read without an engine (S28)."""

import datetime as dt
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from hand_made import Closed
from profile_export import delta_log
from profile_export.errors import JobFailed, Refused
from profile_export.plan import TableRef
from profile_export.schema import Array, DataType, Map, Struct, struct_of
from profile_export.tables import TableInfo, inspect_table, parquet_schema
from profile_export.tables.log_files import empty_commit

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
LOCAL = NOON.replace(tzinfo=None)


def look(path: Path, format_: str = "parquet") -> TableInfo:
    ref = {"format": format_, "location": str(path), "written": f"here/{path.name}"}
    return inspect_table(TableRef.model_validate(ref))


def fault(path: Path, format_: str = "parquet") -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        look(path, format_)
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.source) == ("", None)
    assert f"here/{path.name}" in problem.detail
    assert str(path) not in problem.detail
    return problem.code, problem.detail


def test_a_log_that_may_not_be_read_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """delta-rs says of it that there was an error of a file system."""
    write_deltalake(str(tmp_path / "t"), pa.table({"a": [1]}))
    Closed(monkeypatch)(tmp_path / "t" / "_delta_log")

    def refused(_location: str) -> None:
        raise OSError("Kernel error -> Generic LocalFileSystem error")

    monkeypatch.setattr("deltalake.DeltaTable", refused)
    code, told = fault(tmp_path / "t", "delta")
    assert code == "table-unreadable"
    assert told.endswith("cannot be read: Permission denied.")


def write(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


# --- Delta ---


def test_s28_delta_gives_its_columns_and_its_newest_version(tmp_path: Path) -> None:
    rows = pa.table(
        {
            "id": pa.array([1], pa.int64()),
            "at": pa.array([NOON], pa.timestamp("us", "UTC")),
            "local": pa.array([LOCAL], pa.timestamp("us")),
            "price": pa.array([None], pa.decimal128(12, 2)),
            "person": pa.array([{"name": "Ada", "tags": [{"k": 1}]}]),
            "by": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int32())),
        }
    )
    write_deltalake(str(tmp_path / "crm"), rows)
    write_deltalake(str(tmp_path / "crm"), rows, mode="append")
    table_id = DeltaTable(str(tmp_path / "crm")).metadata().id
    assert look(tmp_path / "crm", "delta") == TableInfo(
        struct_of(
            id="long",
            at="timestamp",
            local="timestamp_ntz",
            price="decimal(12,2)",
            person=struct_of(name="string", tags=Array(struct_of(k="long"))),
            by=Map("string", "integer"),
        ),
        1,
        table_id=table_id,
    )


def test_no_delta_table_there(tmp_path: Path) -> None:
    assert fault(tmp_path / "nope", "delta")[0] == "table-missing"


def test_a_folder_without_a_delta_log(tmp_path: Path) -> None:
    assert fault(tmp_path, "delta")[0] == "table-missing"


def test_parquet_files_that_are_called_delta(tmp_path: Path) -> None:
    write(tmp_path / "web" / "a.parquet", a=[1])
    code, detail = fault(tmp_path / "web", "delta")
    assert code == "table-missing"
    assert "format parquet" in detail


def test_a_delta_table_that_is_called_parquet(tmp_path: Path) -> None:
    """Its files also hold the rows that were deleted from it, or replaced."""
    write_deltalake(str(tmp_path / "crm"), pa.table({"a": [1, 2]}))
    DeltaTable(str(tmp_path / "crm")).delete("a = 2")
    code, detail = fault(tmp_path / "crm")
    assert code == "table-unreadable"
    assert "format delta" in detail


def test_a_folder_for_a_log_without_one_makes_no_delta_table(tmp_path: Path) -> None:
    write(tmp_path / "web" / "a.parquet", a=[1])
    (tmp_path / "web" / "_delta_log").mkdir()
    assert look(tmp_path / "web").columns == struct_of(a="long")


def test_s28_an_empty_commit_is_no_commit_that_changes_nothing(tmp_path: Path) -> None:
    """As a crash leaves it: delta-rs would read the table without what it added."""
    for n in range(3):
        write_deltalake(str(tmp_path / "crm"), pa.table({"a": [n]}), mode="append")
    log = tmp_path / "crm" / "_delta_log"
    (log / f"{1:020}.json").write_bytes(b"")
    code, detail = fault(tmp_path / "crm", "delta")
    assert code == "table-unreadable"
    assert f"{1:020}.json of its log is empty" in detail


def test_an_empty_commit_before_a_checkpoint_does_not_matter(tmp_path: Path) -> None:
    for n in range(3):
        write_deltalake(str(tmp_path / "crm"), pa.table({"a": [n]}), mode="append")
    DeltaTable(str(tmp_path / "crm")).create_checkpoint()
    (tmp_path / "crm" / "_delta_log" / f"{1:020}.json").write_bytes(b"")
    assert look(tmp_path / "crm", "delta").version == 2
    assert empty_commit(str(tmp_path / "crm"), 2) is None
    assert empty_commit(str(tmp_path / "crm"), 1) == f"{1:020}.json"


@pytest.mark.parametrize("left", ["part", "empty", "empty part", "both parts"])
def test_s28_a_checkpoint_that_is_not_whole_replaces_no_empty_commit(
    left: str, tmp_path: Path
) -> None:
    """Readers pass over it, as a crash leaves it, and read the commits."""
    crm, log = tmp_path / "crm", tmp_path / "crm" / "_delta_log"
    for n in range(3):
        write_deltalake(str(crm), pa.table({"a": [n]}), mode="append")
    DeltaTable(str(crm)).create_checkpoint()
    (log / "_last_checkpoint").unlink()
    whole = log / f"{2:020}.checkpoint.parquet"
    parts = [log / f"{2:020}.checkpoint.{n:010}.{2:010}.parquet" for n in (1, 2)]
    if left == "empty":
        whole.write_bytes(b"")
    else:
        whole.rename(parts[0])
    if left == "empty part":
        parts[1].write_bytes(b"")
    if left == "both parts":
        rows = pq.read_table(parts[0])
        for part, some in zip(parts, (rows.slice(0, 2), rows.slice(2)), strict=True):
            pq.write_table(some, part)
    (log / f"{1:020}.json").write_bytes(b"")
    if left == "both parts":
        assert empty_commit(str(crm), 2) is None
        assert DeltaTable(str(crm)).to_pyarrow_table().num_rows == 3
        return
    code, detail = fault(crm, "delta")
    assert code == "table-unreadable"
    assert f"{1:020}.json of its log is empty" in detail


def test_a_corrupt_delta_log(tmp_path: Path) -> None:
    log = tmp_path / "crm" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("garbage{")
    code, detail = fault(tmp_path / "crm", "delta")
    assert code == "table-unreadable"
    assert "\n" not in detail, "a library's stack is not for users"


def test_a_file_that_is_called_delta(tmp_path: Path) -> None:
    assert fault(write(tmp_path / "a.parquet", a=[1]), "delta")[0].startswith("table-")


@pytest.mark.parametrize("name", ["crm", "c r@m"])
def test_a_log_with_a_gap_is_told_without_a_place(tmp_path: Path, name: str) -> None:
    """delta-rs tells of it with whole addresses, in which a blank is percent-encoded."""
    table = tmp_path / name
    for number in range(3):
        write_deltalake(str(table), pa.table({"a": [number]}), mode="append")
    (table / "_delta_log" / f"{1:020}.json").unlink()
    told = "Between versions 0 and 2 of the log commits are missing"
    assert fault(table, "delta") == (
        "table-unreadable",
        f"The delta table 'here/{name}' cannot be read: {told}.",
    )
    with pytest.raises(JobFailed, match=f"log cannot be read: {told}. Restore it") as caught:
        delta_log.look(str(table))
    assert caught.value.code == "target-unreadable"


@pytest.mark.parametrize("name", ["out", "o u@t"])
def test_a_target_that_is_a_file_is_told_without_its_place(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(JobFailed) as caught:
        delta_log.look(str(tmp_path / name))
    assert caught.value.code == "target-unreadable"
    assert str(tmp_path) not in unquote(str(caught.value))


# --- Parquet types ---

TYPES: list[tuple[pa.DataType, DataType]] = [
    (pa.bool_(), "boolean"),
    (pa.int8(), "byte"),
    (pa.int16(), "short"),
    (pa.int32(), "integer"),
    (pa.int64(), "long"),
    (pa.uint8(), "short"),
    (pa.uint16(), "integer"),
    (pa.uint32(), "long"),
    (pa.uint64(), "decimal(20,0)"),
    (pa.float32(), "float"),
    (pa.float64(), "double"),
    (pa.string(), "string"),
    (pa.large_string(), "string"),
    (pa.binary(), "binary"),
    (pa.large_binary(), "binary"),
    (pa.binary(16), "binary"),
    (pa.date32(), "date"),
    (pa.date64(), "date"),
    (pa.decimal128(38, 5), "decimal(38,5)"),
    (pa.timestamp("s", "UTC"), "timestamp"),
    (pa.timestamp("ms", "UTC"), "timestamp"),
    (pa.timestamp("us", "Europe/Paris"), "timestamp"),
    (pa.timestamp("s"), "timestamp_ntz"),
    (pa.timestamp("ms"), "timestamp_ntz"),
    (pa.timestamp("us"), "timestamp_ntz"),
    (pa.duration("us"), "long"),
    (pa.list_(pa.int64()), Array("long")),
    (pa.large_list(pa.string()), Array("string")),
    (pa.list_(pa.int8(), 2), Array("byte")),
    (pa.list_view(pa.int8()), Array("byte")),
    (pa.dictionary(pa.int32(), pa.string()), "string"),
    (pa.list_(pa.struct({"a": pa.int8()})), Array(struct_of(a="byte"))),
    (pa.map_(pa.string(), pa.list_(pa.float32())), Map("string", Array("float"))),
    (pa.struct({"a": pa.struct({"b": pa.date32()})}), struct_of(a=struct_of(b="date"))),
]


@pytest.mark.parametrize(("type_", "expected"), TYPES, ids=[str(t) for t, _ in TYPES])
def test_parquet_types_are_as_spark_reads_them(
    tmp_path: Path, type_: pa.DataType, expected: DataType
) -> None:
    file = write(tmp_path / "a.parquet", a=pa.array([], type_))
    assert look(file) == TableInfo(struct_of(a=expected), None)


def test_int96_is_an_instant(tmp_path: Path) -> None:
    times = pa.table({"a": pa.array([LOCAL], pa.timestamp("us")), "b": pa.array([[LOCAL]])})
    pq.write_table(times, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    columns = look(tmp_path / "a.parquet").columns
    assert columns == struct_of(a="timestamp", b=Array("timestamp"))


@pytest.mark.parametrize(
    "type_",
    [
        pa.timestamp("ns"),
        pa.timestamp("ns", "UTC"),
        pa.time64("us"),
        pa.float16(),
    ],
    ids=str,
)
def test_types_that_are_refused(tmp_path: Path, type_: pa.DataType) -> None:
    file = write(tmp_path / "a.parquet", a=pa.array([], pa.struct({"b": type_})))
    code, detail = fault(file)
    assert code == "table-unreadable"
    assert "'a.b'" in detail


@pytest.mark.parametrize("column", ["a", "s.a"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, column: str) -> None:
    """Engines read the first, and the other would be lost in silence."""
    arrays, names = [pa.array([1]), pa.array([2])], ["a", "a"]
    rows = pa.Table.from_arrays(arrays, names)
    if column == "s.a":
        rows = pa.table({"s": pa.StructArray.from_arrays(arrays, names)})
    pq.write_table(rows, tmp_path / "a.parquet")
    code, detail = fault(tmp_path / "a.parquet")
    assert code == "table-unreadable"
    assert f"two columns '{column}'" in detail


# --- Parquet folders ---


def test_a_folder_unites_its_files(tmp_path: Path) -> None:
    write(tmp_path / "web" / "a.parquet", id=[1], s=[{"x": 1}])
    write(tmp_path / "web" / "b.parquet", id=[1], s=[{"y": "a"}], n=["a"])
    write(tmp_path / "web" / "c.parquet", id=[2], s=[{"x": 1}])
    expected = struct_of(id="long", s=struct_of(x="long", y="string"), n="string")
    together = ("a.parquet", "c.parquet"), ("b.parquet",)
    assert look(tmp_path / "web") == TableInfo(expected, None, together)


def test_files_of_one_partition_are_one_layout(tmp_path: Path) -> None:
    for name in ("day=1/a", "day=1/b", "day=2/a"):
        write(tmp_path / "web" / f"{name}.parquet", a=[1])
    together = ("day=1/a.parquet", "day=1/b.parquet"), ("day=2/a.parquet",)
    assert look(tmp_path / "web").files == together
    assert look(tmp_path / "web" / "day=1" / "a.parquet").files is None


def test_a_column_of_nulls_has_no_type(tmp_path: Path) -> None:
    write(tmp_path / "web" / "a.parquet", a=pa.nulls(1), b=[1], c=[{"d": [None]}])
    assert look(tmp_path / "web").columns == struct_of(
        a="void", b="long", c=struct_of(d=Array("void"))
    )


TWO = pa.struct({"x": pa.int64(), "y": pa.string()})


@pytest.mark.parametrize(
    ("path", "left", "right"),
    [
        pytest.param("a", pa.int64(), pa.string(), id="number and text"),
        pytest.param("a", pa.int32(), pa.int64(), id="numbers of two sizes"),
        pytest.param("a", pa.null(), pa.string(), id="no type"),
        pytest.param("a", pa.timestamp("us"), pa.timestamp("us", "UTC"), id="instant and local"),
        pytest.param("a.y", TWO, pa.struct({"y": pa.int8()}), id="in a struct"),
        pytest.param("a.y", pa.list_(TWO), pa.list_(pa.struct({"y": pa.int8()})), id="in a list"),
        pytest.param("a", TWO, pa.string(), id="struct and leaf"),
        pytest.param(
            "a", pa.map_(pa.string(), pa.int8()), pa.map_(pa.int8(), pa.int8()), id="map keys"
        ),
    ],
)
def test_files_that_disagree(
    tmp_path: Path, path: str, left: pa.DataType, right: pa.DataType
) -> None:
    write(tmp_path / "web" / "0.parquet", b=[1])
    write(tmp_path / "web" / "1" / "a.parquet", a=pa.nulls(1, left))
    write(tmp_path / "web" / "2.parquet", a=pa.nulls(1, right), c=[1])
    code, detail = fault(tmp_path / "web")
    assert code == "table-unreadable"
    assert f"column {path!r} is of type " in detail
    assert "in file '1/a.parquet' and of type" in detail
    assert "in file '2.parquet'" in detail


def test_folders_of_other_keys(tmp_path: Path) -> None:
    write(tmp_path / "web" / "a=1" / "a.parquet", x=[1])
    write(tmp_path / "web" / "b=1" / "a.parquet", x=[1])
    code, detail = fault(tmp_path / "web")
    assert code == "table-unreadable"
    assert "'a=1/a.parquet' and 'b=1/a.parquet'" in detail


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["1", "-2"], "integer"),
        (["1", "3000000000"], "long"),
        (["2026-01-01", "2026-02-01"], "date"),
        (["2026-01-01", "2026-02-30"], "string"),
        (["9999-99-99"], "string"),
        (["1", "x"], "string"),
        (["a%20b"], "string"),
        (["1", "__HIVE_DEFAULT_PARTITION__"], "integer"),
        (["__HIVE_DEFAULT_PARTITION__"], "string"),
    ],
)
def test_folders_named_key_value_are_columns(tmp_path: Path, values: list[str], type_: str) -> None:
    for value in values:
        write(tmp_path / "web" / f"day={value}" / "_x=1" / "a.parquet", a=[1], day=["in the file"])
    assert look(tmp_path / "web").columns == Struct(
        (*struct_of(a="long", day=type_).fields, *struct_of(_x="integer").fields)
    )


def test_hidden_files_are_not_data(tmp_path: Path) -> None:
    write(tmp_path / "web" / "a.parquet", a=[1])
    write(tmp_path / "web" / "_temporary" / "b.parquet", b=[1])
    write(tmp_path / "web" / ".c.parquet", c=[1])
    (tmp_path / "web" / "_SUCCESS").touch()
    (tmp_path / "web" / "_metadata").write_text("x")
    assert look(tmp_path / "web").columns == struct_of(a="long")


def test_a_folder_of_very_many_files_is_looked_at_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_schema, "MOST_FILES", 3)
    for i in range(3):
        write(tmp_path / "web" / f"{i}.parquet", a=[1])
    assert look(tmp_path / "web").files == (("0.parquet", "1.parquet", "2.parquet"),)
    (tmp_path / "web" / "3.parquet").write_text("not read")
    assert look(tmp_path / "web") == TableInfo(struct_of(a="long"), None, None)


def test_every_footer_is_looked_at(tmp_path: Path) -> None:
    for i in range(150):
        write(tmp_path / "web" / f"{i:03}.parquet", a=[1])
    write(tmp_path / "web" / "last.parquet", a=["x"])
    assert "'last.parquet'" in fault(tmp_path / "web")[1]


def test_no_parquet_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert fault(tmp_path / "nope")[0] == "table-missing"
    assert fault(tmp_path / "empty")[0] == "table-missing"


@pytest.mark.parametrize("content", [b"PAR1 no PAR1", b""], ids=["corrupt", "empty"])
def test_a_file_without_a_footer_is_named(content: bytes, tmp_path: Path) -> None:
    write(tmp_path / "web" / "a.parquet", a=[1])
    (tmp_path / "web" / "b.parquet").write_bytes(content)
    code, detail = fault(tmp_path / "web")
    assert code == "table-unreadable"
    assert "'b.parquet'" in detail


def test_a_table_known_by_name_needs_an_engine() -> None:
    with pytest.raises(Refused, match="--engine spark") as caught:
        inspect_table(TableRef(format="delta", name="main.crm.people"))
    assert caught.value.problems[0].code == "table-unreadable"


def test_a_store_that_does_not_answer_is_a_problem() -> None:
    for format_ in ("delta", "parquet"):
        ref = {"format": format_, "location": "nosuch://bucket/x", "written": "nosuch://bucket/x"}
        with pytest.raises(Refused) as caught:
            inspect_table(TableRef.model_validate(ref))
        assert caught.value.problems[0].code.startswith("table-")
