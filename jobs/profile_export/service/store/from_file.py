"""A sandbox file at the start of a service: what it declares goes into the store.

The file is the truth for what it declares, the store for what the API made of it:

- A dataset of the file is put in, or brought up to date; one that left the file leaves the
  catalog. Datasets that the API made stay.
- A policy version that the store does not have is put in. One that it has is never changed: jobs
  may have pinned it. A file whose version says something new, that no API call has changed
  meanwhile, gives the policy its next version.
- A segment is put in, or brought up to date unless the API made it.
- What the API deleted does not come back.
"""

import json
from dataclasses import asdict, replace

from sqlalchemy import Connection, delete, select, update

from profile_export.catalog import Sandbox
from profile_export.errors import Problem, Refused
from profile_export.service.store import sandboxes as known
from profile_export.service.store.database import clock, upsert
from profile_export.service.store.tables import (
    datasets,
    policies,
    removed,
    sandboxes,
    segments,
)


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
    connection.execute(
        update(sandboxes)
        .where(sandboxes.c.id == sandbox_id)
        .values(settings=json.dumps(asdict(sandbox.settings)), root=root)
    )
    _datasets(connection, sandbox_id, sandbox)
    _policies(connection, sandbox_id, sandbox)
    _segments(connection, sandbox_id, sandbox)
    known.changed(connection, sandbox_id)
    return sandbox_id


def _datasets(connection: Connection, sandbox_id: int, sandbox: Sandbox) -> None:
    of_sandbox = datasets.c.sandbox_id == sandbox_id
    rows = connection.execute(select(datasets.c.id, datasets.c.origin).where(of_sandbox))
    made_by = {row.id: row.origin for row in rows}
    taken = [d for d in sandbox.datasets if made_by.get(d.id) == "api"]
    if taken:
        raise Refused(
            Problem(
                "duplicate-id",
                f"Dataset {d.id} was made by the API in this store; give the one here another id.",
                source=d.source,
            )
            for d in taken
        )
    declared = {d.id for d in sandbox.datasets}
    for left in (
        id_ for id_, origin in made_by.items() if id_ not in declared and origin == "file"
    ):
        connection.execute(delete(datasets).where(of_sandbox, datasets.c.id == left))
    at = clock(connection)
    for position, dataset in enumerate(sandbox.datasets):
        definition = known.DATASET.dump_json(replace(dataset, source=None)).decode()
        row = {
            "sandbox_id": sandbox_id, "id": dataset.id, "position": position - len(declared),
            "origin": "file", "definition": definition, "document": "{}",
            "created": at, "updated": at,
        }  # fmt: skip
        change = {"position": row["position"], "definition": definition}
        upsert(connection, datasets, row, change=change)


def _policies(connection: Connection, sandbox_id: int, sandbox: Sandbox) -> None:
    gone = _removed(connection, sandbox_id, "policy")
    of_sandbox = policies.c.sandbox_id == sandbox_id
    rows = connection.execute(
        select(policies).where(of_sandbox).order_by(policies.c.id, policies.c.version)
    ).all()
    stored = {(row.id, row.version): row for row in rows}
    latest = {row.id: row for row in rows}
    at = clock(connection)
    for position, policy in enumerate(p for p in sandbox.merge_policies if p.id not in gone):
        there, newest = stored.get((policy.id, policy.version)), latest.get(policy.id)
        version = policy.version
        if there is not None:
            same = known.POLICY.validate_json(there.definition)
            if newest is None or replace(policy, source=None) == same or newest.origin == "api":
                continue
            is_last = all(
                p.version <= policy.version for p in sandbox.merge_policies if p.id == policy.id
            )
            shown = replace(known.POLICY.validate_json(newest.definition), version=policy.version)
            if not is_last or shown == replace(policy, source=None):
                continue
            version = newest.version + 1
        definition = known.POLICY.dump_json(replace(policy, version=version, source=None)).decode()
        row = {
            "sandbox_id": sandbox_id, "id": policy.id, "version": version,
            "position": newest.position if newest else position - len(sandbox.merge_policies),
            "origin": "file", "definition": definition, "updated": at,
        }  # fmt: skip
        upsert(connection, policies, row)


def _segments(connection: Connection, sandbox_id: int, sandbox: Sandbox) -> None:
    gone = _removed(connection, sandbox_id, "segment")
    at = clock(connection)
    for position, segment in enumerate(s for s in sandbox.segments if s.id not in gone):
        definition = known.SEGMENT.dump_json(replace(segment, source=None)).decode()
        row = {
            "sandbox_id": sandbox_id, "id": segment.id,
            "position": position - len(sandbox.segments), "origin": "file",
            "definition": definition, "document": "{}", "created": at, "updated": at,
        }  # fmt: skip
        by_api = connection.execute(
            select(segments.c.id).where(
                segments.c.sandbox_id == sandbox_id,
                segments.c.id == segment.id,
                segments.c.origin == "api",
            )
        ).first()
        if by_api is None:
            upsert(connection, segments, row, change={"definition": definition})


def _removed(connection: Connection, sandbox_id: int, kind: str) -> set[str]:
    chosen = select(removed.c.id).where(removed.c.sandbox_id == sandbox_id, removed.c.kind == kind)
    return set(connection.execute(chosen).scalars())
