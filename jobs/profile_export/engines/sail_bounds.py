"""Inputs whose values Sail 0.7.2 would take from the statistics of their files.

A column without nulls, whose least and greatest value in a file are said to be one, is a literal in
its scan. Two kinds of values need not be what their bounds are: bounds leave NaN out, and those of
decimals are doubles in the Delta logs that some writers make (delta-rs).
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt
from deltalake import DeltaTable

from profile_export.engines.input_files import input_files
from profile_export.plan import Input
from profile_export.storage import Folder

_DECIMAL = re.compile(r"decimal\((\d+),-?\d+\)")
_DIGITS_OF_DOUBLES = 15
"""So many that a decimal keeps as a double."""
_FLOATS = ("FLOAT", "DOUBLE")
_READERS = 16
_MOST_FILES = 1000
"""Footers of a Parquet folder that are looked into; one of more is not trusted."""


def mislead(source: Input, table: DeltaTable | None) -> bool:
    """Whether Sail could take a bound for a value; where that cannot be told, it reads as ever, and
    says why it cannot.

    Looks into the log of a Delta table, which is given, or reads footers of Parquet files, where
    there are such columns.
    """
    types = [field.type for field in source.columns.fields]
    if not any(t in ("float", "double") or (table and _is_long_decimal(t)) for t in types):
        return False
    try:
        return _in_log(table) if table else _in_footers(source)
    except Exception:
        return False


def _is_long_decimal(type_: object) -> bool:
    match = _DECIMAL.fullmatch(type_) if isinstance(type_, str) else None
    return match is not None and int(match[1]) > _DIGITS_OF_DOUBLES


def _in_log(table: DeltaTable) -> bool:
    actions = pa.table(table.get_add_actions(flatten=True))
    return any(
        _are_alike(actions, column.name.removeprefix("min."), column.type)
        for column in actions.schema
        if column.name.startswith("min.")
    )


def _are_alike(actions: pa.Table, column: str, type_: pa.DataType) -> bool:
    """Whether a file could hold other values of a column than its bounds, which are one."""
    is_long = pt.is_decimal(type_) and type_.precision > _DIGITS_OF_DOUBLES
    if not (is_long or pt.is_floating(type_)):
        return False
    bounds = (actions[f"{kind}.{column}"].to_pylist() for kind in ("min", "max", "null_count"))
    return any(
        least is not None and least == greatest and nulls == 0
        for least, greatest, nulls in zip(*bounds, strict=True)
    )


def _in_footers(source: Input) -> bool:
    folder, sizes = input_files(source)
    names = [name for group in source.files or () for name in group] or list(sizes)
    if len(names) > _MOST_FILES:
        return True
    with ThreadPoolExecutor(_READERS) as pool:
        return any(pool.map(lambda name: _in_footer(folder, name), names))


def _in_footer(folder: Folder, name: str) -> bool:
    footer = folder.parquet_footer(name)
    return any(_is_one(list(_bounds(footer, column))) for column in range(footer.num_columns))


def _bounds(footer: pq.FileMetaData, column: int) -> Iterator[pq.Statistics | None]:
    """Of each row group, where the column is of floats and nothing above it is nested."""
    schema = footer.schema.column(column)
    if schema.physical_type in _FLOATS and schema.path == schema.name:
        for group in range(footer.num_row_groups):
            yield footer.row_group(group).column(column).statistics


def _is_one(bounds: list[pq.Statistics | None]) -> bool:
    known = [b for b in bounds if b is not None and b.has_min_max and not b.null_count]
    values = {value for b in known for value in (b.min, b.max)}
    return bool(bounds) and len(known) == len(bounds) and len(values) == 1
