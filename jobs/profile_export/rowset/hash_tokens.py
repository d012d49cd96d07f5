"""The sequence of byte strings that a value is to the row-set hash (docs/row-set-hash.md).

Written for Arrow, a column at a time, and independent of :mod:`profile_export.columns`, which says
the same for engines: ``verify --deep`` rests on both giving the same hash.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profile_export.rowset.hash_bytes import sorted_entries, value_bytes
from profile_export.rowset.xxh64 import Places
from profile_export.schema import Array, DataType, Map, Struct

_FLAGS = (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
"""What every pool begins with: the tokens of false and true."""


@dataclass(frozen=True)
class Tokens:
    """Byte strings, ``counts`` of them for each row: where each begins in the pool, its size."""

    counts: Places
    start: Places
    size: Places


class Tokeniser:
    """Turns columns into tokens over one pool of bytes."""

    def __init__(self) -> None:
        self._parts = [_FLAGS]
        self._length = len(_FLAGS)

    def pool(self) -> bytes:
        return b"".join(self._parts)

    def tokens(self, column: pa.Array, type_: DataType) -> Tokens:
        """The tokens of each value: presence first, then what it consists of."""
        valid: NDArray[np.bool_] = np.asarray(column.is_valid())
        present = Tokens(_ones(valid), np.where(valid, 4, 0), np.full(len(valid), 4))
        match type_:
            case Struct():  # a null struct has null members
                parts = self._members(column, type_)
            case Array():
                parts = self._elements(column.drop_null(), valid, type_.element)
            case Map():
                parts = self._entries(column.drop_null(), valid, type_)
            case _:
                parts = iter([self._put(valid, *value_bytes(column.drop_null(), type_))])
        return joined([present, *parts])

    def _members(self, column: pa.Array, type_: Struct) -> Iterator[Tokens]:
        found: dict[str, pa.Array] = {}
        if pa.types.is_struct(column.type):
            names = (column.type.field(i).name for i in range(column.type.num_fields))
            found = dict(zip(names, column.flatten(), strict=True))
        for field in type_.fields:
            yield self.tokens(found.get(field.name, pa.nulls(len(column))), field.type)

    def _elements(
        self, lists: pa.Array, valid: NDArray[np.bool_], element: DataType
    ) -> Iterator[Tokens]:
        if len(lists):
            sizes = np.asarray(pc.list_value_length(lists)).astype(np.int64)
            yield from self._counted(sizes, valid, self.tokens(lists.flatten(), element))

    def _entries(self, maps: pa.Array, valid: NDArray[np.bool_], type_: Map) -> Iterator[Tokens]:
        if len(maps):
            sizes, keys, values = sorted_entries(maps)
            present = Tokens(*(np.full(len(keys), n) for n in (1, 4, 4)))
            entry = [present, self.tokens(keys, type_.key), self.tokens(values, type_.value)]
            yield from self._counted(sizes, valid, joined(entry))

    def _counted(
        self, sizes: Places, valid: NDArray[np.bool_], elements: Tokens
    ) -> Iterator[Tokens]:
        """The size of each list that is there, then its elements' tokens."""
        held = sizes.astype("<i4")
        yield self._put(valid, held.tobytes(), np.arange(len(held)) * 4, np.full(len(held), 4))
        upto = np.concatenate([[0], np.cumsum(elements.counts)])
        ends = np.cumsum(sizes)
        counts = np.zeros(len(valid), np.int64)
        counts[valid] = upto[ends] - upto[ends - sizes]
        yield Tokens(counts, elements.start, elements.size)

    def _put(self, valid: NDArray[np.bool_], data: bytes, start: Places, size: Places) -> Tokens:
        """One token for each row that has a value, none for the others."""
        first = self._length
        self._parts.append(data)
        self._length += len(data)
        return Tokens(valid.astype(np.int64), start + first, size)


def _ones(like: NDArray[np.bool_]) -> Places:
    return np.ones(len(like), np.int64)


def joined(parts: Sequence[Tokens]) -> Tokens:
    """Row by row, the tokens of the parts one after another."""
    counts: Places = np.vstack([part.counts for part in parts]).sum(axis=0)
    start, size = np.empty((2, int(counts.sum())), np.int64)
    first = np.cumsum(counts) - counts
    for part in parts:
        own = np.cumsum(part.counts) - part.counts
        at = np.repeat(first - own, part.counts) + np.arange(len(part.start))
        start[at], size[at] = part.start, part.size
        first = first + part.counts
    return Tokens(counts, start, size)
