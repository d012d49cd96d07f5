"""S26: which targets an export goes to. Asked before anything is read, and again at each try to
commit, of the very state that the commit builds on: other writers may change it meanwhile."""

import re

from profile_export.delta_log import TargetState
from profile_export.errors import JobFailed
from profile_export.growth import grown_schema
from profile_export.outputs import BATCH_COLUMN
from profile_export.schema import Struct
from profile_export.storage import Folder, reason

_FOREIGN = re.compile(
    rf"(?!{BATCH_COLUMN}=)([^/]+=[^/]*/)*[^/]+\.parquet|metadata/[^/]+\.metadata\.json"
)
"""Files of a table of another kind: plain Parquet, Iceberg. Folders of batches may have been left
by a job that was killed."""
_EXPORTED = re.compile(r"_profile_export/\d+/manifest\.json")
"""Written behind a commit, and never without one. As in manifest.py, which knows of engines and so
of this module."""


def columns_with_export(
    state: TargetState | None, folder: Folder, *, shown: str, columns: Struct
) -> Struct:
    """The columns that a target has once it has taken an export, if it can take it.

    Args:
        state: As it is now; None where there is no table.
        folder: Where it lies or will lie.
        shown: The target, as messages name it.
        columns: Of the export, the partition column included.

    Returns:
        As ``growth.grown_schema`` says: those of the target where the export adds none.

    Raises:
        JobFailed: ``target-schema``; ``target-unreadable``: its log is gone, or there is neither a
            table nor a folder that may be looked into.
    """
    if state is None:
        _see_that_nothing_lies_there(folder, shown)
        return grown_schema(Struct(), columns)
    if state.partitions != (BATCH_COLUMN,):
        found = ", ".join(state.partitions) or "nothing"
        raise _unfit(
            f"The target {shown} is partitioned by {found}, not by {BATCH_COLUMN}: it is no export"
            " dataset."
        )
    if state.configuration.get("delta.columnMapping.mode", "none") != "none":
        raise _unfit(
            f"The target {shown} renames its columns (column mapping); exports go to plain Delta"
            " tables only."
        )
    if state.configuration.get("delta.randomizeFilePrefixes", "false").lower() == "true":
        raise _unfit(
            f"The target {shown} lets its files lie anywhere (delta.randomizeFilePrefixes), not in"
            " the folder of their batch; exports go to plain Delta tables only.",
            or_else="Unset it, or choose",
        )
    if state.constraints:  # delta-rs would commit rows that break them
        raise _unfit(
            f"The target {shown} has rules of its own for rows ({'; '.join(state.constraints)});"
            " exports go to plain Delta tables only.",
            or_else="Drop them, or choose",
        )
    return grown_schema(state.columns, columns)


def _see_that_nothing_lies_there(folder: Folder, shown: str) -> None:
    """A Delta log beside them would hide their rows from those who read it, and readers of plain
    Parquet would see both."""
    try:
        lying = [file.path for file in folder.files()]
    except OSError as error:
        why = reason(error) or "input or output error"
        raise _unreadable(
            f"The target {shown} cannot be read: {why}. Look at the rights of its folder, or choose"
            " another path for the export."
        ) from error
    if (path := next(filter(_EXPORTED.fullmatch, lying), None)) is not None:
        raise _unreadable(
            f"The target {shown} has no Delta log any more, and a new one would hide the rows of"
            f" earlier exports, of which {path} tells. Restore its _delta_log, or give the dataset"
            " another path."
        )
    if (path := next(filter(_FOREIGN.fullmatch, lying), None)) is not None:
        raise _unfit(
            f"The target {shown} is no Delta table, and its folder holds other data ({path})."
        )


def _unreadable(why: str) -> JobFailed:
    return JobFailed(why, code="target-unreadable")


def _unfit(why: str, *, or_else: str = "Choose") -> JobFailed:
    return JobFailed(f"{why} {or_else} another path for the export.", code="target-schema")
