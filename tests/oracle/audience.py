"""S14-S20: who is exported, to which batches, and why everyone else is not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .membership import merged_membership
from .persons import Person
from .values import parse_time

REASONS = [
    "tooManyIdentities",
    "noProfileRecord",
    "notUpdatedSince",
    "notInSegment",
    "otherStatus",
    "outsideQualificationTime",
]
DEFAULT_STATUS = ["realized", "existing"]

Item = dict[str, Any]


@dataclass(frozen=True)
class Audience:
    """What a request asks of a person."""

    items: list[Item]
    updated_since: datetime | None
    keep_empty: bool
    start: datetime | None
    end: datetime | None
    has_window: bool
    per_batch: bool
    max_identities: int
    as_of: datetime


def read_audience(request: dict[str, Any], max_identities: int, as_of: datetime) -> Audience:
    asked = request.get("filter") or {}
    window = asked.get("segmentQualificationTime")
    since = asked.get("fromIngestTimestamp")
    start, end = (window or {}).get("startTime"), (window or {}).get("endTime")
    return Audience(
        items=asked.get("segments") or [],
        updated_since=parse_time(since) if since else None,
        keep_empty=asked.get("emptyProfiles", False),
        start=parse_time(start) if start else None,
        end=parse_time(end) if end else None,
        has_window=window is not None,
        per_batch=request["destination"].get("segmentPerBatch", False),
        max_identities=max_identities,
        as_of=as_of,
    )


def item_key(item: Item) -> tuple[str, str, frozenset[str]]:
    """What makes two items equal: namespace without case, id and the set of statuses."""
    statuses = item.get("status", DEFAULT_STATUS)
    return item.get("segmentNs", "ups").lower(), item["segmentId"], frozenset(statuses)


def _status(entry: dict[str, Any], as_of: datetime) -> str | None:
    """The status that counts: past its validUntil, a member has left (S18)."""
    status, until = entry.get("status"), entry.get("validUntil")
    expired = until is not None and until < as_of
    return "exited" if expired and status in ("realized", "existing") else status


def _in_window(entry: dict[str, Any], audience: Audience) -> bool:
    if not audience.has_window:
        return True
    moment = entry.get("lastQualificationTime")
    if moment is None or (audience.start and moment < audience.start):
        return False
    return audience.end is None or moment < audience.end


def _segments_verdict(person: Person, audience: Audience) -> str | list[int]:
    membership = merged_membership(person)
    matched: list[int] = []
    found = right_status = False
    for place, item in enumerate(audience.items):
        namespace, segment_id, statuses = item_key(item)
        entry = membership.get(namespace, {}).get(segment_id)
        if entry is None:
            continue
        found = True
        if _status(entry, audience.as_of) not in statuses:
            continue
        right_status = True
        if _in_window(entry, audience):
            matched.append(place)
    if matched:
        return matched if audience.per_batch else [0]
    if right_status:
        return "outsideQualificationTime"
    return "otherStatus" if found else "notInSegment"


def verdict(person: Person, audience: Audience) -> str | list[int]:
    """The batches that a candidate goes to, or the first reason that keeps it out."""
    if person.identity_count > audience.max_identities:
        return "tooManyIdentities"
    if not person.records and not audience.keep_empty:
        return "noProfileRecord"
    if audience.updated_since is not None:
        times = [row.ingest for row in person.records or person.events]
        if not any(time is not None and time > audience.updated_since for time in times):
            return "notUpdatedSince"
    return _segments_verdict(person, audience) if audience.items else [0]
