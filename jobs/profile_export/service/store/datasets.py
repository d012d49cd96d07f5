"""Datasets as the catalog shows them: of sandbox files, and made by the API."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert, select

from profile_export.catalog import Dataset
from profile_export.service.store import sandboxes
from profile_export.service.store.database import clock
from profile_export.service.store.tables import datasets


@dataclass(frozen=True)
class StoredDataset:
    """A dataset with what only its REST object has. Times are epoch milliseconds."""

    dataset: Dataset
    document: dict[str, object]
    created: int
    updated: int


def new_id() -> str:
    """24 hex digits that grow with time, as Adobe's do."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def create(
    connection: Connection, sandbox_id: int, dataset: Dataset, document: Mapping[str, object]
) -> None:
    """Keep a dataset that the API made, behind all others: the oldest keeps its SQL name.

    Args:
        connection: Of a writing transaction.
        sandbox_id: Whose.
        dataset: With an id that is free.
        document: Members that only the REST object has.
    """
    sandboxes.changed(connection, sandbox_id)
    at = clock(connection)
    connection.execute(
        insert(datasets).values(
            sandbox_id=sandbox_id,
            id=dataset.id,
            position=sandboxes.next_position(connection, datasets, sandbox_id),
            origin="api",
            definition=sandboxes.DATASET.dump_json(replace(dataset, source=None)).decode(),
            document=json.dumps(document, ensure_ascii=False),
            created=at,
            updated=at,
        )
    )


def all_of(connection: Connection, sandbox_id: int) -> list[StoredDataset]:
    """Every dataset of a sandbox, in the order of its catalog."""
    chosen = select(datasets).where(datasets.c.sandbox_id == sandbox_id)
    return [
        StoredDataset(
            sandboxes.DATASET.validate_json(row.definition),
            json.loads(row.document),
            row.created,
            row.updated,
        )
        for row in connection.execute(chosen.order_by(datasets.c.position, datasets.c.id))
    ]
