"""``--engine auto``: the embedded engine where a plan's inputs fit in memory, else Spark.

What is estimated is what a hash join may hold: the selected columns of all inputs, uncompressed, as
Parquet footers tell. How much memory Sail takes for that was measured
(docs/decisions/0014-engine-auto.md), as was what a limit does (0015-memory-of-sail.md).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import pyarrow.parquet as pq

from profile_export.engines import _settings, sail_memory
from profile_export.engines.input_files import input_files
from profile_export.engines.sail_memory import shown
from profile_export.plan import ExportPlan, Input

SAMPLE = 16
"""Footers that are read of a table; the other files are taken to be alike, byte for byte."""
BASE_BYTES = 500 * 2**20
"""What the process takes for nothing."""
FACTOR = 3.0
"""Bytes of memory for a byte of selected columns: the worst case measured, and half of it more."""
USABLE = 0.7
"""The part of the memory that is free now which a job may take."""

COUNTED = 8
"""Under a limit, inputs that an aggregate may merge (of a graph, or with lineage) are taken to be
so much larger: the pool counts more of it than there is, and a job failed with 3.5 times the
estimate."""


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and why."""

    name: str
    reason: str


def choose(
    plan: ExportPlan, *, free: int | None = None, has_java: bool | None = None
) -> EngineChoice:
    """The engine for a plan. A wrong estimate costs time or a failed job, never a row.

    Args:
        plan: Of the job.
        free: Bytes of memory that are free; asked of the machine unless given.
        has_java: Whether Spark could start; looked up unless given.

    Raises:
        Refused: the limit of Sail's memory is no size.
    """
    limit = sail_memory.limit()
    free = free_memory() if free is None else free
    has_java = _settings.has_java() if has_java is None else has_java
    needed = memory_needed(plan)
    if needed is None:
        return EngineChoice("spark", "a table is known by name only, or its size cannot be read")
    told = f"about {shown(needed)} needed, {shown(free)} free"
    if limit is not None:
        told += f", {shown(limit)} allowed"
    if needed <= USABLE * free and (limit is None or _counted(needed, plan) <= limit):
        return EngineChoice("sail", told)
    if not has_java:
        return EngineChoice("sail", f"{told}; spark would be safer, but there is no Java")
    return EngineChoice("spark", told)


def _counted(needed: int, plan: ExportPlan) -> int:
    """What a limit must allow, for so much memory that is needed."""
    aggregated = plan.merge_policy.graph != "none" or plan.lineage
    return BASE_BYTES + (needed - BASE_BYTES) * COUNTED if aggregated else needed


def memory_needed(plan: ExportPlan) -> int | None:
    """About how many bytes the embedded engine needs for a plan; None where nobody can say."""
    total = 0.0
    for source in plan.inputs:
        try:
            selected = _selected_bytes(source, _paths(plan, source))
        except Exception:  # whatever a file system or a log says: planning or reading tells it
            return None
        if selected is None:
            return None
        total += selected
    return BASE_BYTES + int(FACTOR * total)


def free_memory() -> int:
    """Bytes that a new process can have, by the kernel and by its control group."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
    limit, used = (
        next(iter(_lines(f"/sys/fs/cgroup/memory.{name}")), "max") for name in ("max", "current")
    )
    if limit.isdigit() and used.isdigit():
        free = min(free, max(int(limit) - int(used), 0))
    return free


def _paths(plan: ExportPlan, source: Input) -> list[str]:
    """Dotted paths of a dataset that the job reads."""
    identities = [i.field for i in (source.primary_identity, *source.identities) if i]
    paths = [*identities, source.ingest_time, "_id", "identityMap"]
    if source.kind == "profile":
        paths += [source.last_updated or source.ingest_time, "segmentMembership"]
        asked = [path for path, _ in plan.output.leaves()]
    else:
        asked = [path for path, _ in plan.events.columns.leaves()] if plan.events else []
    return list(dict.fromkeys([*paths, *asked]))


def _selected_bytes(source: Input, paths: list[str]) -> float | None:
    """Uncompressed bytes of the paths in all files, from the footers of some."""
    if source.table.location is None:
        return None
    folder, sizes = input_files(source)
    selected, read = 0, 0
    for name in list(sizes)[:: max(1, ceil(len(sizes) / SAMPLE))]:
        footer = folder.parquet_footer(name)
        selected += sum(
            _of_row_group(footer.row_group(i), paths) for i in range(footer.num_row_groups)
        )
        read += sizes[name]
    return selected * (sum(sizes.values()) / read) if read else 0.0


def _of_row_group(group: pq.RowGroupMetaData, paths: list[str]) -> int:
    columns = (group.column(i) for i in range(group.num_columns))
    return sum(
        int(column.total_uncompressed_size)
        for column in columns
        if any(_is_below(column.path_in_schema, path) for path in paths)
    )


def _is_below(column: str, path: str) -> bool:
    """Whether a Parquet column is at or below a dotted path (of an array: its elements)."""
    return column == path or column.startswith(f"{path}.")


def _lines(path: str) -> Iterator[str]:
    try:
        yield from Path(path).read_text(encoding="ascii").splitlines()
    except OSError:
        return
