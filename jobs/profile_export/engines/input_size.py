"""How much a job reads: whether most of its time on Spark would be the JVM warming up, and into how
many parts Sail should divide it."""

import os
from collections.abc import Iterator

from profile_export.plan import ExportPlan

SMALL_BYTES = 16 * 1024 * 1024
"""Compressed Parquet of all inputs together; where it comes from: docs/decisions/0009."""
SMALL_FILES = 1000
"""Beyond it counting alone would take time."""
MANY_FILES = 20_000
"""Beyond it also for a job that is not small."""


def is_small(plan: ExportPlan) -> bool:
    """Whether all inputs lie on this machine and hold at most :data:`SMALL_BYTES` together.

    Counts the files in the folders, of all versions: a table never looks smaller than it is, except
    a shallow clone, whose files lie elsewhere. A wrong answer costs time and changes no row.
    """
    total = total_bytes(plan, most_files=SMALL_FILES)
    return total is not None and total <= SMALL_BYTES


def total_bytes(plan: ExportPlan, *, most_files: int = MANY_FILES) -> int | None:
    """Bytes of the files in the folders of all inputs, of all versions, as on disk.

    None where an input does not lie on this machine, or where more than ``most_files`` would have
    to be counted.
    """
    total = 0
    files = 0
    for source in plan.inputs:
        location = source.table.location
        if location is None or "://" in location:
            return None
        for size in _sizes(location):
            total, files = total + size, files + 1
            if files > most_files:
                return None
    return total


def _sizes(location: str) -> Iterator[int]:
    if os.path.isfile(location):
        yield os.path.getsize(location)
    for folder, _, names in os.walk(location):
        for name in names:
            try:
                yield os.path.getsize(os.path.join(folder, name))
            except OSError:  # gone since; planning or reading tells if it matters
                continue
