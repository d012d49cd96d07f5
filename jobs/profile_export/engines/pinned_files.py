"""The files of an input as the plan pins it: of a plain Delta table, of a Parquet folder (S28)."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from profile_export.engines.reading import ParquetFiles
from profile_export.plan import Input
from profile_export.schema import Field, Struct, ddl, quoted, table_ddl
from profile_export.storage import Folder
from profile_export.tables.parquet_files import partition_values

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

MOST_FILES = 1000
"""Beyond it Delta's own reader is no slower, and plans do not carry the list."""

_PATTERN = re.compile(r"[][{}*?\\]")
"""What engines take for patterns in paths."""

_MISREAD = re.compile("%[89a-fA-F]|=(?:/|$)")
"""How a byte of a letter beyond ASCII begins in an encoded path; a key without a value."""

_PLAIN_NAME = re.compile(r"(?:[\w.%-]+=[\w.%+:-]*/|[\w.-]+/)*[\w.=-]+")
_PLAIN_FEATURES = {"timestampNtz"}


def named_files(source: Input) -> ParquetFiles | None:
    """The files of a Parquet folder that the plan names, or its one file; else, and where engines
    would take a path for a pattern, None: the folder is read as it lies."""
    location, groups = source.table.location or "", source.files
    if groups is None and not Folder(location).has_folder():
        location, _, name = location.rpartition("/")
        groups = ((name,),)
    if groups is None or _PATTERN.search("".join((location, *chain.from_iterable(groups)))):
        return None
    return ParquetFiles(location, groups)


def plain_files(source: Input, *, partitioned: bool) -> ParquetFiles | None:
    """The data files of a Delta table's version, if reading them as Parquet gives exactly its rows.

    That holds for tables on this machine, without features that a reader has to know (deletion
    vectors, renamed columns, widened types), with at least one file, and files of plain names whose
    ``key=value`` folders, where the table may be ``partitioned``, say what the log says.

    Returns:
        One group; None where Delta's reader is to be used, also where the log cannot be read: the
        reader's error then tells why.
    """
    location = (source.table.location or "").rstrip("/")
    if "://" in location or source.version is None:
        return None
    try:
        table = DeltaTable(location, version=source.version)
        keys = table.metadata().partition_columns
        if not _is_plain(table) or (keys and not partitioned):
            return None
        added = pa.table(table.get_add_actions(flatten=True))
        values = [added[f"partition.{key}"].to_pylist() for key in keys]
    except Exception:
        return None
    names = [unquote(path) for path in added["path"].to_pylist()]
    in_log = [dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True)]
    plain = all(
        _PLAIN_NAME.fullmatch(name)
        and partition_values(name) == {k: None if v is None else str(v) for k, v in said.items()}
        for name, said in zip(names, in_log or [{}] * len(names), strict=True)
    )
    found = ParquetFiles(location, (tuple(sorted(names)),))
    return found if plain and 0 < len(names) <= MOST_FILES else None


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


def read_together(spark: "SparkSession", files: ParquetFiles, columns: Struct) -> "DataFrame":
    """As ``Engine.read_parquet`` says, where the engine knows ``key=value`` folders.

    Those that Spark spells otherwise are read each for itself: it takes every byte of a letter that
    is percent-encoded for a letter, and no value for a fault.
    """
    from profile_export.frames import union

    misread = [group for group in files.groups if _is_misread(group)]
    others = chain.from_iterable(group for group in files.groups if not _is_misread(group))
    paths = [f"{files.location.rstrip('/')}/{name}" for name in others]
    frames = [read_apart(spark, replace(files, groups=misread), columns)] if misread else []
    if paths:
        read = spark.read.schema(table_ddl(columns)).option("basePath", files.location)
        frames.append(read.parquet(*paths))
    return union(frames)


def _is_misread(group: Sequence[str]) -> bool:
    return _MISREAD.search(group[0].rpartition("/")[0]) is not None


def read_apart(spark: "SparkSession", files: ParquetFiles, columns: Struct) -> "DataFrame":
    """As ``Engine.read_parquet`` says, each group for itself: Sail neither reads files of different
    layouts together nor knows the ``key=value`` folders of single files, or null in them."""
    from profile_export.frames import union

    def layout(group: Sequence[str]) -> "DataFrame":
        return _layout(spark, columns, files.location, group, files.stored.get(group[0]))

    return union(map(layout, files.groups))


def _layout(
    spark: "SparkSession",
    columns: Struct,
    base: str,
    names: Sequence[str],
    stored: pa.Schema | None,
) -> "DataFrame":
    from pyspark.sql import functions as F

    from profile_export.engines.stored_types import as_asked

    values = partition_values(names[0])
    reader = spark.read
    if stored is None:
        reader = reader.schema(table_ddl(columns.without(*values)))
    read = reader.parquet(*(f"{base}/{name}" for name in names))

    def column(field: Field) -> "Column":
        if field.name in values:
            return F.lit(values[field.name]).cast(ddl(field.type))
        return F.col(quoted(field.name)) if stored is None else as_asked(stored, field)

    return read.select(*(column(field).alias(field.name) for field in columns.fields))
