"""Column -> Column: the facts that several stages name, each once.

Nothing here touches a DataFrame, a session or a setting.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.schema import Array, DataType, Field, Map, Struct, ddl, quoted, struct_of

SEPARATOR = "\u0000"
"""Between namespace and value of an identity key; sorts below every other character, so that the
order of keys is the order of (namespace, value) pairs (S8)."""

_DECIMAL = re.compile(r"decimal\((\d+),-?\d+\)")

BEGINNING_OF_TIME = -(2**63)
"""Stands for a null time where times are compared: a null loses to every time (S4, S11, S13)."""


def at(path: str) -> Column:
    """The column at a dotted path through structs."""
    return F.col(".".join(quoted(name) for name in path.split(".")))


def identity_key(namespace: Column, value: Column) -> Column:
    """(Lower-cased namespace, value) as one text that compares like the pair; else null (S2).

    ``value`` is a string or a whole number. Only blanks (U+0020) are trimmed.
    """
    text = F.trim(value.cast("string"))
    return F.when(text != "", F.concat(namespace, F.lit(SEPARATOR), text))


def key_namespace(key: Column) -> Column:
    """The lower-cased namespace of an identity key."""
    return F.substring_index(key, SEPARATOR, 1)


def key_value(key: Column) -> Column:
    """The value of an identity key."""
    start = F.length(key_namespace(key)) + F.lit(2)
    return F.substr(key, start)


def written_namespace(lowered: Column, declared: dict[str, str]) -> Column:
    """A namespace as the sandbox first declares it, else lower-cased (S2)."""
    differing = [(low, name) for low, name in declared.items() if low != name]
    if not differing:
        return lowered
    (low, name), *others = differing
    written = F.when(lowered == low, F.lit(name))
    for low, name in others:
        written = written.when(lowered == low, F.lit(name))
    return written.otherwise(lowered)


def any_of(conditions: Sequence[Column]) -> Column:
    """The disjunction as a balanced tree: a chain of hundreds exceeds Connect's message depth."""
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return any_of(conditions[:middle]) | any_of(conditions[middle:])


def micros(time: Column, type_: DataType) -> Column:
    """A timestamp (without zone: UTC) or date as microseconds since 1970; null stays."""
    instant = time if type_ == "timestamp" else time.cast("timestamp")
    return F.unix_micros(instant)


def micros_of(time: datetime) -> int:
    """Microseconds since 1970, exactly (a float timestamp is not)."""
    return (time.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def known(time_micros: Column) -> Column:
    """Microseconds with null as the beginning of time, for comparing."""
    return F.coalesce(time_micros, F.lit(BEGINNING_OF_TIME))


def conform(column: Column, source: DataType, target: DataType) -> Column:
    """``column`` as type ``target``: members pruned, added as null, widened (S12, S21).

    A null struct, array element or map stays null.
    """
    if source == target:
        return column
    match source, target:
        case Struct(), Struct():
            members = [
                conform_member(column, source, field.name, field.type).alias(field.name)
                for field in target.fields
            ]
            return F.when(column.isNotNull(), F.struct(*members))
        case Array(), Array():
            inner, wanted = source.element, target.element
            return F.transform(column, lambda element: conform(element, inner, wanted))
        case Map(), Map():
            value, asked = source.value, target.value
            entries = F.transform(
                F.map_entries(column),
                lambda entry: F.struct(
                    entry["key"].alias("key"), conform(entry["value"], value, asked).alias("value")
                ),
            )
            return F.map_from_entries(entries)
        case _:
            return column.cast(ddl(target))


def conform_member(struct: Column, source: Struct, name: str, target: DataType) -> Column:
    """The member ``name`` of a struct column as ``target``; null where it has no such member."""
    type_ = source.get(name)
    if type_ is None:
        return F.lit(None).cast(ddl(target))
    return conform(struct.getField(name), type_, target)


def leaf(source: Struct, path: str, target: DataType) -> Column:
    """The leaf of a table at a dotted path as ``target``; null where the table lacks it."""
    type_ = source.at(path)
    return F.lit(None).cast(ddl(target)) if type_ is None else conform(at(path), type_, target)


def has_map(type_: DataType) -> bool:
    """Whether a map lies anywhere inside: such values have no order and no hash in Spark."""
    match type_:
        case Struct():
            return any(has_map(field.type) for field in type_.fields)
        case Array():
            return has_map(type_.element)
        case Map():
            return True
        case _:
            return False


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
    if not has_map(type_):
        return column
    match type_:
        case Struct():
            members = [
                without_maps(column.getField(f.name), f.type).alias(f.name) for f in type_.fields
            ]
            return F.when(column.isNotNull(), F.struct(*members))
        case Array():
            element = type_.element
            return F.transform(column, lambda item: without_maps(item, element))
        case Map():
            return sorted_entries(column, type_)
        case _:
            return column


def with_maps(column: Column, type_: DataType) -> Column:
    """The inverse of :func:`without_maps`; ``type_`` is the type with the maps."""
    if not has_map(type_):
        return column
    match type_:
        case Struct():
            members = [
                with_maps(column.getField(f.name), f.type).alias(f.name) for f in type_.fields
            ]
            return F.when(column.isNotNull(), F.struct(*members))
        case Array():
            element = type_.element
            return F.transform(column, lambda item: with_maps(item, element))
        case Map():
            value = type_.value
            pairs = F.transform(
                column,
                lambda e: F.struct(
                    e["key"].alias("key"), with_maps(e["value"], value).alias("value")
                ),
            )
            return F.map_from_entries(pairs)
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
