"""The sequence of byte strings that a value is to the row-set hash (docs/row-set-hash.md).

Written for Arrow arrays, a column at a time, and independent of :mod:`profile_export.columns`, which
says the same for engines: that both agree is what ``verify --deep`` rests on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profile_export.columns_of_hash import plain_bytes, sorted_map
from profile_export.schema import Array, DataType, Map, Struct
from profile_export.xxh64 import Places

_FLAGS = (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
"""What every pool begins with: the tokens of false and true."""


@dataclass(frozen=True)
class Tokens:
    """For each row so many byte strings, in order: where each begins in the pool, and its size."""

    counts: Places
    start: Places
    size: Places


class Tokeniser:
    """Turns columns into tokens over one pool of bytes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = [_FLAGS]
        self._length = len(_FLAGS)

    def pool(self) -> bytes:
        return b"".join(self._parts)

    def tokens(self, column: pa.Array, type_: DataType) -> Tokens:
        """The tokens of each value of ``column``, which is of type ``type_``."""
        valid = _valid(column)
        flags = _one_each(valid.astype(np.int64) * 4, 4)
        match type_:
            case Struct():
                children = (self.tokens(_member(column, f.name), f.type) for f in type_.fields)
                return joined([flags, *children])
            case Array():
                return joined([flags, *self._list(column.drop_null(), valid, type_.element)])
            case Map():
                entries = Struct(_entry_fields(type_))
                as_list = sorted_map(column.drop_null())
                return joined([flags, *self._list(as_list, valid, entries)])
            case _:
                start, size = self._add(*plain_bytes(column.drop_null(), type_))
                return joined([flags, Tokens(valid.astype(np.int64), start, size)])
