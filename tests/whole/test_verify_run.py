"""verify on what the engines write, and after what happens to tables."""

import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable

from profile_export.engines import Engine
from profile_export.manifest import MANIFEST
from profile_export.papers import Papers
from profile_export.verify import verify
from small_sandbox import build, by_segment, export, request


@pytest.fixture(scope="module")
def made(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The papers of two exports into one dataset; tests must leave them as they are."""
    file = build(tmp_path_factory.mktemp("sandbox"))
    return export(file, engine, request()), export(file, engine, by_segment())


def copied(papers: Path, folder: Path) -> Path:
    """The papers in a copy of their dataset, to do harm to."""
    shutil.copytree(papers.parents[1], folder / "copy")
    return folder / "copy" / "_profile_export" / papers.name


def codes(papers: Path, *, deep: bool = False) -> list[str]:
    return sorted({finding.code for finding in verify(str(papers), deep=deep).findings})


def test_what_an_engine_wrote_is_verified(made: tuple[Path, Path]) -> None:
    for papers in made:
        assert verify(str(papers), deep=True).findings == ()


def test_the_second_export_has_rows_events_and_an_empty_batch(made: tuple[Path, Path]) -> None:
    manifest = Papers(str(made[1]), usual=MANIFEST).manifest()
    assert [(b.record_count, b.event_count) for b in manifest.batches] == [(2, 3), (0, 0)]
    assert manifest.batches[1].row_set_hash == "0" * 32


def test_no_engine_leaves_a_stray(made: tuple[Path, Path]) -> None:
    """Not even a checksum or a marker, so that every file that is not in the manifest is one."""
    dataset = made[0].parents[1]
    named = {
        file.path
        for papers in made
        for batch in Papers(str(papers), usual=MANIFEST).manifest().batches
        for file in batch.files
    }
    lying = {str(f.relative_to(dataset)) for f in dataset.glob("_ACP_BATCHID=*/**/*")}
    assert lying == named


def test_harm_is_found(made: tuple[Path, Path], tmp_path: Path) -> None:
    papers = copied(made[0], tmp_path)
    file = _files(papers)[0]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    file.write_bytes(data)
    assert "file-content" in codes(papers)
    file.unlink()
    assert codes(papers) == ["file-missing"]
    assert codes(papers.with_name(made[1].name)) == []


def _files(papers: Path) -> list[Path]:
    manifest = Papers(str(papers), usual=MANIFEST).manifest()
    return [papers.parents[1] / file.path for batch in manifest.batches for file in batch.files]


def test_a_batch_that_was_deleted_from_the_table(made: tuple[Path, Path], tmp_path: Path) -> None:
    papers = copied(made[0], tmp_path)
    (batch,) = Papers(str(papers), usual=MANIFEST).manifest().batches
    DeltaTable(str(papers.parents[1])).delete(f"_ACP_BATCHID = '{batch.batch_id}'")
    assert codes(papers) == ["file-not-live"]
    assert codes(papers.with_name(made[1].name)) == []


@pytest.mark.spark_only  # only Spark writes deletion vectors
def test_rows_that_were_hidden_by_a_deletion_vector(
    made: tuple[Path, Path], tmp_path: Path, engine: Engine
) -> None:
    papers = copied(made[0], tmp_path)
    table = f"delta.`{papers.parents[1]}`"
    engine.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.enableDeletionVectors'=true)")
    engine.spark.sql(f"DELETE FROM {table} WHERE id = 'c1'")
    assert codes(papers, deep=True) == ["rows-deleted"]
