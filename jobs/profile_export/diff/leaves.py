"""The leaves of two exports, as one list: what of their rows can be compared."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from profile_export.rowset.offline import row_hashes
from profile_export.rowset.xxh64 import Hashes
from profile_export.schema import DataType, Field, Struct

Path = tuple[str, ...]


class Leaves:
    """Every leaf of a schema (S11), under its dotted path, hashed together or one by one.

    Attributes:
        columns: The schema. Rows can lack leaves of it, which are null then, and can have narrower
            numbers (S12), which are equal to wide ones.
        names: The dotted paths.
    """

    def __init__(self, columns: Struct) -> None:
        self.columns = columns
        self._paths = list(_paths(columns))
        self.names = [".".join(path) for path, _ in self._paths]
        self._flat = Struct(tuple(Field(f"c{i}", t) for i, (_, t) in enumerate(self._paths)))

    def together(self, rows: pa.RecordBatch) -> pa.Array:
        """One hash for each row, over all leaves."""
        return pa.array(row_hashes(self._flattened(rows), self._flat))

    def apart(self, rows: pa.RecordBatch) -> Hashes:
        """One hash for each row and leaf."""
        flat = self._flattened(rows)
        found = [row_hashes(flat, Struct((field,))) for field in self._flat.fields]
        return np.stack(found, axis=1) if found else np.empty((rows.num_rows, 0), np.uint64)

    def _flattened(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [_leaf(rows, path) for path, _ in self._paths]
        return pa.RecordBatch.from_arrays(arrays, names=self._flat.names())


def _paths(columns: Struct, above: Path = ()) -> Iterator[tuple[Path, DataType]]:
    for field in columns.fields:
        if isinstance(field.type, Struct):
            yield from _paths(field.type, (*above, field.name))
        else:
            yield (*above, field.name), field.type


def _leaf(rows: pa.RecordBatch, path: Path) -> pa.Array:
    """A leaf of every row; null where the row, or a struct above, has none."""
    top, *inner = path
    if top not in rows.schema.names:
        return pa.nulls(rows.num_rows)
    column = rows.column(top)
    for name in inner:
        if not pa.types.is_struct(column.type) or column.type.get_field_index(name) < 0:
            return pa.nulls(rows.num_rows)
        column = pc.struct_field(column, [name])
    return column
