"""Bodies and answers of export jobs."""

from typing import Annotated, Any, Literal

from pydantic import Field

from profile_export.asked import ExportRequest
from profile_export.service.models import Out


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
