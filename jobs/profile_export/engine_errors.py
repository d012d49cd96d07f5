"""What an engine fails with becomes one sentence that a user can act on, never a trace."""

import errno
import os
import re
import shutil

from profile_export.broken_inputs import broken_input, coded_input
from profile_export.engine_words import said
from profile_export.engines import sail_memory, stderr
from profile_export.errors import Cancelled, ExportError, JobFailed
from profile_export.plan import ExportPlan
from profile_export.storage import Folder
from profile_export.tables import without_place

_OURS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)
_DISK_FULL = re.compile(r"No space left on device|os error 28|StorageFull", re.IGNORECASE)
_STORAGE = re.compile(r"Generic LocalFileSystem error")
"""All that delta-rs says at times of a disk that has become full, or of a folder that is closed."""
_DENIED = re.compile(r"Permission denied|os error 13")
_DISK_IS_FULL = "The disk is full: free some space and run the job again."
_FULL = 1 << 20
"""Bytes: with fewer free, a disk is as good as full."""
_MEMORY = re.compile(
    r"OutOfMemoryError|Java heap space|ResourcesExhausted|Resources exhausted"
    r"|ExecutorLostFailure.*\bexit(?:ed with)?(?: a non-zero exit)? code 52\b"  # Spark's own for it
)
_LINK = re.compile(r"/[^ :'\"]*/profile-export-[0-9a-f]{16}/table")
"""As ``sail.py`` makes them."""
_UNREADABLE = re.compile(
    r"parquet|CANNOT_READ_FILE|FAILED_READ_FILE|corrupt|Stream removed|panicked", re.IGNORECASE
)

_CODING = re.compile(r"\bcompress\.(\w+)Codec\b|Unsupported encoding: (\w+)")
"""What Spark says of a codec or an encoding of Parquet files that it has not (Brotli)."""


def translate(error: BaseException, plan: ExportPlan, *, stopped: bool) -> ExportError:
    """An error of this project, whatever came.

    Engines seldom say which dataset broke a job, so its files are looked into.

    Args:
        error: What a stage, the engine or the storage raised.
        plan: Of the job, to name datasets.
        stopped: Whether the job was asked to stop, so that a broken-off call is no failure.
    """
    if isinstance(error, ExportError):
        return error
    if stopped or isinstance(error, KeyboardInterrupt):
        return Cancelled("The job was stopped; nothing of it is visible.")
    words = said(error)
    whole, text = words.text, _shown(words.root_cause, plan)
    is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    if is_full or _DISK_FULL.search(whole) or (_STORAGE.search(whole) and _is_full(plan)):
        return JobFailed(_DISK_IS_FULL, code="disk-full")
    if (beyond := sail_memory.exceeded(whole)) is not None:
        return beyond
    if _MEMORY.search(text) or (words.of_ended_jvm and _MEMORY.search(stderr.tail(1 << 16))):
        return JobFailed(
            "The engine ran out of memory. On spark give it more (spark.driver.memory,"
            " spark.executor.memory); inputs far beyond memory belong there. All events of a person"
            " are one row: maxEventsPerProfile limits how much memory that takes.",
            code="out-of-memory",
        )
    if words.of_ended_jvm:
        return JobFailed(
            "The engine's Java process ended while it was at work: somebody stopped it, or it ran"
            " out of memory (spark.driver.memory gives it more). Run the job again.",
            code="engine",
        )
    if (coding := _CODING.search(whole)) is not None:
        unknown = coded_input(plan, (coding[1] or coding[2]).upper())
        if unknown is not None:
            return unknown
    decode, is_lost = bool(_UNREADABLE.search(whole)), "Object at location" in whole
    if (found := broken_input(plan, decode=decode, is_lost=is_lost)) is not None:
        return JobFailed(_shown(str(found), plan), code=found.code)
    if (_DENIED.search(whole) or _STORAGE.search(whole)) and _is_closed(plan):
        return unwritable(PermissionError(errno.EACCES, ""), plan)
    if isinstance(error, _OURS):
        return JobFailed(
            f"A fault in the export itself ({type(error).__name__}: {text}). Please report it.",
            code="internal-error",
        )
    return JobFailed(f"The engine could not do the job: {text}", code="engine")


def _is_full(plan: ExportPlan) -> bool:
    try:
        return shutil.disk_usage(plan.target.table.location or "/").free < _FULL
    except OSError:
        return False


def _is_closed(plan: ExportPlan) -> bool:
    """Whether this user may not write into the target, or its log."""
    location = plan.target.table.location
    local = None if location is None else Folder(location).local
    folders = () if local is None else (local, local / "_delta_log")
    return any(folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK) for folder in folders)


def unwritable(error: OSError, plan: ExportPlan) -> JobFailed:
    """The target's folder cannot take even the first note of a job."""
    if error.errno == errno.ENOSPC:
        return JobFailed(_DISK_IS_FULL, code="disk-full")
    # Arrow's own text names the path.
    why = os.strerror(error.errno) if error.errno else _shown(said(error).root_cause, plan)
    return JobFailed(
        f"The target {plan.target.table.display} cannot be written: {why}. Make its"
        " folder one that this user may write to, or give the dataset another path.",
        code="target-unwritable",
    )


def _shown(text: str, plan: ExportPlan) -> str:
    """A text in which tables have the names that the user gave them: where they lie is ours."""
    tables = [plan.target.table, *(source.table for source in plan.inputs)]
    places = {table.location: table.display for table in tables if table.location is not None}
    for place in sorted(places, key=len, reverse=True):
        text = without_place(text, place, places[place])
    return _LINK.sub("a table", text)
