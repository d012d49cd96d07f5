"""Bodies and answers as OpenAPI shows them. ``In`` models also read; ``Out`` models describe."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from profile_export.asked import ExportRequest
from profile_export.shape import Part, Text


class Out(BaseModel):
    """Base of answers: what is listed is always there, more may be."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)


class ExportJobIn(ExportRequest):
    """What is exported, to where. `dataSetId` is accepted for `datasetId`."""


class BatchOut(Out):
    """A batch of one segment."""

    segment_id: str
    segment_ns: str
    status: list[str]
    batch_id: str


class DestinationOut(Out):
    """The target; `batches` with `segmentPerBatch`, else `batchId`."""

    dataset_id: str
    data_set_id: str
    segment_per_batch: bool
    batch_id: str | None = None
    batches: list[BatchOut] | None = None


class PolicyPinOut(Out):
    """The merge policy that the job keeps."""

    id: str
    version: int


class JobErrorOut(Out):
    """Why a job failed, and what to do."""

    code: str
    msg: str
    call_stack: str


class ExportJobOut(Out):
    """The job document. Times are epoch milliseconds; what was not asked is left out."""

    id: int
    profile_instance_id: str
    job_type: str
    ims_org_id: str
    request_id: str
    status: Literal["NEW", "PROCESSING", "SUCCEEDED", "FAILED", "CANCELLING", "CANCELLED"]
    fields: str | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    merge_policy: PolicyPinOut
    filter: dict[str, Any] | None = None
    additional_fields: dict[str, Any] | None = None
    destination: DestinationOut
    compute_gateway_job_id: dict[str, str]
    metrics: dict[str, Any]
    errors: list[JobErrorOut]
    creation_time: int
    update_time: int


class PageOut(Out):
    """Where a page of jobs is."""

    sort_field: Literal["createdTime"]
    sort: Literal["desc"]
    page_offset: str
    page_size: int


class LinkOut(Out):
    """The next page; empty at the end."""

    next: str


class JobPageOut(Out):
    """Jobs, newest first."""

    records: list[ExportJobOut]
    page: PageOut
    link: LinkOut


class CountedBatchOut(Out):
    """What a batch would hold."""

    segment: dict[str, Any]
    record_count: int


class CountsOut(Out):
    """What an export would count."""

    candidates: int
    batches: list[CountedBatchOut]
    exclusions: dict[str, int]


class DryRunOut(Out):
    """What would be done, and what would come out."""

    plan: dict[str, Any]
    counts: CountsOut


class HrefOut(Out):
    """A link that resolves on this host."""

    href: str


class LinksOut(Out):
    """Links of an item."""

    self: HrefOut


class NextOut(Out):
    """Where a list goes on; not there at its end."""

    next: HrefOut


class BatchFileOut(Out):
    """One Parquet file of a batch; numbers and times are texts."""

    data_set_file_id: str
    data_set_view_id: str
    version: str
    created: str
    updated: str
    records: str
    size: str
    is_valid: bool
    links: Annotated[LinksOut, Field(alias="_links")]


class PagedOut(Out):
    """The size of a page, and how many are on it."""

    limit: int
    count: int


class BatchFilesOut(Out):
    """The files of a batch."""

    data: list[BatchFileOut]
    page: Annotated[PagedOut, Field(alias="_page")]
    links: Annotated[NextOut | None, Field(alias="_links")] = None


class FileOut(Out):
    """A file and where its bytes are."""

    name: str
    length: str
    links: Annotated[LinksOut, Field(alias="_links")]


class FilesOut(Out):
    """What a `dataSetFileId` consists of."""

    data: list[FileOut]
    page: Annotated[PagedOut, Field(alias="_page")]


class ManifestOut(Out):
    """What a job wrote: batches with their files, sizes, SHA-256 and row-set hashes."""

    manifest_version: int
    job_id: int
    dataset_id: str
    delta_version: int
    batches: list[dict[str, Any]]


class QueryIn(Part):
    """One SELECT. Tables are the sandbox's export datasets."""

    sql: Text
    db_name: Text
    name: str | None = None
    description: str | None = None


class ColumnOut(Out):
    """A column, with its type as Spark SQL writes it."""

    name: str
    type: str


class QueryOut(Out):
    """What a SELECT gave."""

    columns: list[ColumnOut]
    rows: list[list[Any]]
    truncated: bool


class HealthOut(Out):
    """How the service is; `store` and `worker` of `/health/ready`."""

    status: str
    store: str | None = None
    worker: str | None = None


class ProblemItemOut(Out):
    """One fault: in the body at `pointer` (RFC 6901), or of a query `parameter`."""

    pointer: str | None = None
    parameter: str | None = None
    code: str
    detail: str


class ProblemOut(Out):
    """An error (RFC 9457), with every fault of the request; none where it is of no place in it."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[ProblemItemOut]


class AccessOut(BaseModel):
    """A call that is not let in."""

    error_code: str
    message: str
