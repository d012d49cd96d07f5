"""Values in a form that has an order and a hash, equal on every engine (docs/row-set-hash.md)."""

import re
from collections.abc import Callable, Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.schema import Array, DataType, Field, Map, Struct, contains, ddl, struct_of

_DECIMAL = re.compile(r"decimal\((\d+),-?\d+\)")


def canonical(column: Column, type_: DataType) -> Column:
    """A value as a struct to hash; see :func:`canonical_parts`."""
    parts = canonical_parts(column, type_)
    return F.struct(*(part.alias(f"m{i}") for i, part in enumerate(parts)))


def canonical_parts(column: Column, type_: DataType) -> list[Column]:
    """What of a value is hashed, in order: presence first, so that a null never looks like nothing.

    Structs are flat here (hashing a struct is hashing its members in turn), so that deep schemas
    stay shallow expressions. Maps become their entries sorted by key. The exact sequence is
    docs/row-set-hash.md.
    """
    present = column.isNotNull()
    match type_:
        case Struct():
            members = ((column.getField(f.name), f.type) for f in type_.fields)
            return [present, *(part for m, t in members for part in canonical_parts(m, t))]
        case Array():
            element = type_.element
            values = F.transform(column, lambda item: canonical(item, element))
            size = F.when(column.isNotNull(), F.size(column))  # size(null) depends on a setting
            return [present, size, values]
        case Map():
            return canonical_parts(sorted_entries(column, type_), entries_type(type_))
        case "float" | "double":
            # 0.0 and -0.0 are equal, and so are all NaNs: each must hash alike on every engine.
            zero, nan = (F.lit(number).cast(ddl(type_)) for number in (0.0, float("nan")))
            return [present, F.when(F.isnan(column), nan).otherwise(column + zero)]
        case str() if is_wide_decimal(type_):
            # Spark hashes the shortest big-endian bytes, the other engine all sixteen: so as text.
            return [present, column.cast("string")]
        case _:
            return [present, column]


def is_wide_decimal(type_: str) -> bool:
    """Whether a decimal's digits exceed what a 64-bit whole number holds."""
    match = _DECIMAL.fullmatch(type_)
    return match is not None and int(match[1]) > 18


def entries_type(type_: Map) -> Array:
    """The type of :func:`sorted_entries`."""
    return Array(struct_of(key=type_.key, value=_without_maps(type_.value)))


def sorted_entries(column: Column, type_: Map) -> Column:
    """A map as its array of {key, value} sorted by key; maps inside the values likewise."""
    value = type_.value
    entries = F.transform(
        F.map_entries(column),
        lambda entry: F.struct(
            entry["key"].alias("key"), without_maps(entry["value"], value).alias("value")
        ),
    )
    return F.array_sort(entries)


def without_maps(column: Column, type_: DataType) -> Column:
    """``column`` with every map in it as its sorted entries: a value that has an order."""
    return _rebuilt(column, type_, sorted_entries)


def with_maps(column: Column, type_: DataType) -> Column:
    """The inverse of :func:`without_maps`; ``type_`` is the type with the maps."""
    return _rebuilt(column, type_, _map_of)


def _map_of(entries: Column, type_: Map) -> Column:
    value = type_.value
    pairs = F.transform(
        entries,
        lambda e: F.struct(e["key"].alias("key"), with_maps(e["value"], value).alias("value")),
    )
    return F.map_from_entries(pairs)


def _rebuilt(column: Column, type_: DataType, at_map: Callable[[Column, Map], Column]) -> Column:
    """``column`` with ``at_map`` in the place of every outermost map; other values as they are."""
    if not contains(type_, Map):  # such values have no order and no hash in Spark
        return column
    match type_:
        case Struct():
            members = [
                _rebuilt(column.getField(f.name), f.type, at_map).alias(f.name)
                for f in type_.fields
            ]
            return F.when(column.isNotNull(), F.struct(*members))
        case Array():
            element = type_.element
            return F.transform(column, lambda item: _rebuilt(item, element, at_map))
        case Map():
            return at_map(column, type_)
        case _:
            return column


def _without_maps(type_: DataType) -> DataType:
    match type_:
        case Struct():
            return Struct(tuple(Field(f.name, _without_maps(f.type)) for f in type_.fields))
        case Array():
            return Array(_without_maps(type_.element))
        case Map():
            return entries_type(type_)
        case _:
            return type_


def content_hash(columns: Iterable[tuple[Column, DataType]]) -> Column:
    """A 64-bit hash of values, equal on every engine (``xxhash64`` of their canonical structs)."""
    parts = (part for column, type_ in columns for part in canonical_parts(column, type_))
    return F.xxhash64(F.lit(1), *parts)
