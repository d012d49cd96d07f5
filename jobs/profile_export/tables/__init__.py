"""What a table is now: columns and version, read from its metadata without any engine."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from profile_export.errors import Problem, Refused
from profile_export.plan import TableRef
from profile_export.schema import Struct, from_json

if TYPE_CHECKING:
    from deltalake import DeltaTable

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_GAP = re.compile(r"found gap: .*\bversion: (\d+).* -> .*\bversion: (\d+)")
"""Of a log, as delta-rs says it: between two structs of Rust with whole addresses."""


@dataclass(frozen=True)
class TableInfo:
    """What a table is now: its columns, and its newest version or its files (S28)."""

    columns: Struct
    version: int | None
    files: tuple[tuple[str, ...], ...] | None = None
    """As :attr:`profile_export.plan.Input.files`."""
    table_id: str | None = None
    """As :attr:`profile_export.plan.Input.table_id`."""


def inspect_table(table: TableRef, *, own_files_only: bool = False) -> TableInfo:
    """Columns and newest version of a table that has a location. Reads metadata only.

    Args:
        table: A Delta table; or a Parquet file or folder, ``key=value`` folders being columns.
        own_files_only: Refuse a Delta table of which a live file lies outside of its folder; looks
            at each file on this machine.

    Raises:
        Refused: ``table-missing`` or ``table-unreadable``, saying which table and what to do.
    """
    if table.location is None:
        detail = (
            f"Table {table.display!r} is known by name only, which needs the spark engine; "
            "give a path, or run with --engine spark."
        )
        raise Refused([Problem("table-unreadable", detail)])
    if table.format == "delta":
        return _delta(table, table.location, own_files_only=own_files_only)
    # Only if needed: pyarrow costs 0.4 s.
    from profile_export.tables.parquet_schema import inspect_parquet

    return inspect_parquet(table)


def _delta(table: TableRef, location: str, *, own_files_only: bool) -> TableInfo:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    from profile_export.storage import Folder
    from profile_export.tables.log_files import empty_commit

    try:
        found = DeltaTable(location)
        columns = from_json(json.loads(found.schema().to_json()))
        version, table_id = found.version(), str(found.metadata().id)
        empty = empty_commit(location, version)
    except TableNotFoundError:
        raise missing(table, _why_missing(location)) from None
    except (DeltaError, OSError, ValueError, TypeError, KeyError) as error:
        why = Folder(location).closed("_delta_log") or first_line(error)
        raise unreadable(table, why) from None
    if not isinstance(columns, Struct):
        raise unreadable(table, "its schema is not a struct")
    if empty is not None:
        raise unreadable(table, f"{empty} of its log is empty; restore it")
    if own_files_only and _has_files_elsewhere(found, location):
        raise unreadable(table, "a file of it lies outside of its folder")
    return TableInfo(columns, version, table_id=table_id)


def is_elsewhere(path: str) -> bool:
    """Whether the path of a file in a log names another place than the table's folder, as those of
    a shallow clone do."""
    return "://" in path or path.startswith(("/", "file:")) or ".." in path.split("/")


def _has_files_elsewhere(table: "DeltaTable", location: str) -> bool:
    """Whether the log names another place for a live file, or a link leads there."""
    import pyarrow as pa

    from profile_export.storage import Folder

    local = Folder(location).local
    root = None if local is None else local.resolve()
    for path in pa.table(table.get_add_actions()).column("path").to_pylist():
        for name in {path, unquote(path)}:  # libraries do not agree on which it is
            if is_elsewhere(name) or (root and not (root / name).resolve().is_relative_to(root)):
                return True
    return False


def _why_missing(location: str) -> str:
    if "://" in location or not Path(location).exists():
        return "there is nothing at that path"
    if any(Path(location).rglob("*.parquet")):
        return "there are Parquet files but no _delta_log (format parquet, perhaps)"
    return "there is no _delta_log in it"


def missing(table: TableRef, why: str) -> Refused:
    """The error for a table that is not there."""
    hint = "Check the path in the sandbox file, or write the table first."
    detail = f"The {table.format} table {table.display!r} does not exist: {why}. {hint}"
    return Refused([Problem("table-missing", detail)])


def unreadable(table: TableRef, why: str) -> Refused:
    """The error for a table that is there and cannot be used."""
    if table.location is not None:
        why = without_place(why, table.location, table.display)
    detail = f"The {table.format} table {table.display!r} cannot be read: {why}."
    return Refused([Problem("table-unreadable", detail)])


def first_line(error: Exception) -> str:
    """The sentence of a library's error, without its stack and colours."""
    lines = _COLOURS.sub("", str(error)).strip().splitlines() or [type(error).__name__]
    if gap := _GAP.search(lines[0]):
        return f"Between versions {gap[1]} and {gap[2]} of the log commits are missing"
    return lines[0].strip().rstrip(".")


def without_place(said: str, location: str, shown: str) -> str:
    """What a library says of a table, which tells where it looked: that is not for clients.

    Args:
        said: Its words.
        location: Of the table; in an address some letters of it are percent-encoded.
        shown: What the table is called in place of it.
    """
    plain = unquote(said)
    return (plain if location in plain else said).replace(location, shown)
