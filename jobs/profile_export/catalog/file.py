"""What a sandbox file may hold (4-architecture.md): each member's type, nothing between members."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from profile_export.catalog import PROFILE_SCHEMA, Settings
from profile_export.shape import Part, Text

Count = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
Anything = object


class TablePart(Part):
    """Where a table lies: a path with its format, or a name in the engine's catalog."""

    format: Literal["delta", "parquet"] = "delta"
    path: Text | None = None
    name: Text | None = None


class IdentityPart(Part):
    """A column that holds an identity (S2)."""

    namespace: Text
    field: Text


class SchemaRefPart(Part):
    """A schema by its id."""

    id: Text
    content_type: StrictStr | None = None


class DatasetPart(Part):
    """One item of ``datasets``."""

    id: Text
    name: Text | None = None
    description: StrictStr | None = None
    class_: Annotated[Literal["profile", "experienceevent", "export"], Field(alias="class")]
    table: TablePart
    primary_identity: IdentityPart | None = None
    identities: tuple[IdentityPart, ...] = ()
    ingest_time: Text | None = None
    last_updated: Text | None = None
    schema_ref: SchemaRefPart | None = None


class SchemaPart(Part):
    """A schema by its name."""

    name: Text


class GraphPart(Part):
    """``identityGraph`` (S6)."""

    type: Literal["none", "pdg"]


class MergePart(Part):
    """``attributeMerge`` (S10, S11)."""

    type: Literal["timestampOrdered", "dataSetPrecedence"]
    order: tuple[Text, ...] = ()


class PolicyPart(Part):
    """One item of ``mergePolicies``; read-only members of the REST document are let through."""

    id: Text
    name: Text | None = None
    version: Count = 1
    default: StrictBool = False
    schema_: Annotated[SchemaPart, Field(alias="schema")] = SchemaPart(name=PROFILE_SCHEMA)
    identity_graph: GraphPart
    attribute_merge: MergePart
    is_active_on_edge: StrictBool = False
    ims_org_id: Anything = None
    sandbox: Anything = None
    update_epoch: Anything = None


class SegmentPart(Part):
    """One item of ``segments``; what only the REST document needs is let through."""

    id: Text
    name: Text | None = None
    description: StrictStr | None = None
    merge_policy_id: Text | None = None
    schema_: Annotated[Anything, Field(alias="schema")] = None
    expression: Anything = None
    ttl_in_days: Anything = None
    evaluation_info: Anything = None
    payload_schema: Anything = None
    profile_instance_id: Anything = None
    data_governance_policy: Anything = None
    ims_org_id: Anything = None
    sandbox: Anything = None
    creation_time: Anything = None
    update_time: Anything = None


class SettingsPart(Part):
    """``settings`` (S7, S25)."""

    max_identities: Count = Settings.max_identities
    max_events_per_profile: Count = Settings.max_events_per_profile


class SandboxPart(Part):
    """The whole file."""

    ims_org_id: Text
    name: Text
    settings: SettingsPart = SettingsPart()
    datasets: tuple[DatasetPart, ...] = ()
    merge_policies: tuple[PolicyPart, ...] = ()
    segments: tuple[SegmentPart, ...] = ()
