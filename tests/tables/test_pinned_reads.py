"""S28: a job reads its tables as they were, by two ways that must say the same."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from profile_export.engines import Engine, sail_bounds, workspace
from profile_export.engines.pinned_files import pinned_table, plain_files
from profile_export.engines.reading import ParquetFiles
from profile_export.engines.workspace import JobWorkspace
from profile_export.plan import Input
from profile_export.schema import Array, Struct, struct_of
from profile_export.storage import Folder
from tables.plans import crm, people

DAY = date(2024, 2, 29)
BY_FILES = "as Parquet files"


@pytest.fixture(params=[BY_FILES, "by Delta's reader"])
def work(
    request: pytest.FixtureRequest,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> JobWorkspace:
    if request.param != BY_FILES:
        monkeypatch.setattr(workspace, "all_there", lambda _: False)
    elif engine.name == "sail":  # which does so only where it has to
        monkeypatch.setattr(sail_bounds, "mislead", lambda *_: True)
    return JobWorkspace(engine, Folder(str(tmp_path / "scratch")))


def ids(work: JobWorkspace, source: Input) -> list[str]:
    return sorted(row["id"] for row in work.read(source).select("id").collect())


def plain(source: Input, *, partitioned: bool) -> ParquetFiles | None:
    table = pinned_table(source)
    return None if table is None else plain_files(source, table, partitioned=partitioned)


def with_columns(source: Input, columns: Struct) -> Input:
    return source.model_copy(update={"columns": columns})


def test_each_version_has_its_rows(work: JobWorkspace, tmp_path: Path) -> None:
    crm(tmp_path, rows=3)
    path = str(tmp_path / "crm")
    write_deltalake(path, people(range(3, 5)), mode="append")
    DeltaTable(path).delete("id = 'c0'")
    DeltaTable(path).optimize.compact()
    write_deltalake(path, people(range(9, 10)), mode="overwrite")
    expected = [
        ["c0", "c1", "c2"],
        ["c0", "c1", "c2", "c3", "c4"],
        ["c1", "c2", "c3", "c4"],
        ["c1", "c2", "c3", "c4"],
        ["c9"],
    ]
    assert [ids(work, crm(tmp_path, version=v)) for v in range(5)] == expected


def test_columns_that_came_later_are_null_before(work: JobWorkspace, tmp_path: Path) -> None:
    crm(tmp_path, rows=1)
    more = people(range(1, 2)).append_column("tier", pa.array(["gold"]))
    write_deltalake(str(tmp_path / "crm"), more, mode="append", schema_mode="merge")
    columns = struct_of(
        id="string", email="string", age="long", ingested="timestamp", tier="string"
    )
    rows = (
        work.read(with_columns(crm(tmp_path, version=1), columns))
        .select("id", "tier", "ingested")
        .collect()
    )
    assert sorted((row["id"], row["tier"]) for row in rows) == [("c0", None), ("c1", "gold")]


def test_partitioned_and_empty_tables(work: JobWorkspace, tmp_path: Path) -> None:
    write_deltalake(
        str(tmp_path / "crm"), people(range(3)), partition_by=["email"], mode="overwrite"
    )
    DeltaTable(str(tmp_path / "crm")).delete()
    assert ids(work, crm(tmp_path, version=0)) == ["c0", "c1", "c2"]
    emails = work.read(crm(tmp_path, version=0)).select("email").collect()
    assert sorted(row["email"] for row in emails) == [f"p{n}@x.org" for n in range(3)]
    assert ids(work, crm(tmp_path, version=1)) == []


def test_a_file_that_has_become_empty_is_no_file_without_rows(
    work: JobWorkspace, tmp_path: Path
) -> None:
    """As a crash or a full disk leaves it: Spark reads it as no rows, were it named by itself."""
    source = crm(tmp_path)
    (file,) = (tmp_path / "crm").glob("*.parquet")
    file.write_bytes(b"")
    with pytest.raises(Exception, match=r"(?i)parquet|range"):
        ids(work, source)


def test_a_file_that_is_gone_is_no_file_without_rows(work: JobWorkspace, tmp_path: Path) -> None:
    """As a vacuum leaves it, also where the table was read before: Sail would read it so."""
    source = crm(tmp_path, rows=3)
    assert ids(work, source) == ["c0", "c1", "c2"]
    (file,) = (tmp_path / "crm").glob("*.parquet")
    file.unlink()
    with pytest.raises(Exception, match=r"(?i)not found|does not exist|not_exist"):
        ids(work, source)


def test_a_file_that_cannot_be_read(work: JobWorkspace, tmp_path: Path) -> None:
    source = crm(tmp_path)
    (file,) = (tmp_path / "crm").glob("*.parquet")
    file.write_bytes(b"PAR1" * 100)
    with pytest.raises(Exception, match=r"(?i)parquet|footer"):
        ids(work, source)


def part_of(column: pa.Array) -> pa.Table:
    return people(range(len(column))).append_column("part", column)


PLAIN = {
    "by text": (pa.array(["a b", "ü/%", None]), "string"),
    "by whole number": (pa.array([1, -2, None], pa.int32()), "integer"),
    "by date": (pa.array([DAY, None], pa.date32()), "date"),
    "by decimal": (pa.array([Decimal("1.50"), None]), "decimal(3,2)"),
}
OTHERS = {
    "by time": pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
    "by truth": pa.array([True, False]),
    "by an empty text": pa.array(["", "a"]),
}


@pytest.mark.parametrize("by", PLAIN)
def test_partitions_have_their_values(work: JobWorkspace, tmp_path: Path, by: str) -> None:
    values, type_ = PLAIN[by]
    write_deltalake(str(tmp_path / "crm"), part_of(values), partition_by=["part"])
    source = with_columns(crm(tmp_path), struct_of(id="string", part=type_))
    assert plain(source, partitioned=True) is not None
    found = {row["id"]: row["part"] for row in work.read(source).collect()}
    assert found == {f"c{n}": value for n, value in enumerate(values.to_pylist())}


def test_which_tables_are_plain(tmp_path: Path) -> None:
    source = crm(tmp_path)
    files = plain(source, partitioned=False)
    assert files is not None
    ((name,),) = files.groups
    assert (tmp_path / "crm" / name).is_file()
    assert plain(crm(tmp_path, version=7), partitioned=True) is None
    for by, values in {**OTHERS, **{by: values for by, (values, _) in PLAIN.items()}}.items():
        table = tmp_path / by
        write_deltalake(str(table / "crm"), part_of(values), partition_by=["part"])
        assert plain(crm(table, version=0), partitioned=False) is None
        assert (plain(crm(table, version=0), partitioned=True) is None) == (by in OTHERS)


@pytest.mark.parametrize(
    "protocol",
    [
        pytest.param({"minReaderVersion": 2, "minWriterVersion": 5}, id="column mapping"),
        pytest.param(
            {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors", "timestampNtz"],
                "writerFeatures": ["deletionVectors", "timestampNtz"],
            },
            id="deletion vectors",
        ),
    ],
)
def test_s28_what_a_reader_has_to_know_makes_no_plain_table(
    protocol: dict[str, object], tmp_path: Path
) -> None:
    """Read by its files, rows that were deleted would come back."""
    before, now = crm(tmp_path), crm(tmp_path, version=1)
    log = tmp_path / "crm" / "_delta_log" / f"{1:020}.json"
    log.write_text(json.dumps({"protocol": protocol}), encoding="utf-8")
    assert plain(before, partitioned=True) is not None
    assert plain(now, partitioned=True) is None


def test_columns_that_need_a_newer_reader(work: JobWorkspace, tmp_path: Path) -> None:
    """Times without zone, as Pandas has them, are a feature of the table that changes no file."""
    noon = pa.array([1_704_110_400_000_000] * 3, pa.timestamp("us"))
    table = people(range(3)).append_column("noon", noon)
    write_deltalake(str(tmp_path / "crm"), table)
    source = with_columns(crm(tmp_path), struct_of(id="string", noon="timestamp_ntz"))
    assert plain(source, partitioned=False) is not None
    times = {str(row["noon"]) for row in work.read(source).collect()}
    assert times == {"2024-01-01 12:00:00"}


def test_lists_of_a_fixed_length(engine: Engine, tmp_path: Path) -> None:
    """As delta-rs writes vectors of NumPy, beside others; Sail's reader of Delta has no cast."""
    work = JobWorkspace(engine, Folder(str(tmp_path / "scratch")))
    for n, type_ in enumerate([pa.list_(pa.float32(), 2), pa.list_(pa.float32())]):
        vector = pa.array([[n, 0.5]], type_)
        table = people(range(n, n + 1)).append_column("vector", vector)
        write_deltalake(str(tmp_path / "crm"), table, mode="append")
    columns = struct_of(id="string", vector=Array("float"))
    rows = work.read(with_columns(crm(tmp_path, version=1), columns)).collect()
    assert sorted((row["id"], list(row["vector"])) for row in rows) == [
        ("c0", [0.0, 0.5]),
        ("c1", [1.0, 0.5]),
    ]


def test_a_driver_side_table(engine: Engine, tmp_path: Path) -> None:
    work = JobWorkspace(engine, Folder(str(tmp_path / "scratch")))
    columns = {"key": ["a", "b"], "n": pa.array([1, None], pa.int64())}
    frame = work.local_frame(columns, "key string, n bigint")
    assert sorted((row["key"], row["n"]) for row in frame.collect()) == [("a", 1), ("b", None)]
    work.close()
    assert not (tmp_path / "scratch").exists()


def test_rows_are_numbered_once_and_for_all(engine: Engine, tmp_path: Path) -> None:
    """docs/decisions/0026: of rows in many parts each has its own number, whoever reads it."""
    work = JobWorkspace(engine, Folder(str(tmp_path / "scratch")))
    rows = engine.spark.range(2000).repartition(7, "id")
    frame = work.numbered(rows, "person", "members")
    assert [(f.name, f.dataType.simpleString()) for f in frame.schema] == [
        ("id", "bigint"),
        ("person", "bigint"),
    ]
    first = {row["id"]: row["person"] for row in frame.collect()}
    assert len(first) == len(set(first.values())) == 2000
    other = frame.orderBy("id").where("id < 100").collect()
    assert all(first[row["id"]] == row["person"] for row in other)
