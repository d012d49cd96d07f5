"""S13: the segment memberships of a person, the newest entry of each segment."""

from typing import Any

from .identities import Row
from .persons import Person
from .values import nulls_lowest

# The greater wins a tie in time; a status that S13 does not name loses to those that it does.
STATUS_RANK = {"realized": 1, "existing": 2, "exited": 3}

Entry = dict[str, Any]


def _rank(row: Row, entry: Entry) -> tuple[Any, ...]:
    status = entry.get("status")
    return (
        nulls_lowest(entry.get("lastQualificationTime")),
        (status is not None, STATUS_RANK.get(status or "", 0)),
        row.dataset.id,
        row.primary,
        nulls_lowest(entry.get("validUntil")),
    )


def merged_membership(person: Person) -> dict[str, dict[str, Entry]]:
    """Namespace lower-cased -> segment id -> entry. No entries: an empty map."""
    best: dict[tuple[str, str], tuple[tuple[Any, ...], Entry]] = {}
    for row in person.records:
        for namespace, segments in (row.values.get("segmentMembership") or {}).items():
            for segment_id, entry in (segments or {}).items():
                if entry is None:
                    continue
                key = (namespace.lower(), segment_id)
                rank = _rank(row, entry)
                if key not in best or rank > best[key][0]:
                    best[key] = (rank, entry)
    merged: dict[str, dict[str, Entry]] = {}
    for (namespace, segment_id), (_, entry) in sorted(best.items(), key=lambda item: item[0]):
        merged.setdefault(namespace, {})[segment_id] = entry
    return merged
