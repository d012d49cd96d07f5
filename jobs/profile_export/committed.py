"""What a commit holds, from its files themselves."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from profile_export.commit import table_columns
from profile_export.engines import BatchRows, Engine, Written, WrittenFile
from profile_export.engines.batch_folders import batch_of
from profile_export.engines.reading import ParquetFiles
from profile_export.errors import EXPIRED, JobFailed
from profile_export.outputs import BATCH_COLUMN, written_columns
from profile_export.own_commit import OwnCommit
from profile_export.plan import ExportPlan
from profile_export.storage import Folder, Stored

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def describe(engine: Engine, commit: OwnCommit, *, plan: ExportPlan, location: str) -> Written:
    """What was committed, from the files themselves: rows, bytes, SHA-256, row-set hashes.

    One streaming read of every file for its digest, and one pass of the engine for the hashes.

    Raises:
        JobFailed: ``commit-expired`` where files are gone: nobody can tell any more.
    """
    folder = Folder(location)

    def one(file: Stored) -> WrittenFile:
        rows, digest = folder.parquet_rows(file.path), folder.sha256(file.path)
        return WrittenFile(batch_of(file.path), file.path, file.bytes, rows, digest)

    try:
        with ThreadPoolExecutor(4) as pool:
            files = tuple(pool.map(one, commit.files))
    except FileNotFoundError as error:
        raise JobFailed(
            "This job has committed, and files of it were deleted since (by VACUUM, say), so that"
            " its papers cannot be made. What is left of its rows is in the dataset, by their"
            " batch ids.",
            code=EXPIRED,
        ) from error
    batches = tuple(_batch_rows(engine, plan, files, folder))
    return Written(commit.version, files, batches)


def _batch_rows(
    engine: Engine, plan: ExportPlan, files: tuple[WrittenFile, ...], folder: Folder
) -> Iterator[BatchRows]:
    from profile_export.rowset import EMPTY, by_engine

    found = {}
    if files:
        rows = _rows_of(engine, plan, files, folder)
        counted = by_engine.by_batch(rows, columns=written_columns(plan)).collect()
        found = {row[BATCH_COLUMN]: row for row in counted}
    for batch in plan.batches:
        row = found.get(batch.batch_id)
        if row is None:
            yield BatchRows(batch.batch_id, 0, 0, 0, EMPTY)
        else:
            digest = by_engine.hex_digest(row["hash_sum"], row["hash_xor"])
            counts = int(row["records"]), int(row["events"]), int(row["most_events"])
            yield BatchRows(batch.batch_id, *counts, digest)


def _rows_of(
    engine: Engine, plan: ExportPlan, files: tuple[WrittenFile, ...], folder: Folder
) -> "DataFrame":
    """The committed rows, read with the job's own columns: not with those of a table that grew."""
    by_batch: dict[str, list[str]] = {}
    for file in files:
        by_batch.setdefault(file.batch_id, []).append(file.path)
    committed = ParquetFiles(folder.location, list(by_batch.values()))
    return engine.read_parquet(committed, table_columns(plan))
