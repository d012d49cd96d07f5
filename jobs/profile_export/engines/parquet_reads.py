"""How Parquet files are read: all together, each layout for itself, or a folder as it lies."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from profile_export.engines.input_files import input_files
from profile_export.engines.pinned_files import PATTERN
from profile_export.engines.reading import ParquetFiles
from profile_export.plan import Input
from profile_export.schema import Field, Struct, ddl, quoted, table_ddl
from profile_export.tables.parquet_files import NULL_PARTITION, partition_values

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_ESCAPED = r"\\\g<0>"
_MISREAD = re.compile("%[89a-fA-F]|=(?:/|$)")
"""How a byte of a letter beyond ASCII begins in an encoded path; a key without a value."""


def misread_files(source: Input) -> ParquetFiles | None:
    """The files of a Parquet folder that is read as it lies, if Spark would misread a name in it.

    Lists the folder. As many frames are made of them as there are folders of such names.
    """
    folder, sizes = input_files(source)
    groups = [tuple(names) for _, names in groupby(sizes, lambda name: name.rpartition("/")[0])]
    return ParquetFiles(folder.location, groups) if any(map(_is_misread, groups)) else None


def read_together(spark: "SparkSession", files: ParquetFiles, columns: Struct) -> "DataFrame":
    """As ``Engine.read_parquet`` says, where the engine knows ``key=value`` folders.

    Those that Spark spells otherwise are read each for itself: it takes every byte of a letter that
    is percent-encoded for a letter, and no value for a fault.
    """
    from profile_export.frames import union

    misread = [group for group in files.groups if _is_misread(group)]
    others = chain.from_iterable(group for group in files.groups if not _is_misread(group))
    paths = [_path(files.location.rstrip("/"), name) for name in others]
    frames = [read_apart(spark, replace(files, groups=misread), columns)] if misread else []
    if paths:
        read = spark.read.schema(table_ddl(columns)).option("basePath", files.location)
        frames.append(read.parquet(*paths))
    return union(frames)


def _path(base: str, name: str) -> str:
    """Of a file, also where Spark would take its name for a pattern."""
    return f"{base}/{PATTERN.sub(_ESCAPED, name)}"


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
    read = reader.parquet(*(_path(base, name) for name in names))

    def column(field: Field) -> "Column":
        if field.name in values:
            return F.lit(values[field.name]).cast(ddl(field.type))
        return F.col(quoted(field.name)) if stored is None else as_asked(stored, field)

    return read.select(*(column(field).alias(field.name) for field in columns.fields))


def read_folder(
    spark: "SparkSession", location: str, columns: Struct, keys: Sequence[str]
) -> "DataFrame":
    """All files below a folder; ``keys`` as of :class:`~profile_export.engines.reading.Reading`."""
    from pyspark.sql import functions as F

    read_as = Struct(
        tuple(replace(f, type="string") if f.name in keys else f for f in columns.fields)
    )
    read = spark.read.schema(table_ddl(read_as)).parquet(location)

    def known(field: Field) -> "Column":
        column = F.col(quoted(field.name))
        return F.when(column != NULL_PARTITION, column).cast(ddl(field.type))

    nulls = {field.name: known(field) for field in columns.fields if field.name in keys}
    return read.withColumns(nulls) if nulls else read
