"""The verdict: the tests of S14-S19 with the numbers that decided, and the batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from profile_export.explained.account import Check, InBatch, SegmentTest, Verdict
from profile_export.explained.cells import Row, text_or_null, whole
from profile_export.explained.values import iso, iso_micros
from profile_export.plan import ExportPlan


@dataclass(frozen=True)
class Facts:
    """What the tests looked at.

    Attributes:
        plan: Of the job.
        rows: The person's who rows.
        numbers: ``who.verdict``; None for a person that is no candidate.
        tests: Every asked segment.
    """

    plan: ExportPlan
    rows: Sequence[Row]
    numbers: Row | None
    tests: Sequence[SegmentTest]


def checks(facts: Facts) -> list[Check]:
    """The tests in the order of S14-S19, up to the one that excluded; none for no candidate."""
    made: list[Check] = []
    if facts.numbers is None:
        return made
    for rule, reason, because in _TESTS:
        excludes = facts.numbers["reason"] == reason
        for sentence in because(facts, excludes):
            made.append(Check(rule=rule, reason=reason, excludes=excludes, because=sentence))
        if excludes:
            break
    return made


def verdict(facts: Facts, made: Sequence[Check], *, ids_known: bool) -> Verdict:
    """Batches, or the one reason; ``ids_known``: the batches are those of a job that was made."""
    if facts.numbers is None:
        return _no_candidate(facts)
    reason = text_or_null(facts.numbers, "reason")
    if reason is not None:
        because = made[-1].because
        return Verdict(candidate=True, exported=False, reason=reason, because=because, batches=())
    positions = cast("list[int]", facts.numbers["batches"])
    batches = tuple(
        InBatch(
            batch=position,
            batch_id=facts.plan.batches[position].batch_id if ids_known else None,
            segment=facts.plan.batches[position].segment,
        )
        for position in positions
    )
    count, total = len(batches), len(facts.plan.batches)
    told = "in the one batch" if total == 1 else f"in {count} of the {total} batches"
    because = f"It passes every test, and has a row {told}."
    return Verdict(candidate=True, exported=True, reason=None, because=because, batches=batches)


def _no_candidate(facts: Facts) -> Verdict:
    sources = {whole(row, "source"): None for row in facts.rows}
    names = ", ".join(facts.plan.inputs[index].name for index in sources)
    because = (
        f"No candidate: its records and events are only in {names}, which under this merge policy"
        " joins identities and takes no other part (S10)."
    )
    return Verdict(candidate=False, exported=False, reason=None, because=because, batches=())


def _identities(facts: Facts, excludes: bool) -> Iterator[str]:
    assert facts.numbers is not None
    count, limit = facts.numbers["identities"], facts.plan.audience.max_identities
    of = "identity" if count == 1 else "identities"
    is_more = "more than" if excludes else "not more than"
    yield f"It has {count} {of}, {is_more} the {limit} allowed (maxIdentities)."


def _record(facts: Facts, excludes: bool) -> Iterator[str]:
    mine = [row for row in facts.rows if row["participates"]]
    records = sum(1 for row in mine if row["is_record"])
    events = sum(whole(row, "rows") for row in mine if not row["is_record"])
    only = f"It is known only by {_plural(events, 'event')}: no participating dataset has a current"
    only += " record of it"
    if excludes:
        yield f"{only}, and filter.emptyProfiles is not true."
    elif not records:
        yield f"{only}; filter.emptyProfiles keeps it."
    else:
        yield f"It has {_plural(records, 'current record')} in participating datasets."


def _updated(facts: Facts, excludes: bool) -> Iterator[str]:
    assert facts.numbers is not None
    after = facts.plan.audience.updated_after
    if after is None:
        return
    kind = "records" if facts.numbers["has_record"] else "events"
    newest = iso_micros(facts.numbers["updated"])
    if newest is None:
        yield (
            f"None of its {kind} has an ingest time, so none is later than"
            f" filter.fromIngestTimestamp, {iso(after)}."
        )
        return
    yield (
        f"The greatest ingest time of its {kind}, {newest}, is {'not ' if excludes else ''}later"
        f" than filter.fromIngestTimestamp, {iso(after)}."
    )


def _in_segment(facts: Facts, excludes: bool) -> Iterator[str]:
    if not facts.tests:
        return
    if excludes:
        asked = ", ".join(dict.fromkeys(map(_name, facts.tests)))
        yield f"Its records have no membership entry for any asked segment: {asked}."
        return
    known = sum(1 for test in facts.tests if test.failed != "noEntry")
    yield f"Its records have an entry for {known} of the {_plural(len(facts.tests), 'asked item')}."


def _status(facts: Facts, excludes: bool) -> Iterator[str]:
    if not facts.tests:
        return
    if excludes:
        told = (f"{_name(t)}: {t.because}" for t in facts.tests if t.failed == "status")
        yield f"No entry has a status that its item asks for. {' '.join(told)}"
        return
    known = sum(1 for test in facts.tests if test.failed not in ("noEntry", "status"))
    yield f"For {_plural(known, 'item')} the entry's status is one that is asked for."


def _qualified(facts: Facts, excludes: bool) -> Iterator[str]:
    if not facts.tests:
        return
    if excludes:
        told = (f"{_name(t)}: {t.because}" for t in facts.tests if t.failed == "qualificationTime")
        yield f"No such entry lies in filter.segmentQualificationTime. {' '.join(told)}"
        return
    known = sum(1 for test in facts.tests if test.matches)
    window = "" if facts.tests[0].window else " No segmentQualificationTime is asked."
    yield f"It matches {_plural(known, 'item')} wholly.{window}"


_Because: TypeAlias = Callable[[Facts, bool], Iterator[str]]
_TESTS: tuple[tuple[str, str, _Because], ...] = (
    ("S14", "tooManyIdentities", _identities),
    ("S15", "noProfileRecord", _record),
    ("S16", "notUpdatedSince", _updated),
    ("S17", "notInSegment", _in_segment),
    ("S18", "otherStatus", _status),
    ("S19", "outsideQualificationTime", _qualified),
)


def _name(test: SegmentTest) -> str:
    return f"{test.segment_ns}:{test.segment_id}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
