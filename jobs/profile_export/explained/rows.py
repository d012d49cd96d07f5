"""Whose rows: the records and events of a person, the records that were replaced, the links."""

from collections.abc import Iterator, Mapping, Sequence

from profile_export.columns import BEGINNING_OF_TIME
from profile_export.explained.account import MOST, EventGroup, Link, Person, Record, Shared
from profile_export.explained.cells import Row, keys_of, source_of, text_or_null, whole
from profile_export.explained.reasons import Joined, Joining, tree
from profile_export.explained.values import identity, iso_micros
from profile_export.explained.who import Found
from profile_export.plan import ExportPlan

_MOST_SHARED = 5


def person_told(
    plan: ExportPlan,
    *,
    root: str,
    found: Found,
    current: Sequence[Row],
    every: Sequence[Row],
    times: Mapping[tuple[int, str], Row],
) -> Person:
    """What ``what`` has read of a person, told.

    Args:
        plan: Of the job.
        root: The identity that was asked: the tree of links starts there.
        found: The person, with its who rows.
        current: Its current records.
        every: Its records of those primary identities that have several.
        times: First and last timestamps of events.
    """
    records = [row for row in found.rows if row["is_record"]]
    events = [row for row in found.rows if not row["is_record"]]
    details = {(row["source"], row["pk"]): row for row in current}
    keys = sorted({key for row in found.rows for key in (str(row["pk"]), *keys_of(row))})
    links = _links(root, found) if plan.merge_policy.graph == "pdg" else []
    return Person(
        key=identity(found.key, plan.namespaces),
        identities=tuple(identity(key, plan.namespaces) for key in keys[:MOST]),
        identities_total=len(keys),
        records=tuple(
            _current(plan, row, details.get((row["source"], row["pk"]))) for row in records[:MOST]
        ),
        records_total=len(records),
        replaced=tuple(_replaced(plan, every, details)[:MOST]),
        replaced_total=sum(whole(row, "rows") - 1 for row in records),
        events=tuple(_events(plan, row, times) for row in events[:MOST]),
        events_total=len(events),
        links=tuple(_link(plan, found, link) for link in links[:MOST]),
        links_total=len(links),
        most_shared=tuple(_most_shared(plan, found)) if links else (),
    )


def _current(plan: ExportPlan, who: Row, detail: Row | None) -> Record:
    record = _record(plan, who, detail)
    keys = tuple(identity(key, plan.namespaces) for key in sorted(set(keys_of(who)))[:MOST])
    return record.model_copy(
        update={
            "ingest_time": iso_micros(who["ingested"]),
            "identities": keys,
            "replaced": whole(who, "rows") - 1,
        }
    )


def _replaced(
    plan: ExportPlan, every: Sequence[Row], current: Mapping[tuple[object, object], Row]
) -> list[Record]:
    """The others of the records of primary identities that have several, newest first."""
    told, seen = [], set()
    ordered = sorted(every, key=lambda r: (r["source"], r["pk"], -whole(r, "r0")))
    for row in ordered:
        place = row["source"], row["pk"]
        newest = current.get(place)
        if newest is None:
            continue  # beyond the records that are told
        if _rank(newest) == _rank(row) and place not in seen:
            seen.add(place)  # an exact copy of the current record is replaced like any other
            continue
        told.append(_record(plan, row, row))
    return told


def _rank(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("r0", "r1", "r2", "r3"))


def _record(plan: ExportPlan, row: Row, detail: Row | None) -> Record:
    source = source_of(row, plan)
    known = detail or {"updated": None, "r0": BEGINNING_OF_TIME, "r1": None}
    return Record(
        dataset_id=source.dataset_id,
        dataset=source.name,
        participates=source.participates,
        primary_identity=identity(str(row["pk"]), plan.namespaces),
        ingest_time=None if known["r0"] == BEGINNING_OF_TIME else iso_micros(known["r0"]),
        update_time=iso_micros(known["updated"]),
        record_id=text_or_null(known, "r1"),
    )


def _events(plan: ExportPlan, who: Row, times: Mapping[tuple[int, str], Row]) -> EventGroup:
    index, pk = whole(who, "source"), str(who["pk"])
    source, time = plan.inputs[index], times.get((index, pk), {})
    return EventGroup(
        dataset_id=source.dataset_id,
        dataset=source.name,
        participates=source.participates,
        primary_identity=identity(pk, plan.namespaces),
        count=whole(who, "rows"),
        first=iso_micros(time.get("first")),
        last=iso_micros(time.get("last")),
        greatest_ingest_time=iso_micros(who["ingested"]),
        identities=tuple(identity(k, plan.namespaces) for k in sorted(set(keys_of(who)))[:MOST]),
    )


def _links(root: str, found: Found) -> list[Joined]:
    return tree(
        root,
        (Joining(i, str(row["pk"]), sorted(set(keys_of(row)))) for i, row in enumerate(found.rows)),
    )


def _link(plan: ExportPlan, found: Found, link: Joined) -> Link:
    row = found.rows[link.row]
    source = source_of(row, plan)
    return Link(
        known=identity(link.known, plan.namespaces),
        joined=identity(link.joined, plan.namespaces),
        kind="record" if row["is_record"] else "event",
        dataset_id=source.dataset_id,
        dataset=source.name,
        primary_identity=identity(str(row["pk"]), plan.namespaces),
        depth=link.depth,
    )


def _most_shared(plan: ExportPlan, found: Found) -> Iterator[Shared]:
    primaries: dict[str, set[str]] = {}
    for row in found.rows:
        for key in keys_of(row):
            primaries.setdefault(key, set()).add(str(row["pk"]))
    ordered = sorted(primaries.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    for key, which in ordered[:_MOST_SHARED]:
        if len(which) > 1:
            yield Shared(identity=identity(key, plan.namespaces), primaries=len(which))
