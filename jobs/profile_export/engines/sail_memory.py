"""How much memory the embedded engine may hold: ``PROFILE_EXPORT_SAIL_MEMORY``.

The limit is that of DataFusion's memory pool, which Sail computes with. Sorts, the merge joins that
take the place of hash joins under a limit, and most groupings spill once the pool is full, to the
folder for temporary files (``TMPDIR``). A step that cannot spill fails the job.
Measured in docs/decisions/0015-memory-of-sail.md.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from profile_export.errors import JobFailed, Problem, Refused

VARIABLE = "PROFILE_EXPORT_SAIL_MEMORY"
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([KMGT])(iB|B)?", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_LARGEST = 2**60
"""Sail counts in 64 bits, and does not start with more."""
_POOL_IS_FULL = re.compile(
    r"for the total memory pool: |datafusion\.runtime\.memory_limit"
    r"|hash aggregate ran out of memory"
)
_TEMPORARY_FILES_ARE_FULL = "disk space during the spilling"

_POOL = "SAIL_RUNTIME__MEMORY_POOL__{}"
_HASH_JOINS = "SAIL_OPTIMIZER__PREFER_HASH_JOIN"
_SPILL_TO = "SAIL_RUNTIME__TEMPORARY_FILES__PATHS"

_PARTS = "SAIL_EXECUTION__DEFAULT_PARALLELISM"
_BATCH = "SAIL_EXECUTION__BATCH_SIZE"
_ROWS = 16384
_FEWEST_PARTS = 8
_PART_BYTES = 20 * 2**20
"""Of the inputs' Parquet: some 150,000 ids of events, whose table is a megabyte or two."""
_PARTS_BETWEEN = (8, 256)
_PARTS_OF_UNKNOWN = 32

_in_force: int | None = None


def parts(input_bytes: int | None) -> int:
    """Into how many parts rows are moved by key: so many that the groups of one stay in the
    processor's cache (docs/decisions/0021); as many as cores where memory is limited, since each
    part of a sort reserves 10 MB.

    Args:
        input_bytes: ``input_size.total_bytes`` of the job.
    """
    if _in_force is not None:
        return os.cpu_count() or 1
    if input_bytes is None:
        return _PARTS_OF_UNKNOWN
    fewest, most = _PARTS_BETWEEN
    return min(max(input_bytes // _PART_BYTES, fewest), most)


def limit() -> int | None:
    """The limit in bytes; None where none is set.

    Raises:
        Refused: the variable is no size.
    """
    written = os.environ.get(VARIABLE, "").strip()
    if not written:
        return None
    size = _size(written)
    if size is None:
        detail = (
            f"{written!r} is no size of memory: write a number and its unit, as 2GiB or 512MB;"
            " without the variable there is no limit."
        )
        raise Refused([Problem("bad-setting", detail, parameter=VARIABLE)])
    return size


def _size(written: str) -> int | None:
    """Bytes. ``2g`` is ``2GiB``, as Spark has it; ``2GB`` are 2,000,000,000."""
    found = _SIZE.fullmatch(written)
    if found is None:
        return None
    base = 1000 if (found[3] or "").lower() == "b" else 1024
    size = int(float(found[1]) * base ** _POWERS[found[2].lower()])
    return size if 0 < size < _LARGEST else None


def in_force() -> int | None:
    """The limit in bytes of the server that was started last; None where it has none."""
    return _in_force


@contextmanager
def told(size: int | None, spill: str) -> Iterator[None]:
    """While it lasts, a server that is started has this limit; without one, more and larger parts.

    Sail has no other way in than the environment. What the user tells it there by its own names,
    say how much room spilled data may take, stays.

    Args:
        size: In bytes.
        spill: The folder to spill to; the user's own ones go before it.
    """
    global _in_force
    _in_force = size
    ours = _unlimited() if size is None else _limited(size, spill)
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _unlimited() -> dict[str, str]:
    """More parts than cores, so that one that takes long keeps no core waiting (0021)."""
    parts = str(max(_FEWEST_PARTS, os.cpu_count() or 1))
    return {_PARTS: os.environ.get(_PARTS, parts), _BATCH: os.environ.get(_BATCH, str(_ROWS))}


def _limited(size: int, spill: str) -> dict[str, str]:
    # The pool called "fair" gives each step that could spill an equal part, used or not: of a plan
    # of many small steps nobody had enough, and the demo failed with 1 GiB (measured).
    ours = {_POOL.format("TYPE"): "greedy", _POOL.format("GREEDY__MAX_SIZE"): str(size)}
    # A hash join holds one side and cannot spill it; a merge join sorts both, and sorts spill.
    ours[_HASH_JOINS] = os.environ.get(_HASH_JOINS, "false")
    if _SPILL_TO not in os.environ:
        ours[_SPILL_TO] = json.dumps([spill], ensure_ascii=False)
    return ours


def exceeded(text: str) -> JobFailed | None:
    """The error for a job that an engine gave up over its limit; None if it was something else.

    Args:
        text: What the engine has said.
    """
    if _TEMPORARY_FILES_ARE_FULL in text:
        return JobFailed(
            "The engine sail has spilled as much as it may. Let it spill more"
            " (SAIL_RUNTIME__TEMPORARY_FILES__MAX_SIZE, in bytes) or hold more in memory"
            f" ({VARIABLE}), or run with --engine spark.",
            code="out-of-memory",
        )
    if _POOL_IS_FULL.search(text) is None or _in_force is None:
        return None
    return JobFailed(
        f"The engine sail may hold {shown(_in_force)} of memory ({VARIABLE}), and this needs more"
        " in a step that cannot spill: set a higher limit, or run with --engine spark.",
        code="out-of-memory",
    )


def shown(size: int) -> str:
    """Bytes as people read them: 512 MiB, 2.5 GiB."""
    if size >= 2**30:
        return f"{size / 2**30:.1f} GiB"
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
