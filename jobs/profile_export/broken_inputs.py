"""Which input has broken a job: engines seldom say it, so its files are looked into."""

from profile_export.engine_words import said
from profile_export.engines.input_files import input_files
from profile_export.errors import JobFailed
from profile_export.plan import ExportPlan, Input
from profile_export.storage import Folder
from profile_export.tables import is_elsewhere

_FILES_LOOKED_AT = 2000
_BYTES_DECODED = 256 << 20
"""Per dataset: footers first, then contents."""


def broken_input(plan: ExportPlan, *, decode: bool, is_lost: bool) -> JobFailed | None:
    """The error of the first input with a file that is missing, closed, or no whole Parquet file.

    Costs the footers of some files of each input; contents only where that is asked for.

    Args:
        plan: Of the job.
        decode: Look for files that cannot be decoded, too.
        is_lost: Whether sail says that it has not found a file.

    Returns:
        ``input-missing``, ``input-unreadable``; None where no such file was found.
    """
    for source in plan.inputs:
        try:
            folder, sizes = input_files(source)
        except Exception as error:
            return _missing(source, said(error).root_cause)
        names = [name for name in sizes if not is_elsewhere(name)]
        if is_lost and len(names) < len(sizes):
            return _cloned(source)
        names = names[:_FILES_LOOKED_AT]
        for name in names:
            try:
                folder.parquet_rows(name)
            except FileNotFoundError:
                return _missing(source, f"its file {name} is gone")
            except PermissionError:
                return _closed(source, name)
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


def coded_input(plan: ExportPlan, coding: str) -> JobFailed | None:
    """The error of the first input with a file that is compressed or encoded as ``coding``, which
    an engine does not know; None where none is. Costs footers."""
    for source in plan.inputs:
        try:
            folder, sizes = input_files(source)
            files = (name for name in list(sizes)[:_FILES_LOOKED_AT] if not is_elsewhere(name))
            name = next((name for name in files if coding in _codings(folder, name)), None)
        except Exception:
            continue  # which of them is broken is another question
        if name is not None:
            return JobFailed(
                f"Dataset {source.name} ({source.dataset_id}) cannot be read: {name} has columns"
                f" that are compressed or encoded as {coding}, which this engine does not know."
                " Write the file otherwise, or run the job with --engine sail.",
                code="input-unreadable",
            )
    return None


def _codings(folder: Folder, name: str) -> set[str]:
    footer = folder.parquet_footer(name)
    groups = (footer.row_group(number) for number in range(footer.num_row_groups))
    columns = (group.column(number) for group in groups for number in range(group.num_columns))
    return {word for column in columns for word in (column.compression, *column.encodings)}


def _missing(source: Input, what: str) -> JobFailed:
    pinned = "" if source.version is None else f" at version {source.version}"
    return JobFailed(
        f"Dataset {source.name} ({source.dataset_id}) cannot be read{pinned}: {what}. If the table"
        " was vacuumed or replaced, submit the export again as a new job.",
        code="input-missing",
    )


def _cloned(source: Input) -> JobFailed:
    return JobFailed(
        f"Dataset {source.name} ({source.dataset_id}) cannot be read: its log names files of"
        " another place, as that of a shallow clone does, which the engine sail does not follow."
        " Run the job with --engine spark, or copy the table (a deep clone).",
        code="input-unreadable",
    )


def _closed(source: Input, file: str) -> JobFailed:
    return JobFailed(
        f"Dataset {source.name} ({source.dataset_id}) cannot be read: {file} may not be read"
        " (Permission denied). Look at its rights.",
        code="input-unreadable",
    )


def _unreadable(source: Input, what: str) -> JobFailed:
    return JobFailed(
        f"Dataset {source.name} ({source.dataset_id}) cannot be read: {what}. Restore the file, or"
        " take it out of the table.",
        code="input-unreadable",
    )
