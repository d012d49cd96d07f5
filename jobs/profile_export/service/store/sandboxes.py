"""Sandboxes: found by organisation and name, filled from files, read as the catalog of a plan."""

import json
from dataclasses import asdict
from weakref import WeakKeyDictionary

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, Table, delete, func, select, update

from profile_export.catalog import Dataset, MergePolicy, Sandbox, SegmentDefinition, Settings
from profile_export.service.store.database import upsert
from profile_export.service.store.tables import (
    datasets,
    policies,
    removed,
    sandboxes,
    segments,
)

DATASET: TypeAdapter[Dataset] = TypeAdapter(Dataset)
POLICY: TypeAdapter[MergePolicy] = TypeAdapter(MergePolicy)
SEGMENT: TypeAdapter[SegmentDefinition] = TypeAdapter(SegmentDefinition)

_MOST_KNOWN = 1000
_known: WeakKeyDictionary[Engine, dict[int, tuple[int, Sandbox]]] = WeakKeyDictionary()
"""Catalogs by store and sandbox, with the revision that they show."""


def find_id(connection: Connection, org: str, name: str) -> int | None:
    """The sandbox's key, or None where there is none."""
    chosen = select(sandboxes.c.id).where(sandboxes.c.org == org, sandboxes.c.name == name)
    return connection.execute(chosen).scalar_one_or_none()


def ensure(connection: Connection, org: str, name: str) -> int:
    """The sandbox's key; an empty sandbox is made where there is none."""
    found = find_id(connection, org, name)
    if found is not None:
        return found
    empty = json.dumps(asdict(Settings()))
    values = {"org": org, "name": name, "settings": empty, "revision": 0, "served": 0}
    # Another process may make it at this moment: then it is only found.
    upsert(connection, sandboxes, values, change={"name": name}, key=("org", "name"))
    found = find_id(connection, org, name)
    assert found is not None
    return found


def changed(connection: Connection, sandbox_id: int) -> None:
    """Say that datasets, policies or segments of a sandbox change; cached catalogs are old then.

    Called first in a transaction: it holds the sandbox's row until the end, so that what is read
    after it stays true, and two changes of one sandbox come one after the other.
    """
    grown = update(sandboxes).where(sandboxes.c.id == sandbox_id)
    connection.execute(grown.values(revision=sandboxes.c.revision + 1))


def next_position(connection: Connection, table: Table, sandbox_id: int) -> int:
    """The place after all others; those of a sandbox file have places below zero."""
    last = select(func.max(table.c.position)).where(table.c.sandbox_id == sandbox_id)
    found: int | None = connection.execute(last).scalar_one()
    return 0 if found is None else max(found + 1, 0)


def root(connection: Connection, sandbox_id: int) -> str | None:
    """Where datasets that the API makes are put; None is the service's default."""
    chosen = select(sandboxes.c.root).where(sandboxes.c.id == sandbox_id)
    found: str | None = connection.execute(chosen).scalar_one()
    return found


def catalog(connection: Connection, sandbox_id: int) -> Sandbox:
    """The sandbox as plans are made against it; kept in memory until its revision grows.

    A transaction that writes sees its own changes, which nobody else may see: it keeps nothing.
    """
    row = connection.execute(select(sandboxes).where(sandboxes.c.id == sandbox_id)).one()
    known = _known.setdefault(connection.engine, {})
    revision, found = known.get(sandbox_id, (None, None))
    if found is None or revision != row.revision:
        found = Sandbox(
            ims_org_id=row.org,
            name=row.name,
            datasets=tuple(map(DATASET.validate_json, _texts(connection, datasets, sandbox_id))),
            merge_policies=tuple(
                map(POLICY.validate_json, _texts(connection, policies, sandbox_id))
            ),
            segments=tuple(map(SEGMENT.validate_json, _texts(connection, segments, sandbox_id))),
            settings=Settings(**json.loads(row.settings)),
        )
        if connection.get_execution_options().get("profile_export_write", True):
            return found
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[sandbox_id] = row.revision, found
    return found


def _texts(connection: Connection, table: Table, sandbox_id: int) -> list[str]:
    """The definitions of a sandbox, oldest first."""
    version = [table.c.version] if "version" in table.c else []
    chosen = select(table.c.definition).where(table.c.sandbox_id == sandbox_id)
    ordered = chosen.order_by(table.c.position, table.c.id, *version)
    return list(connection.execute(ordered).scalars())


def remove(
    connection: Connection, table: Table, kind: str, sandbox_id: int, definition_id: str
) -> None:
    """Delete a definition with all its versions; what a sandbox file declares, it does not bring
    back.

    Args:
        connection: Of a writing transaction.
        table: ``policies`` or ``segments``.
        kind: As ``removed`` calls it: ``policy`` or ``segment``.
        sandbox_id: Whose.
        definition_id: Which.
    """
    gone = table.c.sandbox_id == sandbox_id, table.c.id == definition_id
    of_file = select(table.c.id).where(*gone, table.c.origin == "file").limit(1)
    if connection.execute(of_file).first() is not None:
        key = {"sandbox_id": sandbox_id, "kind": kind, "id": definition_id}
        upsert(connection, removed, key, change={"kind": kind})
    connection.execute(delete(table).where(*gone))
