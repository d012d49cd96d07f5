"""What may be asked: the members of a body of ``POST /export/jobs``, and what each may be."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, PrivateAttr, StrictBool, StrictInt, StrictStr

from profile_export.rfc3339 import rfc3339
from profile_export.shape import Part, Text

DEFAULT_NAMESPACE = "ups"

Time = Annotated[datetime, PlainValidator(rfc3339)]
Status = Literal["realized", "existing", "exited"]
DEFAULT_STATUSES: tuple[Status, ...] = ("realized", "existing")


class AskedPolicy(Part):
    """``mergePolicy``: an id, and a version unless the latest is meant (S9)."""

    id: Text
    version: Annotated[StrictInt, Field(ge=1)] | None = None


class Segment(Part):
    """One item of ``filter.segments`` (S17, S18), as sent; the properties give the defaults."""

    segment_id: Text
    segment_ns: Text = DEFAULT_NAMESPACE
    status: Annotated[tuple[Status, ...], Field(min_length=1)] = DEFAULT_STATUSES

    @property
    def namespace(self) -> str:
        """For comparing: namespaces compare without case."""
        return self.segment_ns.lower()


class Window(Part):
    """``segmentQualificationTime``: start included, end excluded, a missing side open (S19)."""

    start_time: Time | None = None
    end_time: Time | None = None


class Filter(Part):
    """``filter``: who is exported (S14-S19)."""

    segments: tuple[Segment, ...] = ()
    segment_qualification_time: Window | None = None
    from_ingest_timestamp: Time | None = None
    empty_profiles: StrictBool = False


class EventFilter(Part):
    """``eventList.filter``: ingest time strictly between the two (S24)."""

    from_ingest_timestamp: Time | None = None
    to_ingest_timestamp: Time | None = None


class AskedEvents(Part):
    """``additionalFields.eventList``: which events, and what of them (S23)."""

    fields: StrictStr = ""
    filter: EventFilter | None = None


class AdditionalFields(Part):
    """``additionalFields``: what goes beside the attributes."""

    event_list: AskedEvents | None = None
    lineage: StrictBool = False


class Destination(Part):
    """``destination``: the export dataset, and whether each segment gets its own batch (S20)."""

    dataset_id: Text
    segment_per_batch: StrictBool = False


class SchemaName(Part):
    """``schema``: there is only one to export."""

    name: Literal["_xdm.context.profile"]


class EvaluationInfo(Part):
    """``evaluationInfo``: known, so that it can be refused clearly."""

    segmentation: StrictBool = False


class ExportRequest(Part):
    """A request for an export job, defaults filled in; ``sent`` is the body as it came."""

    fields: StrictStr = ""
    merge_policy: AskedPolicy | None = None
    filter: Filter = Filter()
    additional_fields: AdditionalFields | None = None
    destination: Destination
    schema_: Annotated[SchemaName, Field(alias="schema")]
    evaluation_info: EvaluationInfo = EvaluationInfo()
    _sent: dict[str, object] = PrivateAttr(default_factory=dict)

    @property
    def sent(self) -> dict[str, object]:
        return self._sent
