"""The columns of a Parquet file or folder, typed as Spark reads them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from profile_export.plan import TableRef
from profile_export.schema import Array, DataType, Map, Struct, ddl
from profile_export.storage import filesystem_of
from profile_export.tables import TableInfo, first_line, missing, unreadable
from profile_export.tables.parquet_files import (
    Layout,
    layout_of,
    layouts,
    listed,
    partition_columns,
    partition_values,
)
from profile_export.tables.parquet_types import UnsupportedType, columns_of
from profile_export.widening import unite

MOST_FILES = 1000
"""A folder may have more files than anyone wants to open for a schema, or to name in a plan."""
_READERS = 16

_Footers: TypeAlias = Mapping[str, pa.Schema]
"""File name -> columns as Arrow sees them."""


def inspect_parquet(table: TableRef) -> TableInfo:
    """The columns of the files, then those of ``key=value`` folders; and which files these are.

    Files may lack columns of others, and members of structs, which are null there. More than 1000
    files are not all looked at, and not named.

    Raises:
        Refused: ``table-missing``: no such path, or no Parquet file under it.
            ``table-unreadable``: a footer or a type that cannot be read, files that disagree, or a
            Delta table.
    """
    assert table.location is not None
    try:
        filesystem, root = filesystem_of(table.location)
        found = listed(filesystem, root)
        if found is None:
            raise missing(table, "there is nothing at that path")
        if not (files := found.data):
            raise missing(table, "there is no Parquet file in the folder")
        if found.has_delta_log:
            raise unreadable(
                table,
                "it is a Delta table, whose files also hold deleted rows; declare format delta",
            )
        names = list(files)[:MOST_FILES]
        with ThreadPoolExecutor(_READERS) as pool:
            read = pool.map(lambda name: _footer(filesystem, files[name], table, name), names)
            footers = dict(zip(names, read, strict=True))
        columns = _united(table, {name: schema for name, (schema, _) in footers.items()})
    except (OSError, pa.ArrowException, ValueError) as error:
        raise unreadable(table, first_line(error)) from None
    partitions = partition_columns(names)
    rest = columns.without(*(field.name for field in partitions))
    named = layouts(footers) if found.is_folder and len(files) <= MOST_FILES else None
    return TableInfo(Struct((*rest.fields, *partitions)), None, named)


def _footer(filesystem: pafs.FileSystem, path: str, table: TableRef, name: str) -> Layout:
    # Pandas and Spark leave INT96 (an instant) and Arrow shows it without zone, like a local time.
    # No Parquet type has seconds, so coerced to seconds it cannot be mistaken for one.
    try:
        with filesystem.open_input_file(path) as source:
            file = pq.ParquetFile(source, coerce_int96_timestamp_unit="s")
            return layout_of(file.schema, file.schema_arrow.remove_metadata())
    except (OSError, pa.ArrowException) as error:
        raise unreadable(table, f"file {name!r}: {first_line(error)}") from None


def _united(table: TableRef, footers: _Footers) -> Struct:
    """The union of the files' columns; refuses files of other types or other partition keys."""
    first: dict[pa.Schema, str] = {}
    by_keys: dict[tuple[str, ...], str] = {}
    for name, schema in footers.items():
        first.setdefault(schema, name)
        by_keys.setdefault(tuple(partition_values(name)), name)
    if len(by_keys) > 1:
        one, other, *_ = by_keys.values()
        why = f"files {one!r} and {other!r} lie in folders of different key=value names"
        raise unreadable(table, why)
    try:
        schemas = [(name, columns_of(schema)) for schema, name in first.items()]
    except UnsupportedType as fault:
        raise unreadable(table, str(fault)) from None
    united = Struct()
    for place, (name, schema) in enumerate(schemas):
        if _difference(united, schema, "") is not None:
            pairs = ((one, _difference(known, schema, "")) for one, known in schemas[:place])
            one, (path, left, right) = next((one, found) for one, found in pairs if found)
            raise unreadable(
                table,
                f"column {path!r} is of type {ddl(left)} in file {one!r} and of type {ddl(right)}"
                f" in file {name!r}; write it with one type",
            )
        united = unite([("", united), (name, schema)])[0]
    return united


def _difference(
    left: DataType, right: DataType, path: str
) -> tuple[str, DataType, DataType] | None:
    """The first path that both have, with other types; engines read no two types as one alike."""
    match left, right:
        case Struct(), Struct():
            for field in right.fields:
                mine = left.get(field.name)
                below = f"{path}.{field.name}" if path else field.name
                found = None if mine is None else _difference(mine, field.type, below)
                if found is not None:
                    return found
            return None
        case Array(), Array():
            return _difference(left.element, right.element, path)
        case Map(), Map() if left.key == right.key:
            return _difference(left.value, right.value, path)
    return None if left == right else (path, left, right)
