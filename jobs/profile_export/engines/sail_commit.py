"""The commit on the embedded engine, by delta-rs.

Sail's own Delta writer knows no application transaction and sees no conflict, so it is not used.
The commit goes through ``deltalake`` with no retries of its own: delta-rs would repeat a commit
that lost a race without looking again whether this very job has committed or the schema changed.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from deltalake import CommitProperties, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from profile_export.delta_log import TargetState
from profile_export.engines import Writing
from profile_export.engines.batch_folders import batch_of
from profile_export.engines.commit_once import Tries, commit_once
from profile_export.errors import JobFailed
from profile_export.growth import grown_schema
from profile_export.outputs import BATCH_COLUMN
from profile_export.own_commit import TXN_VERSION, OwnCommit
from profile_export.schema import Struct, to_json
from profile_export.storage import Folder, Stored
from profile_export.times_without_zone import creatable, declare, lacks_feature

_UNSUPPORTED = re.compile(r"Unsupported table features required: \[([^\]]*)\]")
_NOT_KNOWN = re.compile(r'Unknown\("([^"]*)"\)')
"""How delta-rs calls features that it does not know at all."""


def _lost_race(error: Exception) -> bool:
    return isinstance(error, CommitFailedError) or (
        isinstance(error, DeltaError) and "already exists" in str(error)
    )


TRIES = Tries(20, 0.02, 2.0, _lost_race)
"""Half a minute against a target that others write to."""

PLAIN_TABLE: dict[str, str | None] = {"delta.dataSkippingNumIndexedCols": "0"}
"""What a target that we make is told: no statistics of personal values in the log."""


def commit_files(
    rows: Mapping[Stored, int],
    writing: Writing,
    *,
    check: Callable[[], None] = lambda: None,
) -> OwnCommit:
    """One commit with files and the application transaction, or the one made before.

    Args:
        rows: Data files under the table, and how many rows each has.
        writing: What they are, and where they lie.
        check: Raises where the job is to stop; called before each try.

    Raises:
        JobFailed: ``target-schema``; ``target-busy`` after :data:`TRIES`; ``target-unwritable``
            where the files are gone.
    """
    folder = Folder(writing.location)
    adds = [_add_action(file, number) for file, number in rows.items()]

    def try_to_commit(state: TargetState | None, columns: Struct) -> None:
        # By VACUUM, say, or with the whole table, and another may lie there by now. A commit that
        # names files which are gone makes a table that nobody can read.
        if not all(folder.exists(file.path) for file in rows):
            raise removed(writing)
        try:
            _add_version(adds, folder, state, columns, writing)
        except DeltaError as error:
            if features := _UNSUPPORTED.search(str(error)):
                named = _NOT_KNOWN.sub(r"\1", features[1])
                raise JobFailed(
                    f"The target dataset uses Delta features that the engine sail cannot write"
                    f" ({named}). Export with --engine spark, or to another path.",
                    code="target-schema",
                ) from error
            raise

    return commit_once(writing, try_to_commit, tries=TRIES, check=check)


def _add_version(
    adds: list[AddAction],
    folder: Folder,
    state: TargetState | None,
    grown: Struct,
    writing: Writing,
) -> None:
    """Try once to add the next version, with the columns ``grown``, as put-if-absent."""
    wanted, properties = writing.columns, _properties(writing.app_id, writing.note)
    if state is None:
        _create(adds, folder, wanted, properties)
        return  # grown next, if it is empty
    actions: list[AddAction | RemoveAction] = [*adds]
    if grown == state.columns:
        state.table.create_write_transaction(
            actions, "append", state.table.schema(), [BATCH_COLUMN], commit_properties=properties
        )
        return
    if lacks_feature(state, grown):
        declare(state)
        return  # the table has moved on by that: look again
    if state.table.get_add_actions().num_rows == 0:  # nobody has seen it in another order
        grown = grown_schema(wanted, state.columns)
    # Appending never changes a schema here, overwriting does, in the same commit; and overwriting
    # the partitions of our own new batches removes nothing, since nobody has committed to them.
    ours = sorted({batch_of(add.path) for add in adds}) or ["-"]
    state.table.create_write_transaction(
        actions,
        "overwrite",
        delta_schema(grown, found=state.table.schema()),
        [BATCH_COLUMN],
        partition_filters=[(BATCH_COLUMN, "in", ours)],
        commit_properties=properties,
    )


def _create(
    adds: list[AddAction], folder: Folder, wanted: Struct, properties: CommitProperties
) -> None:
    """Make the table: with the files in its first version, if it can be made with their columns."""
    if folder.local is not None:
        folder.local.mkdir(parents=True, exist_ok=True)
    first = creatable(wanted)
    is_all = first == wanted
    create_table_with_add_actions(
        folder.location,
        delta_schema(first),
        adds if is_all else [],
        partition_by=[BATCH_COLUMN],
        configuration=PLAIN_TABLE,
        commit_properties=properties if is_all else None,
    )


def delta_schema(columns: Struct, *, found: Schema | None = None) -> Schema:
    """Columns as delta-rs takes them; what a table's owner has noted of those ``found`` stays."""
    made = to_json(columns)
    if found is not None:
        _annotate(made, json.loads(found.to_json()))
    return Schema.from_json(json.dumps(made))


def _annotate(made: Any, found: Any) -> None:
    """Give the fields of a schema as JSON the metadata that they have in another, at any depth."""
    if not (isinstance(made, dict) and isinstance(found, dict)):
        return
    for inner in ("elementType", "keyType", "valueType"):
        _annotate(made.get(inner), found.get(inner))
    known = {field["name"]: field for field in found.get("fields", ())}
    for field in made.get("fields", ()):
        if (other := known.get(field["name"])) is not None:
            field["metadata"] = other["metadata"]
            _annotate(field["type"], other["type"])


def removed(writing: Writing) -> JobFailed:
    """The error of a target, or of files in it, that went away under the job."""
    return JobFailed(
        f"The target {writing.shown} was removed while the job wrote to it, or files of the job"
        " were: nothing was committed. Run the job again.",
        code="target-unwritable",
    )


def _properties(app_id: str, note: str) -> CommitProperties:
    return CommitProperties(
        custom_metadata={"userMetadata": note},
        max_commit_retries=0,
        app_transactions=[Transaction(app_id, TXN_VERSION, int(time.time() * 1000))],
    )


def _add_action(file: Stored, rows: int) -> AddAction:
    stats = json.dumps({"numRecords": rows})
    now = int(time.time() * 1000)
    return AddAction(file.path, file.bytes, {BATCH_COLUMN: batch_of(file.path)}, now, True, stats)
