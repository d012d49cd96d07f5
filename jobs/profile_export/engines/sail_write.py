"""The write on the embedded engine: files by the engine, then one commit (``sail_commit.py``)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from profile_export.engines import Writing
from profile_export.engines.batch_folders import batch_files, batch_of
from profile_export.engines.sail_commit import commit_files, removed
from profile_export.errors import JobFailed
from profile_export.faults import fault, fault_when
from profile_export.outputs import BATCH_COLUMN
from profile_export.own_commit import OwnCommit
from profile_export.schema import atoms
from profile_export.storage import Folder, Stored

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DICTIONARY = 64 * 2**10
"""Bytes, as conf/spark-defaults.conf says for Spark."""


def write_and_commit(
    frame: "DataFrame", writing: Writing, *, check: Callable[[], None]
) -> OwnCommit:
    """As ``Engine.write_and_commit`` says; ``check`` is called between the files and the commit.

    Raises:
        JobFailed: ``target-schema``, ``target-busy``, ``target-unwritable``; ``rows-lost`` where
            the files have not as many rows as there are persons.
    """
    folder, ids = Folder(writing.location), list(writing.batch_ids)
    fault_when("while-writing", lambda: bool(batch_files(folder, ids)))
    files = write_files(frame, folder, writing)
    if any(writing.persons or ()) and not folder.exists():
        raise removed(writing)
    rows = {file: folder.parquet_rows(file.path) for file in files}
    if writing.persons is not None:
        _see_that_all_are_there(rows, dict(zip(ids, writing.persons, strict=True)))
    fault("before-commit")
    filled = {file: number for file, number in rows.items() if number}
    return commit_files(filled, writing, check=check)


def write_files(frame: "DataFrame", folder: Folder, writing: Writing) -> list[Stored]:
    """Let the engine write ``frame`` into the batches' folders; gives the files that it made.

    Files that lay there before (of a killed attempt) are not among them.
    """
    before = {file.path for file in batch_files(folder, writing.batch_ids)}
    writer = frame.write.mode("append").option("compression", "zstd").partitionBy(BATCH_COLUMN)
    writer.option("dictionary_page_size_limit", _DICTIONARY)
    if any(atom in ("float", "double") for _, atom in atoms(writing.columns)):
        # Least and greatest leave NaN out, so that readers skip files for it that have it; and they
        # can be left out of all columns only.
        writer.option("statistics_enabled", "none")
    writer.parquet(folder.location)
    return [file for file in batch_files(folder, writing.batch_ids) if file.path not in before]


def _see_that_all_are_there(rows: Mapping[Stored, int], persons: Mapping[str, int]) -> None:
    """A row for each person of a batch; what an engine has put elsewhere, say, is lost."""
    found = dict.fromkeys(persons, 0)
    for file, number in rows.items():
        found[batch_of(file.path)] += number
    for batch_id, expected in persons.items():
        if found[batch_id] != expected:
            raise JobFailed(
                f"Batch {batch_id} has {expected:,} persons, but {found[batch_id]:,} rows were"
                " written of it. Nothing was committed. This is a fault of this program or of its"
                " engine: please report it, and try --engine spark meanwhile.",
                code="rows-lost",
            )
