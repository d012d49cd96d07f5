"""What an engine fails with becomes one sentence that a user can act on, never a trace."""

import errno
import os
import re
import shutil

from profile_export.engines import _stderr, sail_memory
from profile_export.engines.input_files import input_files
from profile_export.errors import Cancelled, ExportError, JobFailed
from profile_export.plan import ExportPlan, Input

_OURS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)
_FILES_LOOKED_AT = 2000
_BYTES_DECODED = 256 << 20
"""Per dataset, when looking for the file that broke a job: footers first, then contents."""

_DISK_FULL = re.compile(r"No space left on device|os error 28|StorageFull", re.IGNORECASE)
_STORAGE = re.compile(r"Generic LocalFileSystem error")
"""All that delta-rs says at times of a disk that has become full."""
_DISK_IS_FULL = "The disk is full: free some space and run the job again."
_FULL = 1 << 20
"""Bytes: with fewer free, a disk is as good as full."""
_MEMORY = re.compile(r"OutOfMemoryError|Java heap space|ResourcesExhausted|Resources exhausted")
_JVM_ENDED = re.compile(
    r"Error while sending or receiving|Answer from Java side is empty|stopped SparkContext"
    r"|SparkContext (was|has been) shut ?down|dagScheduler\(\)\" is null"
)
_LINK = re.compile(r"/[^ :'\"]*/profile-export-[0-9a-f]{16}/table")
"""As ``sail.py`` makes them."""
_UNREADABLE = re.compile(
    r"parquet|CANNOT_READ_FILE|FAILED_READ_FILE|corrupt|Stream removed|panicked", re.IGNORECASE
)


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
    text = _shown(root_cause(error), plan)
    if stopped or isinstance(error, KeyboardInterrupt):
        return Cancelled("The job was stopped; nothing of it is visible.")
    whole = said(error)
    is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    if is_full or _DISK_FULL.search(whole) or (_STORAGE.search(whole) and _is_full(plan)):
        return JobFailed(_DISK_IS_FULL, code="disk-full")
    if (beyond := sail_memory.exceeded(whole)) is not None:
        return beyond
    jvm_ended = isinstance(error, ConnectionError) or _is_mute(error) or _JVM_ENDED.search(text)
    if _MEMORY.search(text) or (jvm_ended and _MEMORY.search(_stderr.tail(1 << 16))):
        return JobFailed(
            "The engine ran out of memory. On spark give it more (spark.driver.memory,"
            " spark.executor.memory); inputs far beyond memory belong there. All events of a person"
            " are one row: maxEventsPerProfile limits how much memory that takes.",
            code="out-of-memory",
        )
    if jvm_ended:
        return JobFailed(
            "The engine's Java process ended while it was at work: somebody stopped it, or it ran"
            " out of memory (spark.driver.memory gives it more). Run the job again.",
            code="engine",
        )
    if (found := _broken_input(plan, decode=bool(_UNREADABLE.search(whole)))) is not None:
        return JobFailed(_shown(str(found), plan), code=found.code)
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


def unwritable(error: OSError, plan: ExportPlan) -> JobFailed:
    """The target's folder cannot take even the first note of a job."""
    if error.errno == errno.ENOSPC:
        return JobFailed(_DISK_IS_FULL, code="disk-full")
    # Arrow's own text names the path.
    why = os.strerror(error.errno) if error.errno else _shown(root_cause(error), plan)
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
        text = text.replace(place, places[place])
    return _LINK.sub("a table", text)


def said(error: BaseException) -> str:
    """``str(error)``, for which py4j asks the JVM: that may have ended."""
    try:
        return str(error)
    except Exception as refused:
        return str(refused)


def _is_mute(error: BaseException) -> bool:
    """Whether nobody can be asked any more what the error is (see :func:`said`)."""
    try:
        str(error)
    except Exception:
        return True
    return False


def root_cause(error: BaseException) -> str:
    """The last cause's own first line, without class names of Java and frames of any kind."""
    text = said(error)
    details = re.search(r'details = "([^"\n]+)', text)  # gRPC's own rendering
    if details:
        return details[1][:400]
    causes = re.findall(r"^Caused by: (.+)$", text, re.MULTILINE)
    line = causes[-1] if causes else next((x for x in text.splitlines() if x.strip()), "")
    if line.startswith("An error occurred while calling"):
        lines = text.splitlines()
        line = lines[1].removeprefix(": ") if len(lines) > 1 else line
    plain = re.sub(r"^(?:[a-z_]\w*\.)+[A-Z]\w*(?:Exception|Error): ", "", line.strip())
    return (plain or type(error).__name__)[:400]


def _broken_input(plan: ExportPlan, *, decode: bool) -> JobFailed | None:
    """The first input with a file that is missing, no whole Parquet file or, asked, undecodable."""
    for source in plan.inputs:
        try:
            folder, sizes = input_files(source)
        except Exception as error:
            return _missing(source, root_cause(error))
        names = list(sizes)[:_FILES_LOOKED_AT]
        for name in names:
            try:
                folder.parquet_rows(name)
            except FileNotFoundError:
                return _missing(source, f"its file {name} is gone")
            except Exception:
                return _unreadable(source, f"{name} is no whole Parquet file")
        spent = 0
        for name in names if decode else ():
            try:
                spent += folder.decode_parquet(name)
            except Exception:
                return _unreadable(source, f"{name} is damaged")
            if spent > _BYTES_DECODED:
                break
    return None


def _missing(source: Input, what: str) -> JobFailed:
    pinned = "" if source.version is None else f" at version {source.version}"
    return JobFailed(
        f"Dataset {source.name} ({source.dataset_id}) cannot be read{pinned}: {what}. If the table"
        " was vacuumed or replaced, submit the export again as a new job.",
        code="input-missing",
    )


def _unreadable(source: Input, what: str) -> JobFailed:
    return JobFailed(
        f"Dataset {source.name} ({source.dataset_id}) cannot be read: {what}. Restore the file, or"
        " take it out of the table.",
        code="input-unreadable",
    )
