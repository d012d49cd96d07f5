"""How Sail 0.7.2 is brought to read the values that rows have: by files, where it has to be.

Its reader of Delta tables takes some values from the log's statistics (``sail_bounds``), and cannot
read some types that Arrow has stored in files (``stored_types``). Its reader of Parquet files can
be kept from both.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from profile_export.engines.pinned_files import named_files, plain_files
from profile_export.engines.reading import ParquetFiles, Reading
from profile_export.engines.stored_types import stored_types
from profile_export.plan import Input
from profile_export.schema import Array, DataType, Map, Struct
from profile_export.storage import Folder
from profile_export.tables.parquet_files import Layout, layout_of, layouts

_READERS = 16
_MAPPING = "delta.columnMapping.mode"


def how_to_read(source: Input, *, misled: bool) -> Reading:
    """One footer of each layout of a Parquet folder; all of a plain Delta table that has lists, or
    whose statistics would be taken for values (``misled``).

    Where those are of a Delta table that cannot be read by its files, its log is read as data. But
    there Sail breaks on filters of a lambda, as they are where the primary identity is in a map.
    """
    if source.table.format == "parquet":
        files = named_files(source)
        return Reading(None if files is None else _with_stored(files))
    files = _files_of(source) if misled or _has_lists(source.columns) else None
    if files is not None and (misled or files.stored):
        return Reading(files)
    by_data = misled and source.primary_identity is not None
    options = {"metadataAsDataRead": "true"} if by_data else {}
    return Reading(options=options, tells_columns=not _maps_columns(source))


def _maps_columns(source: Input) -> bool:
    """Whether a Delta table's columns have other names in its files, or could have.

    Sail asks files for members that may not be null where the log says so, and other writers' may
    be, unless it is told the columns. But told, it does not take mapped members of lists and maps
    for what it finds. Reads the log.
    """
    try:
        table = DeltaTable(source.table.location or "", version=source.version)
        return table.metadata().configuration.get(_MAPPING, "none") != "none"
    except Exception:
        return False


def _has_lists(type_: DataType) -> bool:
    match type_:
        case Struct():
            return any(_has_lists(field.type) for field in type_.fields)
        case Map():
            return _has_lists(type_.value)
    return isinstance(type_, Array)


def _files_of(source: Input) -> ParquetFiles | None:
    """A plain Delta table's, by layout; None too where a footer cannot be read: the error of
    Delta's reader tells why."""
    plain = plain_files(source, partitioned=True)
    if plain is None:
        return None
    (names,) = plain.groups
    try:
        footers = dict(zip(names, _footers(plain, names), strict=True))
        found = {name: _layout(footer) for name, footer in footers.items()}
    except (OSError, pa.ArrowException):
        return None
    return _with_stored(replace(plain, groups=layouts(found)))


def _layout(footer: pq.FileMetaData) -> Layout:
    return layout_of(footer.schema, footer.schema.to_arrow_schema().remove_metadata())


def _with_stored(files: ParquetFiles) -> ParquetFiles:
    first = [group[0] for group in files.groups]
    found = zip(first, map(stored_types, _footers(files, first)), strict=True)
    return replace(files, stored={name: types for name, types in found if types is not None})


def _footers(files: ParquetFiles, names: Sequence[str]) -> list[pq.FileMetaData]:
    folder = Folder(files.location)
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(folder.parquet_footer, names))
