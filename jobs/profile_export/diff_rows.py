"""Two batches side by side: persons added, removed and changed, and in which leaves.

Arrow and NumPy, no engine: a diff needs one hash per row and a join on a key, which Arrow does, and
so it works where the files are, like verify. Rows are compared by the hash of docs/row-set-hash.md,
first whole, then leaf by leaf for those that differ. Memory: about 150 bytes per person of the
larger batch, and the leaves of a quarter million changed persons at a time.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from profile_export.diff_persons import KeySource, person_keys
from profile_export.rowset_offline import read_rows, row_hashes
from profile_export.schema import Field, Struct
from profile_export.storage import Folder
from profile_export.xxh64 import Hashes

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
    """Keys of the persons of a pair of batches, by what became of them."""

    added: pa.Array
    removed: pa.Array
    same: int
    changed: list[tuple[str, list[str]]] = field(default_factory=list)
    """Key and changed leaves."""
    shared: int = 0
    """Rows whose key another row of their batch has too: paired in the order of their content."""

    def leaves(self) -> dict[str, int]:
        """How many persons changed in each leaf, most first."""
        return dict(Counter(leaf for _, found in self.changed for leaf in found).most_common())


@dataclass(frozen=True)
class Comparison:
    """How rows of both exports are read: with the same leaves, types and kind of key."""

    columns: Struct
    by_primary: bool

    def persons(self, a: Side, b: Side) -> Persons:
        """Compare two batches. Reads each once, and once more for every :data:`AT_ONCE` changes."""
        left, right = self._hashed(a), self._hashed(b)
        joined = left.join(
            right, keys=["key", "nth"], join_type="full outer", right_suffix="_b"
        )
        ours, theirs = joined.column("hash").is_valid(), joined.column("hash_b").is_valid()
        keys, both = joined.column("key"), pc.and_(ours, theirs)
        equal = pc.and_(both, pc.equal(joined.column("hash"), joined.column("hash_b")).fill_null(False))
        differing = pc.unique(keys.filter(pc.and_not(both, equal)))
        found = Persons(
            added=_sorted(keys.filter(pc.invert(ours))),
            removed=_sorted(keys.filter(pc.invert(theirs))),
            same=pc.sum(equal).as_py() or 0,
            shared=sum(int(pc.sum(pc.greater(t.column("nth"), 0)).as_py() or 0) for t in (left, right)),
        )
        for start in range(0, len(differing), AT_ONCE):
            found.changed.extend(self._changed(a, b, differing.slice(start, AT_ONCE)))
        found.changed.sort()
        return found
