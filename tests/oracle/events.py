"""S23-S25: the events of a person's row."""

from datetime import datetime
from typing import Any

from .identities import Row
from .persons import Person
from .spark_types import StructType
from .values import cast, null_empty_structs, nulls_lowest, parse_time


def superseded(rows: list[Row]) -> set[Row]:
    """Of one dataset: the events that a newer event of equal _id replaces, whoever they are of."""
    newest: dict[Any, Row] = {}
    for row in rows:
        event_id = row.values.get("_id")
        if event_id is None:
            continue
        best = newest.get(event_id)
        if best is None or _freshness(row) > _freshness(best):
            newest[event_id] = row
    kept = set(newest.values())
    return {row for row in rows if row.values.get("_id") is not None and row not in kept}


def _freshness(row: Row) -> tuple[Any, ...]:
    return nulls_lowest(row.ingest), nulls_lowest(row.values.get("timestamp")), row.primary


def ingest_bounds(request: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """S24: both strict. The request's own lower bound stands in for a missing one."""
    asked = request["additionalFields"]["eventList"].get("filter") or {}
    lower = asked.get("fromIngestTimestamp") or (request.get("filter") or {}).get(
        "fromIngestTimestamp"
    )
    upper = asked.get("toIngestTimestamp")
    return parse_time(lower) if lower else None, parse_time(upper) if upper else None


def _within(row: Row, lower: datetime | None, upper: datetime | None) -> bool:
    if row.ingest is None:
        return lower is None and upper is None
    return (lower is None or row.ingest > lower) and (upper is None or row.ingest < upper)


def in_order(row: Row) -> tuple[Any, ...]:
    """By time, then _id, then dataset; nulls come first."""
    values = row.values
    return nulls_lowest(values.get("timestamp")), nulls_lowest(values.get("_id")), row.dataset.id


def person_events(
    person: Person,
    dropped: set[Row],
    bounds: tuple[datetime | None, datetime | None],
    max_events: int,
) -> tuple[list[Row], int]:
    """The kept events in order, and how many the cap cut off at the old end."""
    events = [row for row in person.events if row not in dropped and _within(row, *bounds)]
    events.sort(key=in_order)
    surplus = max(len(events) - max_events, 0)
    return events[surplus:], surplus


def event_value(row: Row, element: StructType) -> dict[str, Any]:
    """The asked fields of an event; as in S11, a struct of nothing but nulls is null."""
    values = row.values if row.dataset.ingest_time == ("timestamp",) else row.own_values
    return null_empty_structs(element, cast(element, values))
