"""The files of a Parquet folder: which they are, and what their ``key=value`` folders say."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from profile_export.schema import Field

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""What a ``key=value`` folder says of null."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_INT_MAX = 2**31 - 1


@dataclass(frozen=True)
class Listed:
    """What lies at the path of a table.

    Attributes:
        data: Of each file with rows its name relative to the table -> path, in order.
        is_folder: Or else one file.
        has_delta_log: It is a Delta table: which of its files are live, only its log says.
    """

    data: Mapping[str, str]
    is_folder: bool = True
    has_delta_log: bool = False


def listed(filesystem: pafs.FileSystem, root: str) -> Listed | None:
    """What lies at a path, by one listing; None where there is nothing."""
    info = filesystem.get_file_info(root)
    if info.type == pafs.FileType.NotFound:
        return None
    if info.type == pafs.FileType.File:
        return Listed({info.base_name: root}, is_folder=False)
    found = {
        entry.path[len(root) :].strip("/"): entry.path
        for entry in filesystem.get_file_info(pafs.FileSelector(root, recursive=True))
        if entry.type == pafs.FileType.File
    }
    data = {name: path for name, path in sorted(found.items()) if _is_data(name)}
    return Listed(data, has_delta_log=any(n.rpartition("/")[0] == "_delta_log" for n in found))


def _is_data(name: str) -> bool:
    """Spark skips what starts with ``_`` or ``.``, save a partition column that does."""
    return all(not part.startswith((".", "_")) or "=" in part for part in name.split("/"))


Layout: TypeAlias = tuple[pa.Schema, tuple[str, ...]]
"""Columns as Arrow sees them, and the paths of their leaves. These tell what entries of maps and
elements of lists are called, which to Arrow is all the same, and to Sail is not."""


def layout_of(schema: pq.ParquetSchema, columns: pa.Schema) -> Layout:
    return columns, tuple(schema.column(leaf).path for leaf in range(len(schema.names)))


def layouts(files: Mapping[str, Layout]) -> tuple[tuple[str, ...], ...]:
    """Files by partition and by columns as they are written: what Sail can read together."""
    groups: dict[tuple[str, Layout], list[str]] = {}
    for name, layout in files.items():
        groups.setdefault((name.rpartition("/")[0], layout), []).append(name)
    return tuple(map(tuple, groups.values()))


def partition_values(name: str) -> dict[str, str | None]:
    """What the ``key=value`` folders of a file say: a value as text, or null."""
    pairs = (part.partition("=") for part in name.split("/")[:-1] if "=" in part)
    return {
        unquote(key): None if value == NULL_PARTITION else unquote(value) for key, _, value in pairs
    }


def partition_columns(names: Iterable[str]) -> list[Field]:
    """Columns of ``key=value`` folders: whole numbers, dates, else text (as Spark infers them)."""
    values: dict[str, list[str]] = {}
    for name in names:
        for key, value in partition_values(name).items():
            known = values.setdefault(key, [])
            if value is not None:
                known.append(value)
    return [Field(key, _partition_type(found)) for key, found in values.items()]


def _partition_type(known: list[str]) -> str:
    if known and all(_WHOLE.fullmatch(value) for value in known):
        return "integer" if all(abs(int(value)) <= _INT_MAX for value in known) else "long"
    return "date" if known and all(map(_is_date, known)) else "string"


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:  # the 30th of February, say
        return False
