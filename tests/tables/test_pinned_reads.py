"""S28: a job reads its tables as they were; on Spark by two ways that must say the same."""

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from profile_export.engines import Engine, workspace
from profile_export.engines.pinned_files import plain_files
from profile_export.engines.workspace import JobWorkspace
from profile_export.plan import Input
from profile_export.schema import struct_of
from profile_export.storage import Folder
from tables.plans import crm, people


@pytest.fixture(params=["as Parquet files", "by Delta's reader"])
def work(
    request: pytest.FixtureRequest,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> JobWorkspace:
    if request.param == "by Delta's reader":
        monkeypatch.setattr(workspace, "plain_files", lambda *_: None)
    elif engine.name == "sail":
        pytest.skip("sail has one way")
    return JobWorkspace(engine, Folder(str(tmp_path / "scratch")))


def ids(work: JobWorkspace, source: Input) -> list[str]:
    return sorted(row["id"] for row in work.read(source).select("id").collect())


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
    source = crm(tmp_path, rows=1)
    more = people(range(1, 2)).append_column("tier", pa.array(["gold"]))
    write_deltalake(str(tmp_path / "crm"), more, mode="append", schema_mode="merge")
    columns = struct_of(
        id="string", email="string", age="long", ingested="timestamp", tier="string"
    )
    source = source.model_copy(update={"version": 1, "columns": columns})
    rows = work.read(source).select("id", "tier", "ingested").collect()
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
    (file,) = plain_files(str(tmp_path / "crm"), 0) or []
    Path(file).write_bytes(b"")
    with pytest.raises(Exception, match=r"(?i)parquet|range"):
        ids(work, source)


def test_which_tables_are_plain(tmp_path: Path) -> None:
    crm(tmp_path)
    path = str(tmp_path / "crm")
    (file,) = plain_files(path, 0) or []
    assert Path(file).is_file()
    assert plain_files(path, 7) is None
    assert plain_files(str(tmp_path / "nowhere"), 0) is None
    write_deltalake(str(tmp_path / "p"), people(range(3)), partition_by=["email"])
    assert plain_files(str(tmp_path / "p"), 0) is None


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
