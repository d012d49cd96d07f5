"""Bodies and answers of the catalog, of merge policies and of segment definitions."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StrictBool, StrictStr, field_validator
from pydantic_core import PydanticCustomError

from profile_export.catalog import PROFILE_SCHEMA, UNION_SCHEMA
from profile_export.catalog.file import GraphPart, MergePart, SchemaPart
from profile_export.service.models import Out
from profile_export.shape import Part, Text, quote

CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"
Texts = tuple[StrictStr, ...]
Kept = JsonValue
"""Accepted and given back, nothing else."""


class UnionSchemaIn(Part):
    """`schemaRef`: only the union schema can be exported to."""

    id: StrictStr
    content_type: Text = CONTENT_TYPE

    @field_validator("id")
    @classmethod
    def _is_union(cls, value: str) -> str:
        if value != UNION_SCHEMA:
            text = (
                f"{quote(value)} cannot be exported to; a data set made here is of {UNION_SCHEMA}."
            )
            raise PydanticCustomError("not-the-union-schema", "{text}", {"text": text})
        return value


class FileDescriptionIn(Part):
    """`fileDescription`: an export is Parquet files of a Delta table."""

    persisted: StrictBool = True
    container_format: Literal["parquet"] = "parquet"
    format: Literal["parquet", "delta"] = "parquet"


class DataSetIn(Part):
    """A data set that exports may go to."""

    name: Text
    schema_ref: UnionSchemaIn
    description: StrictStr | None = None
    file_description: FileDescriptionIn = FileDescriptionIn()
    aspect: Text = "production"
    tags: dict[str, Texts] = Field(default_factory=dict)
    unified_tags: Texts = ()
    system_labels: Texts = ()
    enable_error_diagnostics: StrictBool = False
    # Members of the object as we give it, so that it can be sent back as read.
    created: Kept = 0
    updated: Kept = 0
    classification: Kept = 0
    ims_org: Kept = 0
    state: Kept = 0


class MergePolicyIn(Part):
    """A merge policy."""

    name: Text
    schema_: Annotated[SchemaPart, Field(alias="schema")]
    identity_graph: GraphPart
    attribute_merge: MergePart
    default: StrictBool = False
    is_active_on_edge: StrictBool = False


class ExpressionIn(Part):
    """Kept, not evaluated: who is in a segment is in the data."""

    type: Text
    format: Text
    value: StrictStr
    meta: StrictStr | None = None


class SegmentIn(Part):
    """A segment definition."""

    name: Text
    expression: ExpressionIn
    description: StrictStr | None = None
    schema_: Annotated[SchemaPart, Field(alias="schema")] = SchemaPart(name=PROFILE_SCHEMA)
    merge_policy_id: Text | None = None
    ttl_in_days: Kept = 0
    evaluation_info: Kept = 0
    payload_schema: Kept = 0
    profile_instance_id: Kept = 0
    data_governance_policy: Kept = 0


class DataSetOut(Out):
    """A data set."""

    ims_org: str
    name: str
    schema_ref: dict[str, str]
    tags: dict[str, list[str]]
    classification: dict[str, str]
    created: int
    updated: int


class CatalogBatchOut(Out):
    """A batch; what is not known yet is left out."""

    ims_org: str
    sandbox_id: str
    status: Literal["processing", "success", "failed", "aborted"]
    created: int
    updated: int
    started: int | None = None
    completed: int | None = None
    record_count: int | None = None
    size: int | None = None
    errors: list[dict[str, Any]]
    related_objects: list[dict[str, str]]


class MergePolicyOut(Out):
    """A version of a merge policy."""

    id: str
    ims_org_id: str
    sandbox: dict[str, str]
    name: str
    version: int
    schema_: Annotated[dict[str, str], Field(alias="schema")]
    identity_graph: dict[str, str]
    attribute_merge: dict[str, Any]
    default: bool
    is_active_on_edge: bool
    update_epoch: int


class MergePoliciesOut(Out):
    """A page of merge policies, each at its latest version."""

    page_: Annotated[dict[str, int], Field(alias="_page")]
    children: list[MergePolicyOut]
    links: Annotated[dict[str, dict[str, str]], Field(alias="_links")]


class SegmentOut(Out):
    """A segment definition."""

    id: str
    ims_org_id: str
    sandbox: dict[str, str]
    name: str
    schema_: Annotated[dict[str, str], Field(alias="schema")]
    expression: dict[str, Any]
    creation_time: int
    update_time: int


class SegmentsOut(Out):
    """A page of segment definitions."""

    segments: list[SegmentOut]
    page: dict[str, int]


class RemovedOut(Out):
    """What was deleted."""

    status: bool
    message: str
