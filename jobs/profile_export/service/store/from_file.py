"""A sandbox file at the start of a service: what it declares goes into the store.

The file is the truth for what it declares, the store for what the API made of it:

- A dataset of the file is put in, or brought up to date; one that left the file leaves the
  catalog. Datasets that the API made stay.
- A policy version that the store does not have is put in. One that it has is never changed: jobs
  may have pinned it. A file whose latest version says something new, of a policy that the API has
  not changed, gives the policy its next version. A default that is new in the file is the only one.
- A segment is put in, or brought up to date unless the API made it.
- A policy or a segment that left the file goes, unless the API changed or made it.
- What the API deleted does not come back while the file declares it.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from profile_export.catalog import Dataset, MergePolicy, Sandbox
from profile_export.errors import Problem, Refused
from profile_export.plan import TableRef
from profile_export.service.store import policies as kept_policies
from profile_export.service.store import sandboxes as known
from profile_export.service.store.database import clock
from profile_export.service.store.tables import (
    datasets,
    policies,
    removed,
    sandboxes,
    segments,
)


@dataclass(frozen=True)
class _Target:
    """The sandbox in the store that a file goes into, in one transaction at one time."""

    connection: Connection
    sandbox_id: int
    at: int

    def rows(self, table: Table) -> list[Row[Any]]:
        chosen = select(table).where(table.c.sandbox_id == self.sandbox_id)
        return list(self.connection.execute(chosen))


def load(connection: Connection, sandbox: Sandbox, *, root: str | None) -> int:
    """Put a sandbox into the store; gives its key.

    Args:
        connection: Of a writing transaction.
        sandbox: As its file declares it.
        root: The folder of the file: datasets that the API makes lie below it.

    Raises:
        Refused: ``duplicate-id``: a dataset of the file has the id of one that the API made.
    """
    sandbox_id = known.ensure(connection, sandbox.ims_org_id, sandbox.name)
    known.changed(connection, sandbox_id)
    connection.execute(
        update(sandboxes)
        .where(sandboxes.c.id == sandbox_id)
        .values(settings=json.dumps(asdict(sandbox.settings)), root=root)
    )
    target = _Target(connection, sandbox_id, clock(connection))
    _datasets(target, sandbox)
    _policies(target, sandbox)
    _segments(target, sandbox)
    return sandbox_id


def _datasets(target: _Target, sandbox: Sandbox) -> None:
    stored = {row.id: row for row in target.rows(datasets)}
    taken = [d for d in sandbox.datasets if d.id in stored and stored[d.id].origin == "api"]
    if taken:
        raise Refused(
            Problem(
                "duplicate-id",
                f"Dataset {d.id} was made by the API in this store; give the one here another id.",
                source=d.source,
            )
            for d in taken
        )
    first = -len(sandbox.datasets)  # places below zero: before all that the API made
    for position, dataset in enumerate(sandbox.datasets, first):
        kept = replace(dataset, source=None, declared=None, table=_without_place(dataset))
        definition = known.DATASET.dump_json(kept).decode()
        _put(target, datasets, dataset.id, position, definition, stored)
    _drop(target, datasets, stored.values(), {d.id for d in sandbox.datasets})


def _without_place(dataset: Dataset) -> TableRef:
    """The table, called by its dataset where the file has a whole path or a URI: those are told in
    plans, manifests and messages, and places on the server are nobody's business."""
    table = dataset.table
    written = table.written or ""
    is_place = os.path.isabs(written) or urlsplit(written).scheme
    return table.model_copy(update={"written": dataset.name}) if is_place else table


def _segments(target: _Target, sandbox: Sandbox) -> None:
    stored = {row.id: row for row in target.rows(segments)}
    declared = {s.id for s in sandbox.segments}
    gone = _removed(target, "segment", declared)
    for position, segment in enumerate(sandbox.segments, -len(sandbox.segments)):
        there = stored.get(segment.id)
        if segment.id not in gone and (there is None or there.origin == "file"):
            definition = known.SEGMENT.dump_json(segment).decode()
            _put(target, segments, segment.id, position, definition, stored)
    _drop(target, segments, stored.values(), declared)


