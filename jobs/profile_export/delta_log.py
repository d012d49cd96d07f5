"""What a Delta table's log says of the table as it is now. No engine, no JVM."""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from profile_export.errors import JobFailed
from profile_export.outputs import BATCH_COLUMN
from profile_export.schema import Struct, from_json
from profile_export.storage import Folder
from profile_export.tables import first_line, without_place

_CHECKPOINT = re.compile(r"\d{20}\.checkpoint\.[^/]*parquet$")
_CHECK = "delta.constraints."
_RULES = (
    *("delta.invariants", "delta.generationExpression", "delta.identity."),
    "__CHAR_VARCHAR_TYPE_STRING",
    "CURRENT_DEFAULT",
)
_FORGETS = "delta.setTransactionRetentionDuration"
"""A table that is told so loses application transactions that are as old."""


@dataclass(frozen=True)
class TargetState:
    """A target as it is now. ``table`` is delta-rs's handle on that very version, ``constraints``
    what rows must fulfil, as its owner knows it."""

    version: int
    columns: Struct
    partitions: tuple[str, ...]
    configuration: dict[str, str]
    constraints: tuple[str, ...]
    table: DeltaTable
    folder: Folder

    def has_committed(self, app_id: str) -> bool:
        """Whether the application transaction is in this state, or was before the table forgot it.

        Costs the reading of all commits where the table forgets any.
        """
        if self.table.transaction_version(app_id) is not None:
            return True
        return _FORGETS in self.configuration and has_transaction(self.folder, f'"{app_id}"')

    def live_files(self, batch_ids: Collection[str] | None = None) -> set[str]:
        """The data files that readers see (as of these batches), as paths in the table."""
        adds = pa.table(self.table.get_add_actions(flatten=True))
        paths = [unquote(path) for path in adds.column("path").to_pylist()]
        if batch_ids is None:
            return set(paths)
        partition = f"partition.{BATCH_COLUMN}"
        if partition not in adds.column_names:
            return set()
        owners = adds.column(partition).to_pylist()
        return {path for path, owner in zip(paths, owners, strict=True) if owner in batch_ids}


def look(location: str) -> TargetState | None:
    """The newest state of the table at ``location``; None where there is no table.

    Raises:
        JobFailed: ``target-unreadable`` where there is one that cannot be read.
    """
    try:
        table = DeltaTable(location)
        metadata, schema = table.metadata(), json.loads(table.schema().to_json())
        configuration = dict(metadata.configuration)
        return TargetState(
            table.version(),
            cast(Struct, from_json(schema)),
            tuple(metadata.partition_columns),
            configuration,
            (*_checks(configuration), *_column_rules(schema)),
            table,
            Folder(location),
        )
    except TableNotFoundError:
        return None
    except Exception as error:
        why = Folder(location).closed("_delta_log") or first_line(error)
        for place in (location, os.path.realpath(location)):  # a link is told as what it leads to
            why = without_place(why, place, "its folder")
        raise unreadable_log(why) from error


def _checks(configuration: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(configuration):
        if key.startswith(_CHECK):
            yield f"constraint {key.removeprefix(_CHECK)}"


def _column_rules(schema: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Columns that may not be null, or whose values Delta has a rule for, of a schema as JSON."""
    for field in schema["fields"]:
        path = f"{above}{field['name']}"
        if not field["nullable"]:
            yield f"column {path}, never null"
        elif any(key.startswith(_RULES) for key in field["metadata"]):
            yield f"column {path}, checked, generated or with a default"
        if isinstance(field["type"], dict) and field["type"]["type"] == "struct":
            yield from _column_rules(field["type"], f"{path}.")


def has_transaction(target: Folder, mark: str) -> bool:
    """Whether an application transaction is in a log: in a commit that it still has, or where those
    were cleaned up, in a checkpoint.

    Args:
        target: The table.
        mark: What the transaction's id begins with, with a quotation mark before it.
    """
    paths = [file.path for file in target.files("_delta_log")]
    if any(mark.encode() in target.read(path) for path in paths if path.endswith(".json")):
        return True
    checkpoints = (path for path in paths if _CHECKPOINT.search(path))
    return any(mark in f'"{app_id}"' for path in checkpoints for app_id in _app_ids(target, path))


def _app_ids(target: Folder, checkpoint: str) -> Iterator[str]:
    """The application transactions in a checkpoint; none in one that is damaged, which readers of
    the table pass over or tell of."""
    with suppress(OSError, pa.ArrowException), target.open(checkpoint) as opened:
        for column in pq.ParquetFile(opened).read(columns=["txn"]).itercolumns():
            yield from (action["appId"] for action in column.drop_null().to_pylist())


def unreadable_log(why: str) -> JobFailed:
    """The error of a target whose log nothing can be made of."""
    return JobFailed(
        f"The target dataset's Delta log cannot be read: {why.rstrip('.')}. Restore it, or give the"
        " dataset another path.",
        code="target-unreadable",
    )
