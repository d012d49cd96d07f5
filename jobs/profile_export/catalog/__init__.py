"""What a plan is made against: a sandbox with its datasets, merge policies and segments.

Frozen and free of files: :mod:`~profile_export.sandbox` makes one from a sandbox file, the service
makes one from its store.
"""

from dataclasses import dataclass
from typing import Literal

from profile_export.errors import Problem
from profile_export.plan import IdentityField, TableRef

UNION_SCHEMA = "https://ns.adobe.com/xdm/context/profile__union"
PROFILE_SCHEMA = "_xdm.context.profile"


@dataclass(frozen=True)
class Declared:
    """A declaration in a file: its pointer, and ``file:line`` of members by pointers within it."""

    pointer: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Dataset:
    """A dataset of the catalog.

    Attributes:
        ingest_time: Dotted path of the ingest time (S5); only an export dataset has none.
        schema_ref: Id of its schema; an export goes only to :data:`UNION_SCHEMA`.
        source: ``file:line`` of its declaration, for messages about it.
        declared: Where its file declares the members that a table can contradict.
    """

    id: str
    name: str
    kind: Literal["profile", "experienceevent", "export"]
    table: TableRef
    primary_identity: IdentityField | None = None
    identities: tuple[IdentityField, ...] = ()
    ingest_time: str | None = None
    last_updated: str | None = None
    schema_ref: str | None = None
    source: str | None = None
    declared: Declared | None = None

    @property
    def label(self) -> str:
        """The dataset in a message: its id, and its name where that says more."""
        return self.id if self.name == self.id else f"{self.id} ({self.name})"

    def problem(self, code: str, detail: str, member: str) -> Problem:
        """What contradicts a member of the declaration, told at its line and with its pointer."""
        source, pointer = self.source, member
        if self.declared is not None:
            source = dict(self.declared.lines)[member]
            pointer = self.declared.pointer + member
        return Problem(code, f"Dataset {self.label} ({pointer}): {detail}", source=source)


@dataclass(frozen=True)
class MergePolicy:
    """One version of a merge policy (S9-S11)."""

    id: str
    name: str
    version: int
    graph: Literal["none", "pdg"]
    attribute_merge: Literal["timestampOrdered", "dataSetPrecedence"]
    order: tuple[str, ...] = ()
    default: bool = False
    schema_name: str = PROFILE_SCHEMA
    is_active_on_edge: bool = False


BUILT_IN_POLICY = MergePolicy("timestampOrdered-none-mp", "Built-in", 1, "none", "timestampOrdered")
"""What applies where nothing else does (S9)."""


@dataclass(frozen=True)
class SegmentDefinition:
    """A segment that has a name; one that is exported need not be defined."""

    id: str
    name: str
    description: str | None = None
    merge_policy_id: str | None = None


@dataclass(frozen=True)
class Settings:
    """Limits of the sandbox (S7, S25)."""

    max_identities: int = 50
    max_events_per_profile: int = 100_000


@dataclass(frozen=True)
class Sandbox:
    """An isolated environment of one organisation. Every version of a policy is an item."""

    ims_org_id: str
    name: str
    datasets: tuple[Dataset, ...] = ()
    merge_policies: tuple[MergePolicy, ...] = ()
    segments: tuple[SegmentDefinition, ...] = ()
    settings: Settings = Settings()

    def dataset(self, dataset_id: str) -> Dataset | None:
        return next((d for d in self.datasets if d.id == dataset_id), None)

    def segment(self, segment_id: str) -> SegmentDefinition | None:
        return next((s for s in self.segments if s.id == segment_id), None)

    def versions(self, policy_id: str) -> tuple[MergePolicy, ...]:
        """The versions of a policy, oldest first; the built-in one is always there (S9)."""
        own = sorted((p for p in self.merge_policies if p.id == policy_id), key=lambda p: p.version)
        if not own and policy_id == BUILT_IN_POLICY.id:
            return (BUILT_IN_POLICY,)
        return tuple(own)

    def latest_policies(self) -> tuple[MergePolicy, ...]:
        """The latest version of each policy, in the order of their first mention."""
        latest: dict[str, MergePolicy] = {}
        for policy in self.merge_policies:
            if latest.setdefault(policy.id, policy).version <= policy.version:
                latest[policy.id] = policy
        return tuple(latest.values())

    def default_policy(self, schema_name: str = PROFILE_SCHEMA) -> MergePolicy | None:
        """The policy whose latest version is the default of the schema (S9)."""
        latest = self.latest_policies()
        return next((p for p in latest if p.default and p.schema_name == schema_name), None)

    def namespaces(self) -> dict[str, str]:
        """Lower-cased namespace -> as first declared; in a dataset, primary first (S2)."""
        declared: dict[str, str] = {}
        for dataset in self.datasets:
            primary = () if dataset.primary_identity is None else (dataset.primary_identity,)
            for identity in (*primary, *dataset.identities):
                declared.setdefault(identity.namespace.lower(), identity.namespace)
        return declared
