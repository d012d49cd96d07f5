"""The export plan: a request resolved against a sandbox, pinned and JSON-able.

The plan is all that the stages see of the world. Two runs of one plan give the same rows (S29).
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

from profile_export.schema import Struct, from_json, to_json


def _schema(node: object) -> object:
    if isinstance(node, Struct):
        return node
    try:
        return from_json(node)
    except (LookupError, TypeError) as error:  # of a paper that was damaged; pydantic tells of it
        raise ValueError("no columns can be read here") from error


Schema = Annotated[Struct, BeforeValidator(_schema), PlainSerializer(to_json)]


class Frozen(BaseModel):
    """Base of the plan's parts: immutable, camelCase in JSON, unknown members refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class TableRef(Frozen):
    """Where a table lies: ``location`` is an absolute path or URI, or None for a named table."""

    format: Literal["delta", "parquet"]
    location: str | None = None
    name: str | None = None
    written: str | None = None
    """The path as the user wrote it: all that a message may show of a file system."""

    @property
    def display(self) -> str:
        return self.name or self.written or self.location or ""


class IdentityField(Frozen):
    """A leaf that holds an identity; ``namespace`` as the sandbox writes it (S2)."""

    namespace: str
    field: str


class Input(Frozen):
    """One dataset that the job reads, at its pinned version (S28)."""

    dataset_id: str
    name: str
    kind: Literal["profile", "experienceevent"]
    table: TableRef
    version: int | None
    columns: Schema
    primary_identity: IdentityField | None
    identities: tuple[IdentityField, ...]
    ingest_time: str
    last_updated: str | None
    participates: bool
    """False for a dataset that only joins identities (pdg under a precedence order, S6, S10)."""
    rank: int
    """Position in the policy's ``order`` (dataSetPrecedence), else in the sandbox; 0 is first."""
    files: tuple[tuple[str, ...], ...] | None = None
    """Of a Parquet folder the names of its files, those of one layout together, which are read
    whatever else is added later (S28); None of other tables, and of a folder with too many."""
    table_id: str | None = None
    """Of a Delta table its own id, by which another one at the same path is told; None of others,
    and of one that is known by name only."""

    @property
    def has_identity_map(self) -> bool:
        return self.columns.get("identityMap") is not None

    @property
    def has_memberships(self) -> bool:
        return self.columns.get("segmentMembership") is not None


class MergePolicyPin(Frozen):
    """The merge policy at the version that the job keeps (S9)."""

    id: str
    version: int
    graph: Literal["none", "pdg"]
    attribute_merge: Literal["timestampOrdered", "dataSetPrecedence"]
    order: tuple[str, ...] = ()


class AskedSegment(Frozen):
    """One item of ``filter.segments``; ``namespace`` lower-cased, for matching (S17, S18)."""

    segment_id: str
    namespace: str
    statuses: tuple[str, ...]


class Audience(Frozen):
    """Who is exported (S14-S19). Times are UTC; ``qualified_from`` included, ``_before`` not."""

    segments: tuple[AskedSegment, ...]
    qualified_from: datetime | None
    qualified_before: datetime | None
    updated_after: datetime | None
    empty_profiles: bool
    max_identities: int


class EventList(Frozen):
    """Which events are attached, and what of them (S23-S25).

    ``columns`` is the element type of ``timeSeriesEvents``: ``_id``, ``timestamp``, then the asked
    fields in the union's order.
    """

    columns: Schema
    ingested_after: datetime | None
    ingested_before: datetime | None
    max_per_profile: int


class Batch(Frozen):
    """One batch: its id, and its segment as the job document shows it ({} if not per segment)."""

    batch_id: str
    segment: dict[str, object]


class Target(Frozen):
    """The export dataset that the job appends to."""

    dataset_id: str
    name: str
    table: TableRef


class ExportPlan(Frozen):
    """Everything a run needs. ``output`` is the projected profile schema in the union's order.

    ``output`` holds attributes, then ``identityMap``, ``identities``, ``segmentMembership`` where
    asked (S12, S21, S22); neither ``timeSeriesEvents`` nor ``_ACP_BATCHID``. ``membership`` is the
    united entry struct of ``segmentMembership`` (S13).
    """

    job_id: int
    ims_org_id: str
    sandbox: str
    as_of: datetime
    """The job's creation time, UTC: the only "now" that rules compare with (S18)."""
    request: dict[str, object]
    merge_policy: MergePolicyPin
    namespaces: dict[str, str]
    """Lower-cased namespace -> as the sandbox first declares it (S2)."""
    inputs: tuple[Input, ...]
    audience: Audience
    output: Schema
    membership: Schema
    events: EventList | None
    lineage: bool
    target: Target
    batches: tuple[Batch, ...]
    segment_per_batch: bool

    @property
    def question(self) -> tuple[str, str, str, dict[str, object]]:
        """Sandbox, target and request: what a job of the same id must have asked."""
        return self.ims_org_id, self.sandbox, self.target.dataset_id, self.request

    @property
    def records(self) -> tuple[Input, ...]:
        """The participating profile datasets."""
        return tuple(i for i in self.inputs if i.kind == "profile" and i.participates)

    def place(self, source: Input) -> int:
        """A number that is greater for the dataset of the greater id: how ties are broken."""
        return sorted(i.dataset_id for i in self.inputs).index(source.dataset_id)

    def precedence(self, source: Input) -> int:
        """A number that is greater for the dataset that wins: by order, or by dataset id (S11)."""
        in_order = self.merge_policy.attribute_merge == "dataSetPrecedence"
        return -source.rank if in_order else self.place(source)

    @property
    def event_inputs(self) -> tuple[Input, ...]:
        """The participating event datasets."""
        return tuple(i for i in self.inputs if i.kind == "experienceevent" and i.participates)

    @property
    def attached(self) -> EventList | None:
        """What is asked of events; None also where no dataset has any to attach."""
        return self.events if self.event_inputs else None
