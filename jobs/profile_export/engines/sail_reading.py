"""How Sail 0.7.2 is brought to read the values that rows have: by files, where it has to be.

Its reader of Delta tables takes some values from the log's statistics (``sail_bounds``), and cannot
read some types that Arrow has stored in files (``stored_types``). Its reader of Parquet files can
be kept from both.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from profile_export.engines import sail_bounds
from profile_export.engines.input_files import input_files
from profile_export.engines.pinned_files import named_files, pinned_table, plain_files
from profile_export.engines.reading import ParquetFiles, Reading
from profile_export.engines.stored_types import stored_types
from profile_export.plan import Input
from profile_export.schema import Array, contains
from profile_export.storage import Folder
from profile_export.tables.parquet_files import Layout, layout_of, layouts, partition_values

_READERS = 16
_MAPPING = "delta.columnMapping.mode"

_Footers: TypeAlias = dict[str, pq.FileMetaData]


def how_to_read(source: Input) -> Reading:
    """Reads the log of a Delta table, once, and the footers of a plain one's files where it has
    lists, or statistics that would be taken for values; of a Parquet folder those of one file of
    each layout, and of all where there are columns that statistics could mislead about.
    """
    if source.table.format == "parquet":
        files = named_files(source)
        misled = sail_bounds.mislead(source, None)
        if files is None:
            return Reading(keys=_keys(source), misled=misled)
        return Reading(_with_stored(files), misled=misled)
    table = pinned_table(source)
    return Reading(tells_columns=True) if table is None else _of_delta(source, table)


def _keys(source: Input) -> Sequence[str]:
    """Columns of the ``key=value`` folders of a Parquet folder: all its files lie in such ones."""
    _, sizes = input_files(source)
    return tuple(partition_values(next(iter(sizes), "")))


def _of_delta(source: Input, table: DeltaTable) -> Reading:
    """By its files where that is needed and can be. Else the log is read as data where statistics
    would be taken for values, unless the primary identity is in a map: there Sail breaks on filters
    of a lambda.

    Sail asks files for members that may not be null where the log says so, and other writers' may
    be, unless it is told the columns. But told, it does not take mapped members of lists and maps
    for what it finds.
    """
    misled = sail_bounds.mislead(source, table)
    files = _files_of(source, table) if misled or contains(source.columns, Array) else None
    if files is not None and (misled or files.stored):
        return Reading(files, misled=misled)
    by_data = misled and source.primary_identity is not None
    options = {"metadataAsDataRead": "true"} if by_data else {}
    is_mapped = table.metadata().configuration.get(_MAPPING, "none") != "none"
    return Reading(options=options, tells_columns=not is_mapped)


def _files_of(source: Input, table: DeltaTable) -> ParquetFiles | None:
    """A plain Delta table's, by layout; None too where a footer cannot be read: the error of
    Delta's reader tells why."""
    plain = plain_files(source, table, partitioned=True)
    if plain is None:
        return None
    (names,) = plain.groups
    try:
        footers = _footers(plain, names)
    except (OSError, pa.ArrowException):
        return None
    found = layouts({name: _layout(footer) for name, footer in footers.items()})
    return replace(plain, groups=found, stored=_stored(found, footers))


def _layout(footer: pq.FileMetaData) -> Layout:
    return layout_of(footer.schema, footer.schema.to_arrow_schema().remove_metadata())


def _with_stored(files: ParquetFiles) -> ParquetFiles:
    footers = _footers(files, [group[0] for group in files.groups])
    return replace(files, stored=_stored(files.groups, footers))


def _stored(groups: Sequence[Sequence[str]], footers: _Footers) -> dict[str, pa.Schema]:
    found = {group[0]: stored_types(footers[group[0]]) for group in groups}
    return {name: types for name, types in found.items() if types is not None}


def _footers(files: ParquetFiles, names: Sequence[str]) -> _Footers:
    folder = Folder(files.location)
    with ThreadPoolExecutor(_READERS) as pool:
        return dict(zip(names, pool.map(folder.parquet_footer, names), strict=True))
