"""Column -> Column: the facts that several stages name, each once.

Nothing here touches a DataFrame, a session or a setting.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.identity_keys import SEPARATOR
from profile_export.schema import Array, DataType, Map, Struct, ddl, quoted

BEGINNING_OF_TIME = -(2**63)
"""Stands for a null time where times are compared: a null loses to every time (S4, S11, S13)."""

_MOST_IN_SETS = 128
"""Keys that :func:`number_of` looks for in sets."""


def at(path: str) -> Column:
    """The column at a dotted path through structs."""
    return F.col(".".join(quoted(name) for name in path.split(".")))


def identity_key(namespace: Column, value: Column) -> Column:
    """(Lower-cased namespace, value) as one text that compares like the pair; else null (S2).

    ``value`` is a string or a whole number. Only blanks (U+0020) are trimmed.
    """
    text = identity_value(value)
    return F.when(text != "", F.concat(namespace, F.lit(SEPARATOR), text))


def identity_value(value: Column) -> Column:
    """The text of an identity; empty or null where there is none (S2)."""
    return F.trim(value.cast("string"))


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


def number_of(key: Column, numbers: Mapping[Any, int]) -> Column:
    """The number of a key, int; 0 of a key that is none of those.

    Digit by digit: the keys whose number has a one there are a set, looked into at once. The place
    in a literal array makes Sail write that array for every row; but it plans thousands of keys in
    a dozen sets for minutes, so that many have an array after all (docs/decisions/0023).

    Args:
        key: Not null.
        numbers: Not negative.
    """
    if len(numbers) > _MOST_IN_SETS:
        place = F.array_position(F.array(*map(F.lit, numbers)), key)
        return F.element_at(F.array(F.lit(0), *map(F.lit, numbers.values())), place.cast("int") + 1)
    digits = max(numbers.values(), default=0).bit_length()
    number = F.lit(0)
    for digit in range(digits):
        ones = [known for known, n in numbers.items() if n >> digit & 1]
        number = number + key.isin(ones).cast("int") * F.lit(1 << digit)
    return number


def micros(time: Column, type_: DataType) -> Column:
    """A timestamp (without zone: UTC) or date as microseconds since 1970; null stays."""
    instant = time if type_ == "timestamp" else time.cast("timestamp")
    return F.unix_micros(instant)


def micros_at(columns: Struct, path: str) -> Column:
    """:func:`micros` of the column at a path, which is there and has a type of time."""
    type_ = columns.at(path)
    assert type_ is not None, "the plan refuses a missing time column"
    return micros(at(path), type_)


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
