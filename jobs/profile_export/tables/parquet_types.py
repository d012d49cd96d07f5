"""Columns of Parquet files as Arrow sees them, as the types that Spark reads them with."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.types as pt

from profile_export.schema import Array, DataType, Field, Map, Struct

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
    pa.null(): "void",
}

_LISTS = (
    *(pt.is_list, pt.is_large_list, pt.is_fixed_size_list),
    *(pt.is_list_view, pt.is_large_list_view),
)


class UnsupportedType(Exception):
    """A type that Spark does not read; the message says which and what to do."""


def columns_of(schema: pa.Schema) -> Struct:
    """The columns of a file; Arrow's null type is ``void``.

    Raises:
        UnsupportedType: of a column, wherever in it.
    """
    return Struct(tuple(_fields(schema, "")))


def _fields(owner: pa.Schema | pa.StructType, prefix: str) -> Iterator[Field]:
    seen: set[str] = set()
    for field in owner:
        if field.name in seen:
            raise UnsupportedType(
                f"there are two columns {prefix + field.name!r}, of which engines read one; rename"
                " the other"
            )
        seen.add(field.name)
        yield Field(field.name, _type(field.type, f"{prefix}{field.name}"))


def _type(type_: pa.DataType, path: str) -> DataType:
    if isinstance(type_, pa.BaseExtensionType):
        return _type(type_.storage_type, path)
    if pt.is_dictionary(type_):  # a category of pandas
        return _type(type_.value_type, path)
    if pt.is_struct(type_):
        return Struct(tuple(_fields(type_, f"{path}.")))
    if pt.is_map(type_):
        return Map(_type(type_.key_type, path), _type(type_.item_type, path))
    if any(is_one(type_) for is_one in _LISTS):
        return Array(_type(type_.value_type, path))
    return _atom(type_, path)


def _atom(type_: pa.DataType, path: str) -> str:
    if pt.is_timestamp(type_):
        if type_.unit == "ns":
            raise UnsupportedType(f"column {path!r} has nanoseconds; write it in microseconds")
        return "timestamp" if type_.tz is not None or type_.unit == "s" else "timestamp_ntz"
    if pt.is_decimal(type_) and type_.precision <= 38:
        return f"decimal({type_.precision},{type_.scale})"
    if pt.is_fixed_size_binary(type_):
        return "binary"
    if pt.is_duration(type_):
        return "long"  # Parquet knows no duration: Arrow writes its number
    if type_ in _ATOMS:
        return _ATOMS[type_]
    raise UnsupportedType(
        f"column {path!r} has type {type_}, which no engine reads; leave it out or cast it"
    )