def _policies(target: _Target, sandbox: Sandbox) -> None:
    stored: defaultdict[str, dict[int, Row[Any]]] = defaultdict(dict)
    for row in target.rows(policies):
        stored[row.id][row.version] = row
    declared = {policy.id for policy in sandbox.merge_policies}
    gone = _removed(target, "policy", declared)
    last = {policy.id: policy.version for policy in sandbox.latest_policies()}
    made: set[tuple[str, int]] = set()
    for position, declaration in enumerate(sandbox.merge_policies, -len(sandbox.merge_policies)):
        if declaration.id in gone:
            continue
        is_last = declaration.version == last[declaration.id]
        policy = _new_version(declaration, stored[declaration.id], is_last=is_last)
        if policy is None:
            continue
        here = next((row.position for row in stored[policy.id].values()), position)
        definition = known.POLICY.dump_json(policy).decode()
        values = {"definition": definition, "origin": "file", "updated": target.at}
        key = {"sandbox_id": target.sandbox_id, "id": policy.id, "version": policy.version}
        target.connection.execute(insert(policies).values(**key, **values, position=here))
        made.add((policy.id, policy.version))
    _drop(
        target,
        policies,
        [row for rows in stored.values() if _of_file(rows) for row in rows.values()],
        declared,
    )
    for stands in kept_policies.latest(target.connection, target.sandbox_id):
        if (stands.policy.id, stands.policy.version) in made:
            kept_policies.only_default(target.connection, target.sandbox_id, stands.policy)


def _new_version(
    policy: MergePolicy, stored: dict[int, Row[Any]], *, is_last: bool
) -> MergePolicy | None:
    """The version that the store lacks of a policy of the file; None if it has all."""
    if policy.version not in stored:
        return policy
    if not is_last or not _of_file(stored):
        return None
    stands = known.POLICY.validate_json(stored[max(stored)].definition)
    if replace(stands, version=policy.version) == policy:
        return None
    return replace(policy, version=stands.version + 1)


def _of_file(versions: dict[int, Row[Any]]) -> bool:
    """Whether the API has left a policy as the file made it."""
    return all(row.origin == "file" for row in versions.values())


def _put(
    target: _Target,
    table: Table,
    id_: str,
    position: int,
    definition: str,
    stored: dict[str, Row[Any]],
) -> None:
    """Insert a row, or change one that says something else."""
    row, at = stored.get(id_), target.at
    key = {"sandbox_id": target.sandbox_id, "id": id_}
    values = {"position": position, "definition": definition}
    if row is None:
        empty = {"origin": "file", "document": "{}", "created": at, "updated": at}
        target.connection.execute(insert(table).values(**key, **values, **empty))
    elif (row.position, row.definition) != (position, definition):
        if row.definition != definition:
            values["updated"] = at
        of_id = table.c.sandbox_id == target.sandbox_id, table.c.id == id_
        target.connection.execute(update(table).where(*of_id).values(**values))


def _drop(target: _Target, table: Table, stored: Iterable[Row[Any]], declared: set[str]) -> None:
    """Delete what a file declared before and does not declare any more."""
    for id_ in {row.id for row in stored if row.origin == "file"} - declared:
        of_id = table.c.sandbox_id == target.sandbox_id, table.c.id == id_
        target.connection.execute(delete(table).where(*of_id))


def _removed(target: _Target, kind: str, declared: set[str]) -> set[str]:
    """What the API deleted of the file; what the file does not declare any more is forgotten."""
    of_kind = removed.c.sandbox_id == target.sandbox_id, removed.c.kind == kind
    gone = set(target.connection.execute(select(removed.c.id).where(*of_kind)).scalars())
    for id_ in gone - declared:
        target.connection.execute(delete(removed).where(*of_kind, removed.c.id == id_))
    return gone & declared
