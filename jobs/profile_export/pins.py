"""Can a pinned input still be read as it was? Answered from logs, listings and footers alone."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from profile_export.engines.pinned_files import lost_files
from profile_export.errors import JobFailed, Problem, Refused
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.schema import Struct, ddl, from_json
from profile_export.storage import Folder, reason
from profile_export.tables import (
    TableInfo,
    first_line,
    inspect_table,
    is_elsewhere,
    without_place,
)
from profile_export.tables.log_files import empty_commit

JOB = "JOB"
"""How messages name the argument that the pins come from."""
_WITHOUT = "the table's log does not have it"
_IN_SILENCE = ("input-changed", "input-unreadable")
"""What an engine would not notice; it fails by itself where something is missing."""


def see_unchanged(plan: ExportPlan, *, named_info: Callable[[TableRef], TableInfo]) -> None:
    """See that the inputs of a plan that was made a while ago are still those tables (S28).

    What is known by name only and is no Delta table is its catalog's matter.

    Args:
        plan: The plan.
        named_info: What a table that is known by name only is now.

    Raises:
        JobFailed: ``input-changed``, ``input-unreadable``; as ``named_info`` does.
    """
    for source in plan.inputs:
        if source.table.location is not None:
            found = pin_problems(source, locate=_located, files=False)
        else:
            found = _of_name(source, named_info)
        for problem in found:
            if problem.code in _IN_SILENCE:
                raise JobFailed(
                    f"{problem.detail} Restore it, or submit the export again as a new job.",
                    code=problem.code,
                )


def _located(table: TableRef) -> str:
    return str(table.location)


def _of_name(source: Input, info: Callable[[TableRef], TableInfo]) -> Iterator[Problem]:
    """Asked of the catalog alone: what it has may lie where only the engine reads."""
    if source.table_id is not None and info(source.table).table_id != source.table_id:
        yield _another(f"Dataset {source.name} ({source.dataset_id})", source)


def pin_problems(
    source: Input,
    *,
    locate: Callable[[TableRef], str],
    table_info: Callable[[TableRef], TableInfo] = inspect_table,
    files: bool = True,
) -> Iterator[Problem]:
    """Why ``source`` cannot be read at its pinned version any more; nothing where it can.

    A Delta version needs its entries of the log and each of its files (VACUUM deletes those). A
    Parquet folder has no version: only its columns can be looked at, and which files are left; of a
    table of a catalog that is no Delta table, a view perhaps, its columns.

    Args:
        source: With the table where it lies now.
        locate: The location of a Delta table that is known by name only.
        table_info: What any table is now.
        files: Look for each file too, by a listing of the whole table.
    """
    name = f"Dataset {source.name} ({source.dataset_id})"
    try:
        if source.version is None:
            now = table_info(source.table)
            yield from _changed(name, now.columns, source)
            yield from _rewritten(name, now.files, source)
            if files and source.table.location is not None:
                yield from _without_files(name, source.table.location, source)
            return
        location = source.table.location or locate(source.table)
        yield from _of_version(name, location, source, source.version, files=files)
    except Refused as error:
        for problem in error.problems:
            yield Problem(problem.code, f"{name}: {problem.detail}", parameter=JOB)
    except OSError as error:
        yield _closed(name, source, reason(error) or "input or output error")


def _of_version(
    name: str, location: str, source: Input, version: int, *, files: bool
) -> Iterator[Problem]:
    try:
        table = DeltaTable(location, version=version)
        columns = from_json(json.loads(table.schema().to_json()))
        needed = pa.table(table.get_add_actions()).column("path").to_pylist() if files else []
        is_another = source.table_id not in (None, str(table.metadata().id))
        empty = empty_commit(location, version)
    except TableNotFoundError:
        if Folder(location).has_folder("_delta_log"):  # a version before the oldest that is left
            yield _gone(name, version, _WITHOUT)
            return
        detail = f"{name}: there is no Delta table at {source.table.display} any more."
        yield Problem("input-missing", detail, parameter=JOB)
        return
    except Exception as error:
        if why := Folder(location).closed("_delta_log"):
            yield _closed(name, source, why)
            return
        said = without_place(first_line(error), location, source.table.display)
        yield _gone(name, version, f"{_WITHOUT} ({said})")
        return
    assert isinstance(columns, Struct)
    if empty is not None:
        detail = f"{name}: {empty} of the log of {source.table.display} is empty."
        yield Problem("input-unreadable", detail, parameter=JOB)
    if is_another:
        yield _another(name, source)
    yield from _changed(name, columns, source)
    lying = {file.path for file in Folder(location).files()} if files else set()
    own = [path for path in needed if not is_elsewhere(path)]
    lost = [path for path in own if path not in lying and unquote(path) not in lying]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        yield _gone(name, version, f"its file {lost[0]}{more} was deleted (by VACUUM, perhaps)")


def _rewritten(
    name: str, now: tuple[tuple[str, ...], ...] | None, source: Input
) -> Iterator[Problem]:
    """A file whose columns are not those of the files any more that had the same before."""
    layout = {file: number for number, group in enumerate(now or ()) for file in group}
    for group in source.files or ():
        left = [file for file in group if file in layout]
        for file in left:
            if layout[file] != layout[left[0]]:
                detail = (
                    f"{name}: files {left[0]} and {file} of {source.table.display} had the same"
                    " columns when the job was made, and have not any more."
                )
                yield Problem("input-changed", detail, parameter=JOB)
                break


def _without_files(name: str, location: str, source: Input) -> Iterator[Problem]:
    if lost := lost_files(source, location):
        detail = (
            f"{name}: file {lost[0]} of {source.table.display}, which the job has read, is gone."
            " The export cannot be repeated; submit it as a new job."
        )
        yield Problem("input-missing", detail, parameter=JOB)


def _another(name: str, source: Input) -> Problem:
    detail = f"{name}: at {source.table.display} lies another table than that of the job."
    return Problem("input-changed", detail, parameter=JOB)


def _closed(name: str, source: Input, why: str) -> Problem:
    """What may not be read may be there as it was."""
    detail = (
        f"{name}: {source.table.display} cannot be read: {why}. Look at the rights of its files."
    )
    return Problem("input-unreadable", detail, parameter=JOB)


def _gone(name: str, version: int, why: str) -> Problem:
    detail = (
        f"{name}: version {version}, which the job has read, is gone: {why}. The export cannot be"
        " repeated; submit it as a new job to export what the table holds now."
    )
    return Problem("input-version-gone", detail, parameter=JOB)


def _changed(name: str, columns: Struct, source: Input) -> Iterator[Problem]:
    """Columns that the job has read and that are missing or of another type: another table."""
    for field in source.columns.fields:
        now = columns.get(field.name)
        if now != field.type:
            what = "does not exist" if now is None else f"is of type {ddl(now)}"
            detail = (
                f"{name}: column {field.name} {what}, in the job it is of type {ddl(field.type)}."
                " This is not the table that the job was made for."
            )
            yield Problem("input-changed", detail, parameter=JOB)
