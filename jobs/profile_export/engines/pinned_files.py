"""The files of an input as the plan pins it: of a plain Delta table, of a Parquet folder (S28)."""

import os
import re
from collections.abc import Sequence
from itertools import chain
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from profile_export.engines.reading import ParquetFiles
from profile_export.plan import Input
from profile_export.storage import Folder
from profile_export.tables.parquet_files import partition_values

MOST_FILES = 1000
"""Beyond it Delta's own reader is no slower, and plans do not carry the list."""

PATTERN = re.compile(r"[][{}*?\\]")
"""What engines take for patterns in paths."""

_PLAIN_NAME = re.compile(r"(?:[\w.%-]+=[\w.%+:-]*/|[\w.-]+/)*[\w.=-]+")
_PLAIN_FEATURES = {"timestampNtz"}


def named_files(source: Input) -> ParquetFiles | None:
    """The files of a Parquet folder that the plan names, or its one file; else, and where engines
    would take a path for a pattern, None: the folder is read as it lies."""
    location, groups = source.table.location or "", source.files
    if groups is None and not Folder(location).has_folder():
        location, _, name = location.rpartition("/")
        groups = ((name,),)
    if groups is None or PATTERN.search("".join((location, *chain.from_iterable(groups)))):
        return None
    return ParquetFiles(location, groups)


def pinned_table(source: Input) -> DeltaTable | None:
    """A Delta table at its pinned version; None where its log cannot be read: the error of the
    engine's reader tells why."""
    try:
        return DeltaTable(source.table.location or "", version=source.version)
    except Exception:
        return None


def plain_files(source: Input, table: DeltaTable, *, partitioned: bool) -> ParquetFiles | None:
    """The data files of a Delta table's version, if reading them as Parquet gives exactly its rows.

    That holds for tables on this machine, without features that a reader has to know (deletion
    vectors, renamed columns, widened types), with at least one file, and files of plain names whose
    ``key=value`` folders, where the table may be ``partitioned``, say what the log says.

    Returns:
        One group; None where Delta's reader is to be used, also where the log cannot be read.
    """
    location = (source.table.location or "").rstrip("/")
    if "://" in location or source.version is None:
        return None
    try:
        keys = table.metadata().partition_columns
        if not _is_plain(table) or (keys and not partitioned):
            return None
        said = _partitions_in_log(table, keys)
    except Exception:
        return None
    plain = all(
        _PLAIN_NAME.fullmatch(name) and partition_values(name) == values
        for name, values in said.items()
    )
    found = ParquetFiles(location, (tuple(sorted(said)),))
    return found if plain and 0 < len(said) <= MOST_FILES else None


def _partitions_in_log(table: DeltaTable, keys: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """By file, what a log says of its partition, as text."""
    added = pa.table(table.get_add_actions(flatten=True))
    rows = added.select(["path", *(f"partition.{key}" for key in keys)]).to_pylist()
    return {
        unquote(row["path"]): {key: _as_text(row[f"partition.{key}"]) for key in keys}
        for row in rows
    }


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


def _is_plain(table: DeltaTable) -> bool:
    protocol = table.protocol()
    features = set(protocol.reader_features or ())
    return protocol.min_reader_version == 1 or (
        protocol.min_reader_version == 3 and features <= _PLAIN_FEATURES
    )


def all_there(files: ParquetFiles) -> bool:
    """Whether all files on this machine are there: engines read as no rows one that a crash has
    left without a byte, and Sail one that is gone."""
    paths = (f"{files.location}/{name}" for group in files.groups for name in group)
    try:
        return all(os.path.getsize(path) for path in paths)
    except OSError:
        return False


def lost_files(source: Input, location: str) -> list[str]:
    """Names of a Parquet folder's pinned files that are not there any more, or are empty: engines
    read those as no rows."""
    if not source.files:
        return []
    lying = {file.path for file in Folder(location).files() if file.bytes}
    return [name for group in source.files for name in group if name not in lying]
