"""Two batches side by side: persons added, removed and changed, and in which leaves.

Arrow and NumPy, no engine: a diff needs one hash per row and one join by key, which Arrow does, so
it works where the files are, like verify. Rows are compared by the hash of docs/row-set-hash.md:
first whole, then leaf by leaf where they differ. Memory: about 150 bytes per person of the two
batches, and the leaves of a quarter million changed persons at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from profile_export.diff.leaves import Leaves
from profile_export.diff.persons import KeySource, person_keys
from profile_export.errors import Problem, Refused
from profile_export.rowset.offline import read_rows
from profile_export.rowset.xxh64 import Hashes
from profile_export.storage import Folder, reason

AT_ONCE = 250_000
"""Changed persons whose leaves are in memory together."""


@dataclass(frozen=True)
class Side:
    """One batch of one export."""

    folder: Folder
    paths: Sequence[str]
    source: KeySource


@dataclass(frozen=True)
class Persons:
    """Persons of a pair of batches by key, sorted, by what became of them.

    Attributes:
        changed: Key and changed leaves.
        same: How many are as they were.
        shared: Rows whose key an earlier row of their batch has: paired in the order of their
            content, so a change among them can show as another one.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[tuple[str, tuple[str, ...]], ...]
    same: int
    shared: int


@dataclass(frozen=True)
class Reader:
    """How rows of both exports are read: the same leaves and types, the same kind of key."""

    leaves: Leaves
    by_primary: bool

    def compared(self, a: Side, b: Side) -> Persons:
        """Compare two batches. Reads both once, and again for every :data:`AT_ONCE` changes.

        Raises:
            Refused: ``file-unreadable``.
            Unhashable: a leaf is of a type that only an engine can hash.
        """
        left, right = self._whole(a), self._whole(b)
        both = left.join(right, keys=["key", "nth"], join_type="full outer", right_suffix="_b")
        key, then, now = (both.column(name) for name in ("key", "hash", "hash_b"))
        equal = pc.equal(then, now)  # null where one of them is
        differing = pc.unique(key.filter(pc.invert(equal)))
        changed: list[tuple[str, tuple[str, ...]]] = []
        for start in range(0, len(differing), AT_ONCE):
            changed += self._changed(a, b, differing.slice(start, AT_ONCE))
        return Persons(
            added=tuple(sorted(key.filter(then.is_null()).to_pylist())),
            removed=tuple(sorted(key.filter(now.is_null()).to_pylist())),
            changed=tuple(sorted(changed)),
            same=pc.sum(equal).as_py() or 0,
            shared=_shared(left) + _shared(right),
        )

    def _whole(self, side: Side) -> pa.Table:
        """Key, number among rows of that key, and hash of every row."""
        parts = [_NO_ROWS]
        for key, rows in self._rows(side):
            parts.append(pa.table({"key": key, "hash": self.leaves.together(rows)}))
        return _numbered(pa.concat_tables(parts))

    def _changed(self, a: Side, b: Side, keys: pa.Array) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The leaves in which persons that are in both differ."""
        (left, then), (right, now) = self._leaf_hashes(a, keys), self._leaf_hashes(b, keys)
        pairs = left.join(right, keys=["key", "nth"], join_type="inner", right_suffix="_b")
        at, at_b = (np.asarray(pairs.column(name)) for name in ("row", "row_b"))
        differ = then[at] != now[at_b]
        for key, row in zip(pairs.column("key").to_pylist(), differ, strict=True):
            if row.any():
                yield key, tuple(self.leaves.names[i] for i in np.flatnonzero(row))

    def _leaf_hashes(self, side: Side, keys: pa.Array) -> tuple[pa.Table, Hashes]:
        """Rows of some keys, numbered as before, and the hash of each of their leaves."""
        parts, hashes = [_NO_ROWS], [np.empty((0, len(self.leaves.names)), np.uint64)]
        for key, rows in self._rows(side):
            wanted = pc.is_in(key, keys)
            some = rows.filter(wanted)
            whole = self.leaves.together(some)
            parts.append(pa.table({"key": key.filter(wanted), "hash": whole}))
            hashes.append(self.leaves.apart(some))
        return _numbered(pa.concat_tables(parts)), np.concatenate(hashes)

    def _rows(self, side: Side) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
        for path in side.paths:
            try:
                for rows in read_rows(side.folder, path, self.leaves.columns):
                    yield person_keys(rows, side.source, by_primary=self.by_primary), rows
            except (OSError, ValueError, pa.ArrowException) as error:
                raise unreadable(path, error) from error


def unreadable(path: str, error: Exception) -> Refused:
    """The error of a file that is damaged, or that may not be read."""
    why = reason(error) if isinstance(error, OSError) else None
    what = f"{why}. Look at its rights" if why else "it is damaged. Restore it"
    return Refused([Problem("file-unreadable", f"The file {path} cannot be read: {what}.")])


_NO_ROWS = pa.table({"key": pa.array([], pa.large_string()), "hash": pa.array([], pa.uint64())})


def _numbered(rows: pa.Table) -> pa.Table:
    """With ``row``, and ``nth``: which row of its key a row is, in the order of their hashes."""
    numbered = rows.append_column("row", pa.array(np.arange(len(rows))))
    ordered = numbered.sort_by([("key", "ascending"), ("hash", "ascending")])
    keys = ordered.column("key")
    first = np.ones(len(ordered), bool)
    first[1:] = ~np.asarray(pc.equal(keys[1:], keys[:-1]))
    starts = np.flatnonzero(first)
    nth = np.arange(len(ordered)) - np.repeat(starts, np.diff(starts, append=len(ordered)))
    return ordered.append_column("nth", pa.array(nth))


def _shared(rows: pa.Table) -> int:
    return int(np.count_nonzero(np.asarray(rows.column("nth"))))
