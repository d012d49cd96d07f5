"""The files of an input as the plan pins it: of a plain Delta table, of a Parquet folder (S28)."""

import os
import re
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from profile_export.plan import Input
from profile_export.schema import Field, Struct, ddl, quoted, table_ddl
from profile_export.storage import Folder
from profile_export.tables.parquet_files import partition_values

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

MOST_FILES = 1000
"""Beyond it Delta's own reader is no slower, and plans do not carry the list."""

_PATTERN = re.compile(r"[][{}*?\\]")
"""What engines take for patterns in paths."""

_MISREAD = re.compile("%[89a-fA-F]|=(?:/|$)")
"""How a byte of a letter beyond ASCII begins in an encoded path; a key without a value."""

_PLAIN_NAME = re.compile(r"[\w.=/-]+")


def plain_files(location: str, version: int) -> list[str] | None:
    """Paths of the version's data files, if reading them as Parquet gives exactly its rows.

    That holds for tables on this machine, of reader version 1 (no deletion vectors, no renamed
    columns, no widened types), not partitioned, with at least one file, and files of plain names of
    which none is empty: Spark takes one that a crash has left so for no rows.

    On Spark it spares a fresh session the reading of Delta's log by Spark jobs: 17 of 37 seconds of
    CPU for the first table (measured on 20 rows), and one or two for the next.

    Returns:
        None where Delta's reader is to be used, also where the log cannot be read: the reader's
        error then tells why.
    """
    if "://" in location:
        return None
    try:
        table = DeltaTable(location, version=version)
        if table.protocol().min_reader_version != 1 or table.metadata().partition_columns:
            return None
        files = sorted(uri.removeprefix("file://") for uri in table.file_uris())
    except Exception:
        return None
    below = f"{location.rstrip('/')}/"
    plain = all(f.startswith(below) and _PLAIN_NAME.fullmatch(f[len(below) :]) for f in files)
    return files if plain and 0 < len(files) <= MOST_FILES and not _has_empty(files) else None


def _has_empty(files: Sequence[str]) -> bool:
    """Whether one is there without a byte; what is gone the engine itself tells."""
    return any(os.path.exists(file) and not os.path.getsize(file) for file in files)


def lost_files(source: Input, location: str) -> list[str]:
    """Names of a Parquet folder's pinned files that are not there any more, or are empty: engines
    read those as no rows."""
    if not source.files:
        return []
    lying = {file.path for file in Folder(location).files() if file.bytes}
    return [name for group in source.files for name in group if name not in lying]


def can_be_named(location: str, groups: Sequence[Sequence[str]]) -> bool:
    """Whether engines take these paths for themselves, and not for patterns."""
    return not _PATTERN.search("".join((location, *chain.from_iterable(groups))))


def read_together(
    spark: "SparkSession", location: str, groups: Sequence[Sequence[str]], columns: Struct
) -> "DataFrame":
    """As ``Engine.read_parquet`` says, where the engine knows ``key=value`` folders.

    Those that Spark spells otherwise are read each for itself: it takes every byte of a letter that
    is percent-encoded for a letter, and no value for a fault.
    """
    from profile_export.frames import union

    misread = [group for group in groups if _is_misread(group)]
    others = chain.from_iterable(group for group in groups if not _is_misread(group))
    paths = [f"{location.rstrip('/')}/{name}" for name in others]
    frames = [read_apart(spark, location, misread, columns)] if misread else []
    if paths:
        read = spark.read.schema(table_ddl(columns)).option("basePath", location)
        frames.append(read.parquet(*paths))
    return union(frames)


def _is_misread(group: Sequence[str]) -> bool:
    return _MISREAD.search(group[0].rpartition("/")[0]) is not None


def read_apart(
    spark: "SparkSession",
    location: str,
    groups: Sequence[Sequence[str]],
    columns: Struct,
    *,
    knows_stored: bool = False,
) -> "DataFrame":
    """As ``Engine.read_parquet`` says, each group for itself: Sail neither reads files of different
    layouts together nor knows the ``key=value`` folders of single files, or null in them.

    Where ``knows_stored``, as Sail does, types that Arrow has stored in files are in its way.
    """
    from profile_export.engines.stored_types import stored_types
    from profile_export.frames import union

    folder = Folder(location)

    def layout(group: Sequence[str]) -> "DataFrame":
        stored = stored_types(folder, group[0]) if knows_stored else None
        return _layout(spark, columns, folder.location, group, stored)

    return union(map(layout, groups))


def _layout(
    spark: "SparkSession",
    columns: Struct,
    base: str,
    names: Sequence[str],
    stored: "pa.Schema | None",
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
