"""The bytes that the row-set hash sees of one value without parts (docs/row-set-hash.md)."""

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profile_export.rowset.xxh64 import Places

_DECIMAL = re.compile(r"decimal\((\d+),(-?\d+)\)")
_MOST_DIGITS_OF_A_LONG = 18
_INT = ("byte", "short", "integer", "boolean")


class Unhashable(Exception):
    """A type that has no hash offline; the message names it."""


def value_bytes(values: pa.Array, type_: str) -> tuple[bytes, Places, Places]:
    """Bytes of all values together, and where each begins and how long it is.

    Args:
        values: Without nulls.
        type_: As :mod:`profile_export.schema` writes it.
    """
    if not len(values):
        return b"", np.empty(0, np.int64), np.empty(0, np.int64)
    if type_ in ("string", "binary"):
        return _texts(values.cast(pa.large_binary()))
    decimal = _DECIMAL.fullmatch(type_)
    digits = (int(decimal[1]), int(decimal[2])) if decimal else None
    if digits and digits[0] > _MOST_DIGITS_OF_A_LONG:
        return _texts(pa.array(_digits(values.cast(pa.decimal128(*digits))), pa.large_binary()))
    numbers = _unscaled(values, digits) if digits else _numbers(values, type_)
    size = numbers.dtype.itemsize
    count = len(numbers)
    return numbers.tobytes(), np.arange(count) * size, np.full(count, size)


def _texts(values: pa.LargeBinaryArray) -> tuple[bytes, Places, Places]:
    _, offsets, data = values.buffers()
    ends = np.frombuffer(offsets, np.int64)[values.offset : values.offset + len(values) + 1]
    first, last = int(ends[0]), int(ends[-1])
    held = b"" if data is None else data.slice(first, last - first).to_pybytes()
    return held, ends[:-1] - first, np.diff(ends)


def _digits(values: pa.Array) -> Iterable[bytes]:
    """Plain notation with every digit of the scale, as Spark casts to text under ANSI."""
    return (format(value, "f").encode() for value in values.to_pylist())


def _unscaled(values: pa.Array, digits: tuple[int, int]) -> NDArray[np.int64]:
    wide = values.cast(pa.decimal128(*digits))
    halves = np.frombuffer(wide.buffers()[1], "<i8").reshape(-1, 2)
    return halves[wide.offset : wide.offset + len(wide), 0]


def _numbers(values: pa.Array, type_: str) -> NDArray[np.generic]:
    if type_ in _INT:
        return np.asarray(values.cast(pa.int32()), "<i4")
    match type_:
        case "long":
            return np.asarray(values.cast(pa.int64()), "<i8")
        case "date":
            return np.asarray(values.cast(pa.date32()).cast(pa.int32()), "<i4")
        case "timestamp" | "timestamp_ntz":
            micros = values.cast(pa.timestamp("us", values.type.tz)).cast(pa.int64())
            return np.asarray(micros, "<i8")
        case "float":
            return _one_zero_one_nan(np.array(values.cast(pa.float32()), "<f4"))
        case "double":
            # Of a whole number that has no double, the nearest one, as an engine casts.
            return _one_zero_one_nan(np.array(values.cast(pa.float64(), safe=False), "<f8"))
    raise Unhashable(f"values of type {type_}")


def _one_zero_one_nan(numbers: NDArray[np.floating]) -> NDArray[np.floating]:
    numbers[numbers == 0] = 0.0
    numbers[np.isnan(numbers)] = np.nan
    return numbers


def sorted_entries(maps: pa.MapArray) -> tuple[Places, pa.Array, pa.Array]:
    """Sizes of maps (none null), and all their keys and values, sorted by key within each map."""
    offsets = np.asarray(maps.offsets)
    first, last = int(offsets[0]), int(offsets[-1])
    sizes = np.diff(offsets)
    keys, items = (part.slice(first, last - first) for part in (maps.keys, maps.items))
    if pa.types.is_nested(keys.type):
        raise Unhashable(f"maps with keys of type {keys.type}")
    if pc.any(pc.greater(sizes, 1)).as_py():
        owner = pa.array(np.repeat(np.arange(len(maps)), sizes))
        both = pa.table({"owner": owner, "key": _sortable(keys)})
        order = pc.sort_indices(both, sort_keys=[("owner", "ascending"), ("key", "ascending")])
        both, keys, items = both.take(order), keys.take(order), items.take(order)
        _see_that_keys_differ(both)
    return sizes, keys, items


def _see_that_keys_differ(entries: pa.Table) -> None:
    """A key twice is in no map that an engine makes, but files can hold it; its order is open."""
    before, after = entries.slice(0, len(entries) - 1), entries.slice(1)
    twice = (pc.equal(before[name], after[name]) for name in entries.column_names)
    if pc.any(pc.and_(*twice)).as_py():
        raise Unhashable("maps that have a key twice")


def _sortable(keys: pa.Array) -> pa.Array:
    """Keys as Arrow sorts them rightly: text by its bytes."""
    return keys.cast(pa.large_binary()) if pa.types.is_string(keys.type) else keys


def without_views(field: pa.Field) -> pa.Field:
    """The field with every text type plain: Arrow computes little on views, which Sail writes."""
    return field.with_type(_without_views(field.type))


def _without_views(type_: pa.DataType) -> pa.DataType:
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    if pa.types.is_struct(type_):
        return pa.struct([without_views(type_.field(i)) for i in range(type_.num_fields)])
    if pa.types.is_map(type_):
        return pa.map_(without_views(type_.key_field), without_views(type_.item_field))
    if pa.types.is_list(type_):
        return pa.list_(without_views(type_.value_field))
    return plain.get(type_, type_)
