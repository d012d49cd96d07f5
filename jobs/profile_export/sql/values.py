"""Rows of a query as JSON values."""

from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa

from profile_export.json_values import json_scalar


def plain_rows(table: pa.Table) -> list[list[object]]:
    """The rows of a table, each a list in the order of the columns.

    Times are ISO 8601 (``Z`` for instants), maps objects (a list of {key, value} where keys are no
    text), all else as :func:`~profile_export.json_values.json_scalar` tells it.
    """
    if table.num_columns == 0:
        return [[] for _ in range(table.num_rows)]
    columns = [[_plain(v, c.type) for v in c.to_pylist()] for c in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def values_in(columns: Iterable[pa.Array | pa.ChunkedArray]) -> int:
    """How many values there are, those of lists, maps and structs counted one by one."""
    total = 0
    for column in columns:
        for part in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
            total += len(part)
            if pa.types.is_nested(part.type):
                total += values_in(_inside(part))
    return total


def _inside(array: pa.Array) -> list[pa.Array]:
    if pa.types.is_struct(array.type):
        return [array.field(i) for i in range(array.type.num_fields)]
    if pa.types.is_map(array.type):
        return [array.keys, array.items]
    return [array.flatten()]


def _plain(value: object, type_: pa.DataType) -> object:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case dict():
            fields = (type_.field(i) for i in range(type_.num_fields))
            return {f.name: _plain(value[f.name], f.type) for f in fields}
        case list() if pa.types.is_map(type_):
            return _map(value, type_)
        case list():
            return [_plain(part, type_.value_type) for part in value]
    return json_scalar(value)


def _map(entries: list[tuple[object, object]], type_: pa.MapType) -> object:
    pairs = [(_plain(k, type_.key_type), _plain(v, type_.item_type)) for k, v in entries]
    if all(isinstance(key, str) for key, _ in pairs) and _is_text(type_.key_type):
        return dict(pairs)
    return [{"key": key, "value": value} for key, value in pairs]


def _is_text(type_: pa.DataType) -> bool:
    return any(
        is_kind(type_) for is_kind in (pa.types.is_string, pa.types.is_large_string)
    ) or pa.types.is_string_view(type_)
