"""Values of the engine as JSON has them, and identities and times as a person reads them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

import pyarrow as pa

from profile_export.explained.account import Key
from profile_export.explained.cells import Row
from profile_export.identity_keys import parts_of
from profile_export.json_values import json_scalar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def identity(key: str, namespaces: Mapping[str, str]) -> Key:
    """An identity key as the pair that it stands for, the namespace as declared (S2)."""
    namespace, value = parts_of(key, namespaces)
    return Key(namespace=namespace, value=value)


def iso(time: datetime) -> str:
    """ISO-8601 in UTC with ``Z``, a fraction only if there is one; a time without zone is UTC."""
    known = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    exact = "microseconds" if known.microsecond % 1000 else "milliseconds"
    text = known.isoformat(timespec=exact if known.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def iso_micros(micros: object) -> str | None:
    """Microseconds since 1970 as ISO-8601; a time outside years 1 to 9999 as its number."""
    if not isinstance(micros, int):
        return None
    try:
        return iso(_EPOCH + timedelta(microseconds=micros))
    except OverflowError:
        return f"{micros} µs since 1970"


def plain(value: object) -> object:
    """A column's value as JSON: times in UTC, all else as ``json_values`` tells it."""
    match value:
        case datetime():
            return iso(value)
        case list() | tuple():
            return [plain(item) for item in value]
        case Mapping():
            return {str(plain(name)): plain(item) for name, item in value.items()}
    return json_scalar(value)


def rows_in(table: pa.Table) -> list[Row]:
    """The rows as Python values, maps as such; what Python has no value for, in words."""
    try:
        return cast(list[Row], table.to_pylist(maps_as_pydicts="lossy"))
    except (OverflowError, ValueError, TypeError):  # a year, or a key that is a struct
        names = table.column_names
        each = zip(*(map(_value, column) for column in table.columns), strict=True)
        return [dict(zip(names, row, strict=True)) for row in each]


def _value(cell: pa.Scalar) -> object:
    type_ = cell.type
    if not cell.is_valid:
        return None
    if pa.types.is_struct(type_):
        return {type_.field(i).name: _value(cell[i]) for i in range(type_.num_fields)}
    if pa.types.is_map(type_):
        return _map([(_value(entry[0]), _value(entry[1])) for entry in cell.values])
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return [_value(item) for item in cell.values]
    if pa.types.is_temporal(type_):
        return _time(cell)
    return cell.as_py()


def _map(entries: list[tuple[object, object]]) -> object:
    if any(isinstance(key, dict | list) for key, _ in entries):
        return [{"key": key, "value": value} for key, value in entries]
    return dict(entries)


def _time(cell: pa.Scalar) -> object:
    try:
        return cell.as_py()
    except (OverflowError, ValueError):
        if pa.types.is_date(cell.type):
            return f"{cell.cast(pa.date32()).value} days since 1970"
        return iso_micros(cell.cast(pa.timestamp("us", cell.type.tz)).value)
