"""The columns of a Parquet file or folder, typed as Spark reads them."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pyarrow.types as pt

from profile_export.plan import TableRef
from profile_export.schema import Array, DataType, Field, Map, Struct, ddl, unite
from profile_export.tables import first_line, missing, unreadable

MOST_FOOTERS = 100
"""A folder may have more files than anyone wants to open for a schema."""
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_INT_MAX = 2**31 - 1

_ATOMS: dict[pa.DataType, str] = {
    pa.bool_(): "boolean",
    pa.int8(): "byte",
    pa.int16(): "short",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.uint8(): "short",  # the next signed type that holds it, as Spark does
    pa.uint16(): "integer",
    pa.uint32(): "long",
    pa.uint64(): "decimal(20,0)",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.string_view(): "string",
    pa.binary(): "binary",
    pa.large_binary(): "binary",
    pa.binary_view(): "binary",
    pa.date32(): "date",
    pa.date64(): "date",
}


class _Unsupported(Exception):
    """A type that Spark does not read; the message says which and what to do."""


def parquet_schema(table: TableRef) -> Struct:
    """The union of the columns of the first 100 files, then the columns of ``key=value`` folders.

    A column that is null throughout a file (Arrow's null type) says nothing of its type.

    Raises:
        Refused: ``table-missing``: no such path, or no Parquet file under it.
            ``table-unreadable``: a footer or a type that cannot be read, or files that disagree.
    """
    assert table.location is not None
    try:
        filesystem, root = _filesystem(table.location)
        files = _data_files(filesystem, root)
        if files is None:
            raise missing(table, "there is nothing at that path")
        if not files:
            raise missing(table, "there is no Parquet file in the folder")
        schemas = [(name, _footer(filesystem, path, table, name)) for name, path in files]
    except (OSError, pa.ArrowException, ValueError) as error:
        raise unreadable(table, first_line(error)) from None
    united, conflicts = unite(schemas)
    if conflicts:
        conflict, _ = conflicts[0]
        types = f"{ddl(conflict.left)} and {ddl(conflict.right)}"
        raise unreadable(table, f"its files disagree on the type of {conflict.path!r}: {types}")
    partitions = _partition_columns([name for name, _ in files])
    names = [field.name for field in partitions]
    return Struct((*united.without(*names).fields, *partitions))


def _filesystem(location: str) -> tuple[pafs.FileSystem, str]:
    if "://" not in location:
        return pafs.LocalFileSystem(), location
    uri = re.sub(r"^s3[an]://", "s3://", location)
    filesystem, root = pafs.FileSystem.from_uri(uri)
    return filesystem, str(root)


def _data_files(filesystem: pafs.FileSystem, root: str) -> list[tuple[str, str]] | None:
    """(name relative to the table, path) of the first files; None where nothing is."""
    info = filesystem.get_file_info(root)
    if info.type == pafs.FileType.NotFound:
        return None
    if info.type == pafs.FileType.File:
        return [(info.base_name, root)]
    found: list[tuple[str, str]] = []
    for entry in filesystem.get_file_info(pafs.FileSelector(root, recursive=True)):
        name = entry.path[len(root) :].strip("/")
        if entry.type == pafs.FileType.File and entry.size and _is_data(name):
            found.append((name, entry.path))
    return sorted(found)[:MOST_FOOTERS]


def _is_data(name: str) -> bool:
    """Spark skips what starts with ``_`` or ``.``, save a partition column that does."""
    return all(not part.startswith((".", "_")) or "=" in part for part in name.split("/"))


def _footer(filesystem: pafs.FileSystem, path: str, table: TableRef, name: str) -> Struct:
    # Pandas and Spark leave INT96 (an instant) and Arrow shows it without zone, like a local time.
    # No Parquet type has seconds, so coerced to seconds it cannot be mistaken for one.
    try:
        with filesystem.open_input_file(path) as source:
            schema = pq.ParquetFile(source, coerce_int96_timestamp_unit="s").schema_arrow
        return Struct(tuple(_fields(schema, "")))
    except _Unsupported as fault:
        raise unreadable(table, str(fault)) from None
    except (OSError, pa.ArrowException) as error:
        raise unreadable(table, f"file {name!r}: {first_line(error)}") from None


def _fields(owner: pa.Schema | pa.StructType, prefix: str) -> Iterator[Field]:
    for field in owner:
        if not pt.is_null(field.type):
            yield Field(field.name, _type(field.type, f"{prefix}{field.name}"))


def _type(type_: pa.DataType, path: str) -> DataType:
    if isinstance(type_, pa.BaseExtensionType):
        return _type(type_.storage_type, path)
    if pt.is_dictionary(type_):
        return _type(type_.value_type, path)
    if pt.is_struct(type_):
        return Struct(tuple(_fields(type_, f"{path}.")))
    if pt.is_map(type_):
        return Map(_type(type_.key_type, path), _type(type_.item_type, path))
    if pt.is_list(type_) or pt.is_large_list(type_) or pt.is_fixed_size_list(type_):
        return Array(_type(type_.value_type, path))
    return _atom(type_, path)


def _atom(type_: pa.DataType, path: str) -> str:
    if pt.is_timestamp(type_):
        if type_.unit == "ns":
            raise _Unsupported(f"column {path!r} has nanoseconds; write it in microseconds")
        return "timestamp" if type_.tz is not None or type_.unit == "s" else "timestamp_ntz"
    if pt.is_decimal(type_) and type_.precision <= 38:
        return f"decimal({type_.precision},{type_.scale})"
    if pt.is_fixed_size_binary(type_):
        return "binary"
    if pt.is_duration(type_):
        return "long"  # Parquet knows no duration: Arrow writes its number
    if type_ in _ATOMS:
        return _ATOMS[type_]
    raise _Unsupported(
        f"column {path!r} has type {type_}, which no engine reads; leave it out or cast it"
    )


def _partition_columns(names: list[str]) -> list[Field]:
    """Columns of ``key=value`` folders: whole numbers, dates, else text (as Spark infers them)."""
    values: dict[str, list[str]] = {}
    for name in names:
        for part in name.split("/")[:-1]:
            key, is_partition, value = part.partition("=")
            if is_partition:
                values.setdefault(unquote(key), []).append(unquote(value))
    return [Field(key, _partition_type(found)) for key, found in values.items()]


def _partition_type(values: list[str]) -> str:
    known = [value for value in values if value != _NULL_PARTITION]
    if known and all(_WHOLE.fullmatch(value) for value in known):
        return "integer" if all(abs(int(value)) <= _INT_MAX for value in known) else "long"
    return "date" if known and all(_DATE.fullmatch(value) for value in known) else "string"
