"""The row-set hash without an engine, for ``verify --deep`` and ``diff``: NumPy over Parquet files.

The same numbers as :mod:`profile_export.rowset.by_engine` gives on any engine;
docs/row-set-hash.md is what both follow. Rows are read some thousand at a time, so memory does
not grow with the file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from profile_export.outputs import EVENTS_COLUMN
from profile_export.rowset.hash_bytes import without_views
from profile_export.rowset.hash_tokens import Tokeniser, Tokens, joined
from profile_export.rowset.xxh64 import Hashes, Pool, xxh64, xxh64_many
from profile_export.schema import Struct
from profile_export.storage import Folder

SEED = 42
ROWS_AT_ONCE = 4096
_FEW = 20
"""Rows left for which plain Python is quicker than NumPy."""
_START = xxh64((1).to_bytes(4, "little"), SEED)
"""The hash of a row before its first column."""


@dataclass(frozen=True)
class RowSet:
    """What a batch's rows are: how many, how many events in them, the halves of the hash."""

    records: int = 0
    events: int = 0
    total: int = 0
    mixed: int = 0

    def __add__(self, other: "RowSet") -> "RowSet":
        return RowSet(
            self.records + other.records,
            self.events + other.events,
            (self.total + other.total) % 2**64,
            self.mixed ^ other.mixed,
        )

    @property
    def digest(self) -> str:
        """As the manifest writes it."""
        return f"{self.total:016x}{self.mixed:016x}"


def of_files(folder: Folder, paths: Iterable[str], *, columns: Struct) -> RowSet:
    """The row set of Parquet files.

    Args:
        folder: Of the dataset.
        paths: Below it.
        columns: What the job wrote, in order, the partition column not among it; read by name, one
            that a file lacks being null.

    Raises:
        Unhashable: a type that only an engine can hash.
        OSError: a file that cannot be read (Arrow's errors are such).
    """
    found = RowSet()
    for path in paths:
        for rows in read_rows(folder, path, columns):
            found += _of_rows(rows, columns)
    return found


def read_rows(folder: Folder, path: str, columns: Struct) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file, some thousand at a time; of ``columns`` those that it has."""
    with folder.open(path) as opened, pq.ParquetFile(opened, pre_buffer=False) as file:
        wanted = set(columns.names())
        fields = [without_views(f) for f in file.schema_arrow if f.name in wanted]
        names = [field.name for field in fields]
        for rows in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=names):
            yield rows.cast(pa.schema(fields))


def _of_rows(rows: pa.RecordBatch, columns: Struct) -> RowSet:
    hashes = row_hashes(rows, columns)
    events = 0
    if EVENTS_COLUMN in columns.names() and EVENTS_COLUMN in rows.schema.names:
        events = pc.sum(pc.list_value_length(rows.column(EVENTS_COLUMN))).as_py() or 0
    return RowSet(
        len(hashes), events, int(np.add.reduce(hashes)), int(np.bitwise_xor.reduce(hashes))
    )


def row_hashes(rows: pa.RecordBatch, columns: Struct) -> Hashes:
    """The hash of each row over ``columns``; one that the rows lack counts as null."""
    tokeniser = Tokeniser()
    absent = pa.nulls(rows.num_rows)
    present = set(rows.schema.names)
    parts = [
        tokeniser.tokens(rows.column(f.name) if f.name in present else absent, f.type)
        for f in columns.fields
    ]
    if not parts:
        return np.full(rows.num_rows, _START, np.uint64)
    return _chained(joined(parts), Pool(tokeniser.pool()))


def _chained(tokens: Tokens, pool: Pool) -> Hashes:
    """Every token hashed with the hash of the tokens before it as its seed.

    One step per position, over all rows that are so long; the last, longest rows one by one.
    """
    longest_first = np.argsort(-tokens.counts, kind="stable")
    first = (np.cumsum(tokens.counts) - tokens.counts)[longest_first]
    counts = tokens.counts[longest_first]
    ascending = counts[::-1]
    hashes = np.full(len(counts), _START, np.uint64)
    step = 0
    while (rows := len(counts) - int(np.searchsorted(ascending, step, "right"))) > _FEW:
        at = first[:rows] + step
        hashes[:rows] = xxh64_many(pool, tokens.start[at], tokens.size[at], hashes[:rows])
        step += 1
    for row in range(rows):
        hashes[row] = _one(
            tokens, pool, range(first[row] + step, first[row] + counts[row]), hashes[row]
        )
    found = np.empty_like(hashes)
    found[longest_first] = hashes
    return found


def _one(tokens: Tokens, pool: Pool, places: range, seed: np.uint64) -> int:
    value, data = int(seed), pool.data
    chosen = slice(places.start, places.stop)
    for start, size in zip(
        tokens.start[chosen].tolist(), tokens.size[chosen].tolist(), strict=True
    ):
        value = xxh64(data[start : start + size], value)
    return value
