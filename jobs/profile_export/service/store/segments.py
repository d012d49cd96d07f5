"""Segment definitions: of sandbox files, and made by the API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from profile_export.catalog import SegmentDefinition
from profile_export.errors import NotFound
from profile_export.service.store import sandboxes
from profile_export.service.store.database import clock
from profile_export.service.store.tables import segments
from profile_export.shape import quote


@dataclass(frozen=True)
class StoredSegment:
    """A segment with what only its REST document has. Times are epoch milliseconds."""

    segment: SegmentDefinition
    document: dict[str, object]
    created: int
    updated: int


def create(
    connection: Connection,
    sandbox_id: int,
    segment: SegmentDefinition,
    document: Mapping[str, object],
) -> StoredSegment:
    """Keep a segment that the API made.

    Args:
        connection: Of a writing transaction.
        sandbox_id: Whose.
        segment: With an id that is free.
        document: Members that only the REST document has.
    """
    sandboxes.changed(connection, sandbox_id)
    at = clock(connection)
    connection.execute(
        insert(segments).values(
            sandbox_id=sandbox_id,
            id=segment.id,
            position=sandboxes.next_position(connection, segments, sandbox_id),
            origin="api",
            definition=sandboxes.SEGMENT.dump_json(segment).decode(),
            document=json.dumps(document, ensure_ascii=False),
            created=at,
            updated=at,
        )
    )
    return StoredSegment(segment, dict(document), at, at)


def all_of(connection: Connection, sandbox_id: int) -> list[StoredSegment]:
    """Every segment of a sandbox, oldest first."""
    chosen = select(segments).where(segments.c.sandbox_id == sandbox_id)
    ordered = chosen.order_by(segments.c.position, segments.c.id)
    return [_stored(row) for row in connection.execute(ordered)]


def find(connection: Connection, sandbox_id: int, segment_id: str) -> StoredSegment:
    """One segment.

    Raises:
        NotFound: there is none of that id.
    """
    of_id = segments.c.sandbox_id == sandbox_id, segments.c.id == segment_id
    if "\0" not in segment_id:  # PostgreSQL refuses it
        for row in connection.execute(select(segments).where(*of_id)):
            return _stored(row)
    raise NotFound(f"There is no segment definition {quote(segment_id)} in this sandbox.")


def remove(connection: Connection, sandbox_id: int, segment_id: str) -> None:
    """Delete a segment; a sandbox file does not bring it back.

    Raises:
        NotFound: there is none of that id.
    """
    sandboxes.changed(connection, sandbox_id)
    find(connection, sandbox_id, segment_id)
    sandboxes.remove(connection, segments, "segment", sandbox_id, segment_id)


def _stored(row: Row[Any]) -> StoredSegment:
    return StoredSegment(
        sandboxes.SEGMENT.validate_json(row.definition),
        json.loads(row.document),
        row.created,
        row.updated,
    )
