"""What ``explain`` says about one identity, as data: this is the JSON of ``--json``.

Members are camelCase in JSON; an absent thing is null. Times are ISO-8601 in UTC with ``Z``.
Identities are {namespace, value}, the namespace as the sandbox declares it. Lists that can be long
hold their first items (at most :data:`MOST`), and a ``...Total`` beside them the whole number.
"""

from typing import Literal

from profile_export.explained.reasons import By, Step
from profile_export.plan import Frozen

MOST = 1000


class Key(Frozen):
    """An identity (S2)."""

    namespace: str
    value: str

    def __str__(self) -> str:
        return f"{self.namespace}:{self.value}"


class ReadDataset(Frozen):
    """A dataset that was read, and at which version (null: it has none)."""

    dataset_id: str
    dataset: str
    kind: Literal["profile", "experienceevent"]
    version: int | None
    participates: bool


class Policy(Frozen):
    """The merge policy, and the step of S9 that chose it."""

    id: str
    version: int
    name: str | None
    identity_graph: Literal["none", "pdg"]
    attribute_merge: Literal["timestampOrdered", "dataSetPrecedence"]
    order: tuple[str, ...]
    step: Step
    because: str


class Record(Frozen):
    """A record of the person: a current one (S4), or one that was replaced."""

    dataset_id: str
    dataset: str
    participates: bool
    primary_identity: Key
    ingest_time: str | None
    update_time: str | None
    record_id: str | None
    identities: tuple[Key, ...] = ()
    """Of a current record: its identities, all that it joins (S3)."""
    replaced: int = 0
    """Of a current record: how many others it replaced."""


class EventGroup(Frozen):
    """The person's events of one dataset and primary identity; ``first``, ``last`` by timestamp."""

    dataset_id: str
    dataset: str
    participates: bool
    primary_identity: Key
    count: int
    first: str | None
    last: str | None
    greatest_ingest_time: str | None
    identities: tuple[Key, ...]


class Attached(Frozen):
    """What becomes of an exported person's participating events in ``timeSeriesEvents``."""

    attached: int
    superseded: int
    """Another event of the same ``_id`` counts (S23)."""
    outside_ingest_times: int
    """Left out by the bounds of S24."""
    truncated: int
    """Beyond ``maxEventsPerProfile`` (S25)."""


class Link(Frozen):
    """One step of the tree that joins the person's identities, from the one that was asked.

    The row of ``dataset`` whose primary identity is ``primary_identity`` has both identities.
    Links are in the order of a walk: a link's ``known`` is the asked one or a former ``joined``.
    """

    known: Key
    joined: Key
    kind: Literal["record", "event"]
    dataset_id: str
    dataset: str
    primary_identity: Key
    depth: int


class Entry(Frozen):
    """A membership entry of one current record; ``by`` is what it won or lost by (S13)."""

    dataset_id: str
    dataset: str
    primary_identity: Key
    status: str | None
    last_qualification_time: str | None
    valid_until: str | None
    won: bool
    by: By


class SegmentTest(Frozen):
    """An item of ``filter.segments``, and whether the person matches it (S17-S19)."""

    segment_id: str
    segment_ns: str
    name: str | None
    asked_status: tuple[str, ...]
    status: str | None
    effective_status: str | None
    last_qualification_time: str | None
    valid_until: str | None
    window: dict[str, str | None] | None
    """startTime and endTime of ``segmentQualificationTime``; null where none is asked."""
    matches: bool
    failed: Literal["noEntry", "status", "qualificationTime"] | None
    because: str
    entries: tuple[Entry, ...]
    entries_total: int


class Value(Frozen):
    """A record's value of one leaf; ``by`` is what it won or lost by (S11)."""

    value: object
    dataset_id: str
    dataset: str
    primary_identity: Key
    update_time: str | None
    by: By


class Leaf(Frozen):
    """An exported leaf: its winner (null: no record has a value) and the values that lost."""

    path: str
    candidates: int
    winner: Value | None
    losers: tuple[Value, ...]
    losers_total: int


class Check(Frozen):
    """One test of S14-S19, in order; the last one is the one that excluded, if any did."""

    rule: str
    reason: str
    excludes: bool
    because: str


class InBatch(Frozen):
    """A batch that the person is in; the id is null where no job has been made of the request."""

    batch: int
    batch_id: str | None
    segment: dict[str, object]


class Verdict(Frozen):
    """Exported to batches, or the one reason; a person that is no candidate has neither."""

    candidate: bool
    exported: bool
    reason: str | None
    because: str
    batches: tuple[InBatch, ...]


class Shared(Frozen):
    """An identity that rows of several primary identities have, and how many those are."""

    identity: Key
    primaries: int


class Person(Frozen):
    """Whose rows: all that is joined to the asked identity (S6), and by which links.

    ``links`` is empty in ``none``, where nothing is joined. ``events_total`` counts groups, each of
    which has its own ``count``.
    """

    key: Key
    identities: tuple[Key, ...]
    identities_total: int
    records: tuple[Record, ...]
    records_total: int
    replaced: tuple[Record, ...]
    replaced_total: int
    events: tuple[EventGroup, ...]
    events_total: int
    links: tuple[Link, ...]
    links_total: int
    most_shared: tuple[Shared, ...]
    """What glues the most, the greatest first: a shared terminal, a placeholder address."""


class Account(Frozen):
    """The ordered account of one identity; ``leaves`` and ``attached`` are there if exported."""

    asked: str
    identity: Key
    job_id: int | None
    as_of: str
    read: tuple[ReadDataset, ...]
    person: Person
    policy: Policy
    leaves: tuple[Leaf, ...]
    attached: Attached | None
    segments: tuple[SegmentTest, ...]
    checks: tuple[Check, ...]
    verdict: Verdict
