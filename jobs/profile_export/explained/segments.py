"""Every asked segment: its merged entry, the entries that lost, the test that fails (S13-S19)."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from profile_export.catalog import Sandbox
from profile_export.columns.membership import STATUSES, distinct_segments
from profile_export.explained.account import MOST, Entry, SegmentTest
from profile_export.explained.cells import Row, source_of, text_or_null, whole, whole_or_null
from profile_export.explained.reasons import By, Merging, entry_lost_by, won_by
from profile_export.explained.values import identity, iso, iso_micros
from profile_export.plan import AskedSegment, ExportPlan
from profile_export.request import parse_request

Failed: TypeAlias = Literal["noEntry", "status", "qualificationTime"]


@dataclass(frozen=True)
class Membership:
    """What the stages say of a person's asked segments.

    Attributes:
        rows: The person's who rows, with the ``entries`` of each.
        merged: Segment -> merged entry, as ``what.merged_entries``.
        in_status: Positions of the items that match in status.
        wholly: Positions of the items that match.
    """

    rows: Sequence[Row]
    merged: Mapping[str, Row]
    in_status: AbstractSet[int]
    wholly: AbstractSet[int]


def segments(plan: ExportPlan, found: Membership, sandbox: Sandbox) -> list[SegmentTest]:
    """The items of ``filter.segments``, in order."""
    return [
        _test(plan, found, position, item, sandbox)
        for position, item in enumerate(plan.audience.segments)
    ]


def _test(
    plan: ExportPlan, found: Membership, position: int, item: AskedSegment, sandbox: Sandbox
) -> SegmentTest:
    (name,) = distinct_segments([item])
    entry = found.merged.get(name)
    failed: Failed | None = None
    if entry is None:
        failed = "noEntry"
    elif position not in found.in_status:
        failed = "status"
    elif position not in found.wholly:
        failed = "qualificationTime"
    entries = [] if entry is None else _entries(plan, found, name, entry)
    defined = sandbox.segment(item.segment_id)
    asked = parse_request(plan.request).filter.segments[position]
    return SegmentTest(
        segment_id=item.segment_id,
        segment_ns=asked.segment_ns,
        name=defined.name if defined else None,
        asked_status=item.statuses,
        status=text_or_null(entry, "status") if entry else None,
        effective_status=_effective(entry) if entry else None,
        last_qualification_time=iso_micros(entry["qualified"]) if entry else None,
        valid_until=iso_micros(entry["valid_until"]) if entry else None,
        window=_window(plan),
        matches=failed is None,
        failed=failed,
        because=_because(plan, item, entry, failed),
        entries=tuple(entries[:MOST]),
        entries_total=len(entries),
    )


def _entries(plan: ExportPlan, found: Membership, name: str, merged: Row) -> list[Entry]:
    """The entries of the person's records, the merged one first; it is the stage's, not ours."""
    index = distinct_segments(plan.audience.segments).index(name)
    every = [
        _merging(plan, row, entry)
        for row in found.rows
        if row["participates"]
        for entry in cast("Sequence[Row]", row["entries"])
        if entry["segment"] == index
    ]
    wanted = merged["qualified"], merged["status"], merged["valid_until"]
    # Records that say exactly the same tie to the end: S13 then takes dataset id and identity.
    winner = max(
        (e for e in every if (e.time, e.status, e.valid_until) == wanted),
        key=lambda e: (e.dataset_id, e.pk),
    )
    others = list(every)
    others.remove(winner)
    others.sort(key=lambda e: (e.time is not None, e.time or 0, e.dataset_id, e.pk), reverse=True)
    lost = [entry_lost_by(winner, other) for other in others]
    told = [_entry(plan, other, by, won=False) for other, by in zip(others, lost, strict=True)]
    return [_entry(plan, winner, won_by(lost), won=True), *told]


def _merging(plan: ExportPlan, row: Row, entry: Row) -> Merging:
    return Merging(
        time=whole_or_null(entry, "qualified"),
        status=text_or_null(entry, "status"),
        dataset_id=source_of(row, plan).dataset_id,
        pk=str(row["pk"]),
        valid_until=whole_or_null(entry, "valid_until"),
    )


def _entry(plan: ExportPlan, entry: Merging, by: By, *, won: bool) -> Entry:
    (source,) = (i for i in plan.inputs if i.dataset_id == entry.dataset_id)
    return Entry(
        dataset_id=source.dataset_id,
        dataset=source.name,
        primary_identity=identity(entry.pk, plan.namespaces),
        status=entry.status,
        last_qualification_time=iso_micros(entry.time),
        valid_until=iso_micros(entry.valid_until),
        won=won,
        by=by,
    )


def _effective(entry: Row) -> str | None:
    """The status that S18 counts; one that it does not know stays as it is."""
    names = {code: status for status, code in STATUSES.items()}
    return names.get(whole(entry, "effective"), text_or_null(entry, "status"))


def _window(plan: ExportPlan) -> dict[str, str | None] | None:
    start, end = plan.audience.qualified_from, plan.audience.qualified_before
    if start is None and end is None:
        return None
    return {"startTime": iso(start) if start else None, "endTime": iso(end) if end else None}


def _because(plan: ExportPlan, item: AskedSegment, entry: Row | None, failed: Failed | None) -> str:
    if entry is None:
        return "No current record has an entry for it."
    effective, asked = _effective(entry), " or ".join(item.statuses)
    if effective is None:
        return "Its entry has no status, and so matches nothing."
    told = f"Its status is {effective}"
    if effective != entry["status"]:
        told = f"Its status {entry['status']} counts as {effective}, as validUntil"
        told += f" {iso_micros(entry['valid_until'])} is before the export's time {iso(plan.as_of)}"
    if failed == "status":
        return f"{told}; asked is {asked}."
    time, window = iso_micros(entry["qualified"]), _window(plan)
    if window is None:
        return f"{told}, which is asked for ({asked})."
    start, end = window["startTime"] or "any time", window["endTime"] or "any time"
    where = f"startTime {start} included, endTime {end} excluded"
    if failed is None:
        return f"{told}, and it qualified at {time}: in the window ({where})."
    if time is None:
        return f"{told}, but its qualification time is unknown: outside any window."
    return f"{told}, but it qualified at {time}: outside the window ({where})."
