"""Writes a world to disk, so that an engine can read it: Parquet files, Delta tables, sandbox.

The only file of the oracle that needs more than networkx. Absent columns of old Delta commits,
several files per table and overwritten old rows are there to be read rightly.
"""

from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import yaml
from deltalake import write_deltalake

from .spark_types import ArrayType, AtomicType, DataType, DecimalType, MapType, parse_columns
from .values import decode

ARROW_TYPES: dict[str, pyarrow.DataType] = {
    "tinyint": pyarrow.int8(),
    "smallint": pyarrow.int16(),
    "int": pyarrow.int32(),
    "bigint": pyarrow.int64(),
    "float": pyarrow.float32(),
    "double": pyarrow.float64(),
    "string": pyarrow.string(),
    "binary": pyarrow.binary(),
    "boolean": pyarrow.bool_(),
    "date": pyarrow.date32(),
    "timestamp": pyarrow.timestamp("us", tz="UTC"),
}


def arrow_type(kind: DataType) -> pyarrow.DataType:
    if isinstance(kind, AtomicType):
        return ARROW_TYPES[kind.name]
    if isinstance(kind, DecimalType):
        return pyarrow.decimal128(kind.precision, kind.scale)
    if isinstance(kind, ArrayType):
        return pyarrow.list_(pyarrow.field("element", arrow_type(kind.element)))
    if isinstance(kind, MapType):
        return pyarrow.map_(arrow_type(kind.key), arrow_type(kind.value))
    return pyarrow.struct([pyarrow.field(name, arrow_type(inner)) for name, inner in kind.fields])


def _arrow_value(kind: DataType, value: Any) -> Any:
    """As decode gives it, but maps as the list of pairs that pyarrow takes."""
    if value is None:
        return None
    if isinstance(kind, ArrayType):
        return [_arrow_value(kind.element, item) for item in value]
    if isinstance(kind, MapType):
        return [(key, _arrow_value(kind.value, item)) for key, item in value.items()]
    if isinstance(kind, (AtomicType, DecimalType)):
        return value
    return {name: _arrow_value(inner, value.get(name)) for name, inner in kind.fields}


def arrow_table(table: dict[str, Any]) -> pyarrow.Table:
    """A world's table {"columns", "rows"} as Arrow."""
    schema = parse_columns(table["columns"])
    rows = [decode(schema, row) for row in table.get("rows") or []]
    columns = {
        name: pyarrow.array([_arrow_value(kind, row[name]) for row in rows], arrow_type(kind))
        for name, kind in schema.fields
    }
    return pyarrow.table(columns)


def _pieces(table: dict[str, Any], pieces: int) -> list[pyarrow.Table]:
    """Each from its own rows: deltalake 1.6 aborts on slices of nested Arrow arrays."""
    rows = table.get("rows") or []
    length = max(1, -(-len(rows) // pieces))
    starts = range(0, max(len(rows), 1), length)
    return [arrow_table({**table, "rows": rows[start : start + length]}) for start in starts]


def _write_parquet(table: dict[str, Any], path: Path, pieces: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    for number, piece in enumerate(_pieces(table, pieces)):
        pyarrow.parquet.write_table(piece, path / f"part-{number:05d}.parquet")


def _without_null_tail(table: pyarrow.Table) -> pyarrow.Table:
    """Without its last columns, as far as they hold nothing: as if they had come later."""
    width = table.num_columns
    while width > 1 and table.column(width - 1).null_count == table.num_rows:
        width -= 1
    return table.select(range(width))


def _write_delta(table: dict[str, Any], path: Path, pieces: int, old_rows: bool) -> None:
    """A commit per piece. With old_rows, first a version whose rows are then overwritten."""
    parts = _pieces(table, pieces)
    if len(parts) > 1:
        parts[0] = _without_null_tail(parts[0])
    if old_rows:
        write_deltalake(path, arrow_table(table), mode="append")
    for number, part in enumerate(parts):
        if number == 0 and old_rows:
            write_deltalake(path, part, mode="overwrite", schema_mode="merge")
        else:
            write_deltalake(path, part, mode="append", schema_mode="merge")


def write_world(
    world: dict[str, Any], directory: Path, *, pieces: int = 1, old_rows: bool = False
) -> Path:
    """Writes all tables and `sandbox.yml` into the directory, and gives the sandbox file."""
    directory.mkdir(parents=True, exist_ok=True)
    for dataset in world["sandbox"]["datasets"]:
        if dataset["class"] == "export":
            continue
        source = dataset["table"]
        table = world["tables"][source["path"]]
        path = directory / source["path"]
        if source["format"] == "parquet":
            _write_parquet(table, path, pieces)
        else:
            _write_delta(table, path, pieces, old_rows)
    sandbox = directory / "sandbox.yml"
    text = yaml.safe_dump(world["sandbox"], sort_keys=False, allow_unicode=True)
    sandbox.write_text(text, encoding="utf-8")
    return sandbox
