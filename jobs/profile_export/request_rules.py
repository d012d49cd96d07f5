"""What members of a request may not be together: windows, empty objects, duplicate segments."""

from collections.abc import Iterator, Sequence

from profile_export.asked import AdditionalFields, ExportRequest, Filter
from profile_export.errors import Problem
from profile_export.shape import pointer, quote

_SEGMENTS = pointer("filter", "segments")
_WINDOW = pointer("filter", "segmentQualificationTime")
_ADDITIONAL = pointer("additionalFields")
_COMPARED = {"segmentId", "segmentNs", "status"}
"""Members of an item of ``segments`` that tell it from another."""
_EVENT_FILTER = pointer("additionalFields", "eventList", "filter")


def split_fields(fields: str) -> list[str]:
    """The paths of a ``fields`` text, none if it is blank (S21). Empty elements stay, as ``""``."""
    return [path.strip() for path in fields.split(",")] if fields.strip() else []


def rule_problems(request: ExportRequest, *, faulty: Sequence[str]) -> list[Problem]:
    """Problems of members that are each well-formed.

    Args:
        request: What could be read of the body.
        faulty: Pointers that already have a problem. What is missing because it was faulty is not
            called missing or empty again.
    """
    events = request.additional_fields and request.additional_fields.event_list
    found = list(_empty_elements(request.fields, pointer("fields")))
    if events:
        found += _empty_elements(events.fields, pointer("additionalFields", "eventList", "fields"))
    found += _filter_problems(request.filter, faulty)
    if request.additional_fields is not None:
        found += _additional_problems(request.additional_fields, faulty)
    if request.destination.segment_per_batch and not request.filter.segments:
        detail = "One batch per segment needs segments: name them in filter.segments (S20)."
        at = pointer("destination", "segmentPerBatch")
        found.append(Problem("batches-without-segments", detail, at))
    if request.evaluation_info.segmentation:
        detail = "Evaluating segments in the export is not offered yet; leave evaluationInfo out."
        found.append(Problem("not-offered", detail, pointer("evaluationInfo", "segmentation")))
    return found


def _empty_elements(fields: str, at: str) -> Iterator[Problem]:
    if "" in split_fields(fields):
        detail = "There is an empty element between commas; name a path there or drop the comma."
        yield Problem("empty-field", detail, at)


def _filter_problems(asked: Filter, faulty: Sequence[str]) -> Iterator[Problem]:
    window = asked.segment_qualification_time
    if window is not None:
        start, end = window.start_time, window.end_time
        if start is None and end is None and not _any_at(faulty, _WINDOW):
            detail = "Give startTime, endTime or both, or leave the window out."
            yield Problem("empty", detail, _WINDOW)
        elif not asked.segments:
            detail = "A qualification window needs segments: name them in filter.segments (S19)."
            yield Problem("window-without-segments", detail, _WINDOW)
        if start is not None and end is not None and start >= end:
            detail = "startTime must be before endTime: the end is excluded (S19)."
            yield Problem("empty-window", detail, _WINDOW)
    yield from _duplicate_segments(asked, faulty)


def _duplicate_segments(asked: Filter, faulty: Sequence[str]) -> Iterator[Problem]:
    first: dict[tuple[str, str, frozenset[str]], int] = {}
    parts = (at.split("/")[3:] for at in faulty if at.startswith(f"{_SEGMENTS}/"))
    unread = {item for item, *member in parts if not member or member[0] in _COMPARED}
    for index, segment in enumerate(asked.segments):
        if str(index) in unread:
            continue
        key = (segment.namespace, segment.segment_id, frozenset(segment.status))
        earlier = first.setdefault(key, index)
        if earlier != index:
            detail = (
                f"Segment {quote(segment.segment_id)} is asked again with the namespace and status "
                f"of item {earlier}; drop one of the two."
            )
            yield Problem("duplicate-segment", detail, pointer("filter", "segments", index))


def _additional_problems(asked: AdditionalFields, faulty: Sequence[str]) -> Iterator[Problem]:
    if not asked.model_fields_set and not _any_at(faulty, _ADDITIONAL):
        detail = "Name eventList (or lineage) in it, or leave additionalFields out."
        yield Problem("empty", detail, _ADDITIONAL)
    if asked.event_list is None or (window := asked.event_list.filter) is None:
        return
    start, end = window.from_ingest_timestamp, window.to_ingest_timestamp
    if start is None and end is None and not _any_at(faulty, _EVENT_FILTER):
        detail = "Give fromIngestTimestamp or toIngestTimestamp, or leave the filter out (S24)."
        yield Problem("empty-event-filter", detail, _EVENT_FILTER)


def _any_at(pointers: Sequence[str], prefix: str) -> bool:
    return any(at == prefix or at.startswith(f"{prefix}/") for at in pointers)
