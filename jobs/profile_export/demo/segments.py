"""Audience segments, computed from the purchases at two dates.

In at both dates: ``existing``. In at the second only: ``realized``. In at the first only:
``exited``. In at neither: no entry.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

FIRST = datetime(2019, 3, 1, 2, tzinfo=UTC)
SECOND = datetime(2019, 9, 1, 2, tzinfo=UTC)
"""The nights of the two evaluations; the seed request's window is the day of the second."""

Entry: TypeAlias = dict[str, str | datetime | None]
Membership: TypeAlias = dict[str, dict[str, Entry]]
Bought: TypeAlias = Sequence[tuple[int, datetime, float]]
"""Purchases as (customer id, time, dollars)."""


@dataclass(frozen=True)
class DemoSegment:
    """A rule on one customer's purchases of the last ``days`` days.

    Attributes:
        namespace: Who owns it, as the tables write it: ``ups`` or ``AAM``.
        days: Length of the window that ends at the evaluation.
        at_least: Least sum in the window, in dollars; a single purchase is needed anyhow.
        absent: True turns it round: those who bought before, but not so in the window.
        valid_days: ``validUntil`` is so many days after ``lastQualificationTime``.
    """

    namespace: str
    id: str
    days: int
    at_least: float = 0.0
    absent: bool = False
    valid_days: int | None = None


RECENT = DemoSegment("ups", "1rfe8422-334d-12f4-3sd4-12cf6g990g51", days=182)
LAPSED = DemoSegment("ups", "7c1f0d0e-5b7a-4b7e-9a53-2f4f0b8c6d10", days=182, absent=True)
OFFER = DemoSegment("ups", "b0a6c1de-93f4-4f0b-8a0e-6c2f7d1e9a22", days=91, valid_days=91)
SPENDERS = DemoSegment("AAM", "4edc8488-2c35-4f6d-b4c6-9075c68d2df4", days=182, at_least=50.0)
SEGMENTS = (RECENT, LAPSED, OFFER, SPENDERS)


@dataclass(frozen=True)
class Evaluation:
    """Who is in which segment at the two dates, as sets of customer ids."""

    first: Mapping[DemoSegment, Collection[int]]
    second: Mapping[DemoSegment, Collection[int]]

    def at_first(self, customer: int | None, *namespaces: str) -> Membership:
        """What a record written after the first date says: only ``realized``."""
        return _membership(
            (segment, "realized", FIRST)
            for segment in SEGMENTS
            if segment.namespace in namespaces and customer in self.first[segment]
        )

    def at_second(self, customer: int | None, *namespaces: str) -> Membership:
        """What a record written after the second date says: all three statuses."""
        return _membership(
            (segment, *verdict)
            for segment in SEGMENTS
            if segment.namespace in namespaces
            and (verdict := self._verdict(segment, customer)) is not None
        )

    def _verdict(self, segment: DemoSegment, customer: int | None) -> tuple[str, datetime] | None:
        before, now = customer in self.first[segment], customer in self.second[segment]
        if before and now:
            return "existing", FIRST
        if not (before or now) or customer is None:
            return None
        # AAM delivers half of its customers one night earlier: outside the seed request's window.
        early = segment.namespace == "AAM" and customer % 20 == 0
        return "realized" if now else "exited", SECOND - timedelta(days=early)


def evaluate(bought: Bought) -> Evaluation:
    """Evaluate every segment at both dates, for the customers of ``bought``."""
    return Evaluation(
        first={segment: _members(segment, bought, FIRST) for segment in SEGMENTS},
        second={segment: _members(segment, bought, SECOND) for segment in SEGMENTS},
    )


def _members(segment: DemoSegment, bought: Bought, at: datetime) -> frozenset[int]:
    start = at - timedelta(days=segment.days)
    ever: set[int] = set()
    spent: dict[int, float] = {}
    for customer, time, dollars in bought:
        if time < at:
            ever.add(customer)
            if time >= start:
                spent[customer] = spent.get(customer, 0.0) + dollars
    inside = {customer for customer, dollars in spent.items() if dollars >= segment.at_least}
    return frozenset(ever - inside if segment.absent else inside)


def _membership(entries: Iterable[tuple[DemoSegment, str, datetime]]) -> Membership:
    found: Membership = {}
    for segment, status, time in entries:
        keeps = segment.valid_days is not None and status != "exited"
        until = time + timedelta(days=segment.valid_days or 0) if keeps else None
        entry: Entry = {"status": status, "lastQualificationTime": time, "validUntil": until}
        found.setdefault(segment.namespace, {})[segment.id] = entry
    return found
