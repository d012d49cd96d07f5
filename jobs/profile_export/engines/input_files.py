"""The files of an input at its pinned version, and how large they are, whatever kind of table."""

from collections.abc import Mapping
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from profile_export.plan import Input
from profile_export.storage import Folder, filesystem_of
from profile_export.tables.parquet_files import listed


def input_files(source: Input) -> tuple[Folder, Mapping[str, int]]:
    """Where an input's files lie, and their sizes in bytes by their path below it, in order.

    Reads the log of a Delta table, and lists the folder of a Parquet one. Nothing of a table that
    is known by name.

    Raises:
        FileNotFoundError: there is nothing at its path.
        DeltaError: the pinned version cannot be read.
    """
    location = source.table.location
    if location is None:
        return Folder("/"), {}
    if source.table.format == "delta":
        added = DeltaTable(location, version=source.version).get_add_actions(flatten=True)
        rows = pa.table(added).select(["path", "size_bytes"]).to_pylist()
        sizes = {unquote(row["path"]): int(row["size_bytes"]) for row in rows}
        return Folder(location), dict(sorted(sizes.items()))
    filesystem, root = filesystem_of(location)
    found = listed(filesystem, root)
    if found is None:
        raise FileNotFoundError("there is nothing at its path")
    folder = Folder(location if found.is_folder else location.rpartition("/")[0])
    infos = filesystem.get_file_info(list(found.data.values()))
    return folder, {name: int(info.size) for name, info in zip(found.data, infos, strict=True)}
