"""How much memory the embedded engine may hold: ``PROFILE_EXPORT_SAIL_MEMORY``.

The limit is that of DataFusion's memory pool, which Sail computes with. Sorts, windows, most
groupings and merge joins spill to the folder for temporary files once the pool is full; what cannot
spill fails the job. Measured in docs/decisions/0015-memory-of-sail.md.
"""

import os
import re

from profile_export.errors import JobFailed, Problem, Refused

VARIABLE = "PROFILE_EXPORT_SAIL_MEMORY"
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?([KMGT])(iB|B)?", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_POOL_IS_FULL = re.compile(r"Failed to allocate additional .* total memory pool")
_TEMPORARY_FILES_ARE_FULL = "disk space during the spilling"

_in_force: int | None = None


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
    return int(float(found[1]) * base ** _POWERS[found[2].lower()]) or None


def put_in_force() -> None:
    """Tell the server that this process starts next; without a limit nothing is told.

    Sail has no other way in than the environment. What the user tells it there by its own names,
    say how much room spilled data may take, stays.

    Raises:
        Refused: the variable is no size.
    """
    global _in_force
    _in_force = limit()
    if _in_force is None:
        return
    # "fair" shares the pool between what can spill, so that no sort leaves the next one nothing.
    os.environ["SAIL_RUNTIME__MEMORY_POOL__TYPE"] = "fair"
    os.environ["SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE"] = str(_in_force)
    # Hash joins hold one side and cannot spill it; merge joins of sorted sides can.
    os.environ.setdefault("SAIL_OPTIMIZER__PREFER_HASH_JOIN", "false")


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
        f"The engine sail may hold {shown(_in_force)} of memory ({VARIABLE}), and the job needs more"
        " in a step that cannot spill: set a higher limit, or run with --engine spark.",
        code="out-of-memory",
    )


def shown(size: int) -> str:
    """Bytes as people read them: 512 MiB, 2.5 GiB."""
    if size >= 2**30:
        return f"{size / 2**30:.1f} GiB"
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
