"""The files of an input as the plan pins it: of a plain Delta table, of a Parquet folder (S28)."""

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from profile_export.plan import Input
from profile_export.schema import ddl, quoted, table_ddl
from profile_export.storage import Folder
from profile_export.tables.parquet_files import partition_values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MOST_FILES = 1000
"""Beyond it Delta's own reader is no slower, and plans do not carry the list."""

_PATTERN = re.compile(r"[][{}*?\\]")
"""What engines take for patterns in paths."""

_PLAIN_NAME = re.compile(r"[\w.=/-]+")


def plain_files(location: str, version: int) -> list[str] | None:
    """Paths of the version's data files, if reading them as Parquet gives exactly its rows.

    That holds for tables on this machine, of reader version 1 (no deletion vectors, no renamed
    columns, no widened types), not partitioned, with at least one file, and files of plain names.

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
    return files if plain and 0 < len(files) <= MOST_FILES else None


def lost_files(source: Input, location: str) -> list[str]:
    """Names of a Parquet folder's pinned files that are not there any more, or are empty: engines
    read those as no rows."""
    if not source.files:
        return []
    lying = {file.path for file in Folder(location).files() if file.bytes}
    return [name for group in source.files for name in group if name not in lying]


def parquet_frame(
    spark: "SparkSession", source: Input, location: str, *, apart: bool
) -> "DataFrame":
    """The pinned files of a Parquet folder, or all where the plan names none.

    Args:
        spark: Where they are read.
        source: The dataset.
        location: Of its table.
        apart: Read each layout for itself. Sail neither reads files of different layouts together
            nor knows the ``key=value`` folders of single files, or null in them.
    """
    whole = spark.read.schema(table_ddl(source.columns))
    if source.files is None or _PATTERN.search("".join((location, *sum(source.files, ())))):
        return whole.parquet(location)
    base = location.rstrip("/")
    if not apart:
        paths = (f"{base}/{name}" for group in source.files for name in group)
        return whole.option("basePath", location).parquet(*paths)
    frames = [_layout(spark, source, base, group) for group in source.files]
    while len(frames) > 1:  # balanced: Connect bounds the depth of a plan
        pairs = zip_longest(frames[::2], frames[1::2])
        frames = [left if right is None else left.union(right) for left, right in pairs]
    return frames[0]


def _layout(spark: "SparkSession", source: Input, base: str, names: tuple[str, ...]) -> "DataFrame":
    from pyspark.sql import functions as F

    values = partition_values(names[0])
    columns = source.columns
    inside = spark.read.schema(table_ddl(columns.without(*values)))
    read = inside.parquet(*(f"{base}/{name}" for name in names))
    return read.select(
        *(
            F.lit(values[f.name]).cast(ddl(f.type)).alias(f.name)
            if f.name in values
            else F.col(quoted(f.name))
            for f in columns.fields
        )
    )
