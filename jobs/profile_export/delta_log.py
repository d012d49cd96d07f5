"""What a Delta table's log says: its state, and the commit of one job. No engine, no JVM."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable, TableFeatures
from deltalake.exceptions import TableNotFoundError

from profile_export.errors import EXPIRED, JobFailed
from profile_export.outputs import BATCH_COLUMN
from profile_export.schema import Array, DataType, Map, Struct, from_json
from profile_export.storage import Folder, Stored
from profile_export.tables import first_line

APP = "profile-export"
"""What the application transactions of jobs begin with."""
TXN_VERSION = 1
"""A job commits once, so its application transaction has one version only."""

_CHECK = "delta.constraints."
_RULES = (
    *("delta.invariants", "delta.generationExpression", "delta.identity."),
    "__CHAR_VARCHAR_TYPE_STRING",
)
_FORGETS = "delta.setTransactionRetentionDuration"
"""A table that is told so loses application transactions that are as old."""

_NO_BLANK = re.compile(r"\S")


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


@dataclass(frozen=True)
class OwnCommit:
    """The one commit of a job: version, files that it added, the note that it carries."""

    version: int
    time_ms: int
    files: tuple[Stored, ...]
    note: str


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
        raise _unreadable(first_line(error)) from error


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
            yield f"column {path}, checked or generated"
        if isinstance(field["type"], dict) and field["type"]["type"] == "struct":
            yield from _column_rules(field["type"], f"{path}.")


def own_commit(location: str, app_id: str) -> OwnCommit | None:
    """The commit that carries the application transaction ``app_id``, or None.

    Costs the log's snapshot, and the commits back to the one that is looked for.

    Raises:
        JobFailed: ``target-unreadable``; ``commit-expired`` where it is no more in the log.
    """
    state = look(location)
    if state is None or not state.has_committed(app_id):
        return None
    folder = Folder(location)
    for version in range(state.version, -1, -1):
        name = f"_delta_log/{version:020}.json"
        data = folder.read(name) if folder.exists(name) else b""
        if app_id.encode() in data and (found := _commit(version, data, app_id)):
            return found
    raise JobFailed(
        "This job has committed long ago: its entry in the target's Delta log was cleaned up, so"
        " that its papers cannot be made again. Its rows are in the dataset, by their batch ids.",
        code=EXPIRED,
    )


def has_job(target: Folder, job_id: int) -> bool:
    """Whether a job of this id has committed, as :func:`has_transaction` says: for jobs whose id
    was given and whose papers are not there."""
    return has_transaction(target, f'"{APP}/{job_id}/')


def has_transaction(target: Folder, mark: str) -> bool:
    """Whether an application transaction is in a log, as far as its commits go back.

    Args:
        target: The table.
        mark: What the transaction's id begins with, with a quotation mark before it.
    """
    commits = (file.path for file in target.files("_delta_log") if file.path.endswith(".json"))
    return any(mark.encode() in target.read(path) for path in commits)


def with_features(state: TargetState, grown: Struct) -> bool:
    """Declare ``timestampNtz`` where the table is to get its first such column; says if it did.

    delta-rs would else commit a schema that no reader accepts, and delta-spark refuses. This is a
    commit of its own that only raises the protocol; no row and no column becomes visible by it.
    """
    known = state.table.protocol().writer_features or []
    if not _has_ntz(grown) or "timestampNtz" in known:
        return False
    state.table.alter.add_feature(
        TableFeatures.TimestampWithoutTimezone, allow_protocol_versions_increase=True
    )
    return True


def creatable(wanted: Struct) -> Struct:
    """The columns that a table can be created with: delta-rs does not see times without zone in
    maps then, and would commit a table that it refuses to read."""
    return Struct(tuple(field for field in wanted.fields if not _has_ntz(field.type, in_maps=True)))


def _has_ntz(type_: DataType, *, in_maps: bool = False) -> bool:
    """Whether there are times without zone in it; or, ``in_maps``, below a map."""
    match type_:
        case Struct():
            return any(_has_ntz(field.type, in_maps=in_maps) for field in type_.fields)
        case Array():
            return _has_ntz(type_.element, in_maps=in_maps)
        case Map():
            return _has_ntz(type_.key) or _has_ntz(type_.value)
    return type_ == "timestamp_ntz" and not in_maps


def _unreadable(why: str) -> JobFailed:
    return JobFailed(
        f"The target dataset's Delta log cannot be read: {why.rstrip('.')}. Restore it, or give the"
        " dataset another path.",
        code="target-unreadable",
    )


def _commit(version: int, data: bytes, app_id: str) -> OwnCommit | None:
    try:
        return _read(version, data, app_id)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _unreadable(f"version {version} holds no commit") from error


def _read(version: int, data: bytes, app_id: str) -> OwnCommit | None:
    actions = list(_actions(data.decode()))
    if not any(body.get("appId") == app_id for kind, body in actions if kind == "txn"):
        return None
    info = next((body for kind, body in actions if kind == "commitInfo"), {})
    adds = (body for kind, body in actions if kind == "add")
    files = sorted(
        (Stored(unquote(str(a["path"])), int(cast(int, a["size"]))) for a in adds),
        key=lambda file: file.path,
    )
    time_ms = int(cast(int, info.get("timestamp", 0)))
    return OwnCommit(version, time_ms, tuple(files), str(info.get("userMetadata", "")))


def _actions(text: str) -> Iterator[tuple[str, dict[str, object]]]:
    """One JSON object after the other; as delta-rs, whatever white space is between them."""
    decoder, at = json.JSONDecoder(), 0
    while (begin := _NO_BLANK.search(text, at)) is not None:
        action, at = decoder.raw_decode(text, begin.start())
        yield from action.items()
