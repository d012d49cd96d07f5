"""Read the body of ``POST /export/jobs``: the request, and every problem of its shape.

:mod:`~profile_export.asked` says what each member may be, :mod:`~profile_export.request_rules` what
members may not be together. :func:`read_request` does not stop at the first fault: it takes faulty
members out and gives the rest, so that planning adds the problems of the catalog to one answer.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from pydantic import ValidationError

from profile_export.asked import ExportRequest
from profile_export.catalog import PROFILE_SCHEMA
from profile_export.errors import Problem, Refused
from profile_export.jsonbody import decode
from profile_export.request_rules import rule_problems
from profile_export.shape import in_order, pointer, problems_of

__all__ = ["READ_ONLY", "UNUSABLE", "Draft", "ExportRequest", "parse_request", "read_request"]

READ_ONLY = ("id", "imsOrgId", "sandbox", "version", "updateEpoch", "creationTime", "updateTime")
"""Members of documents that we return; ignored, so that one can be sent back as read."""
UNUSABLE = "\0"
"""Stands for a required text that was faulty. No request holds it: ``decode`` refuses U+0000."""

MOST_SEGMENTS = 4000
"""As many as Adobe lets a sandbox have. A body of 1 MiB could ask for 60,000, whose job document
alone would have 10 MB."""
MOST_STATUSES = 100


@dataclass(frozen=True)
class Draft:
    """A request as far as it can be read.

    Attributes:
        request: Without its faulty members; a required text that was faulty is :data:`UNUSABLE`.
        problems: Every fault of shape, as found; empty for a good request.
        dataset_pointer: Where the target is written: ``datasetId`` or ``dataSetId``.
    """

    request: ExportRequest
    problems: tuple[Problem, ...]
    dataset_pointer: str


def parse_request(body: bytes | str | Mapping[str, object]) -> ExportRequest:
    """The request in a body of ``POST /export/jobs``.

    Raises:
        Refused: With every problem of shape, in the order of their pointers.
    """
    draft = read_request(body)
    if draft.problems:
        raise Refused(in_order(draft.problems))
    return draft.request


def read_request(body: bytes | str | Mapping[str, object]) -> Draft:
    """What can be read of a body, and every problem of its shape.

    Raises:
        Refused: The body is no JSON object, or nested too deep: nothing can be read.
    """
    sent, problems = decode(body)
    usable = deepcopy({name: value for name, value in sent.items() if name not in READ_ONLY})
    dataset_pointer, spelling = _one_spelling(usable)
    known = {problem.pointer for problem in problems}
    too_long = _shortened(usable)
    request, found = _validated(usable)
    for problem in (*spelling, *too_long, *found):
        at = dataset_pointer if problem.pointer == _DATASET else problem.pointer
        if at not in known:  # what cannot be decoded is not complained of twice
            problems.append(Problem(problem.code, problem.detail, at))
    problems += rule_problems(request, faulty=[problem.pointer for problem in problems])
    request._sent = sent
    return Draft(request, tuple(problems), dataset_pointer)


_DATASET = pointer("destination", "datasetId")


def _one_spelling(body: dict[str, object]) -> tuple[str, list[Problem]]:
    """Turn ``dataSetId`` into ``datasetId``; both may be there (we return both) if they agree."""
    destination = body.get("destination")
    if not isinstance(destination, dict) or "dataSetId" not in destination:
        return _DATASET, []
    other = destination.pop("dataSetId")
    at = pointer("destination", "dataSetId")
    if "datasetId" not in destination:
        destination["datasetId"] = other
        return at, []
    if other == destination["datasetId"]:
        return _DATASET, []
    detail = "'datasetId' and 'dataSetId' are two spellings of one member, and differ; send one."
    return _DATASET, [Problem("bad-value", detail, at)]


def _shortened(body: dict[str, object]) -> list[Problem]:
    """Take lists out that are longer than any use, before each of their items is looked at."""
    asked = body.get("filter")
    items = asked.get("segments") if isinstance(asked, dict) else None
    if not isinstance(items, list):
        return []
    if len(items) > MOST_SEGMENTS:
        detail = f"{len(items):,} segments are asked; one export takes {MOST_SEGMENTS:,} at most."
        _take_out(body, ("filter", "segments"))
        return [Problem("too-many-segments", detail, pointer("filter", "segments"))]
    problems = []
    for index, item in enumerate(items):
        statuses = item.get("status") if isinstance(item, dict) else None
        if isinstance(statuses, list) and len(statuses) > MOST_STATUSES:
            detail = f"{len(statuses):,} statuses are asked; there are three. Name each once."
            at = ("filter", "segments", index, "status")
            _take_out(body, at)
            problems.append(Problem("too-many-statuses", detail, pointer(*at)))
    return problems


def _validated(body: dict[str, object]) -> tuple[ExportRequest, list[Problem]]:
    problems: list[Problem] = []
    for _ in range(3):  # the second round always passes; the third would be a fault of _take_out
        try:
            return ExportRequest.model_validate(body), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
            problems += problems_of(details, ExportRequest)
            for detail in details:
                _take_out(body, detail["loc"])
    raise Refused(in_order(problems))


def _take_out(body: dict[str, object], loc: tuple[str | int, ...]) -> None:
    """Remove the faulty member at ``loc``; put a placeholder where the model requires one."""
    match loc:
        case ("destination",):
            body["destination"] = {"datasetId": UNUSABLE}
        case ("schema", *_):
            body["schema"] = {"name": PROFILE_SCHEMA}
        case ("mergePolicy",):
            body["mergePolicy"] = {"id": UNUSABLE}
        case ("filter",):  # with segments: that it has none would be a second complaint
            body["filter"] = {"segments": [{"segmentId": UNUSABLE}]}
        case ("filter", "segments"):
            _set(body, loc, [{"segmentId": UNUSABLE}])
        case ("filter", "segments", _):
            _set(body, loc, {"segmentId": UNUSABLE})
        case ("destination", "datasetId") | ("mergePolicy", "id"):
            _set(body, loc, UNUSABLE)
        case ("filter", "segments", _, "segmentId"):
            _set(body, loc, UNUSABLE)
        case ("filter", "segments", index, "status", *_):
            _set(body, ("filter", "segments", index, "status"), None)
        case _:
            _set(body, loc, None)


def _set(body: object, loc: tuple[str | int, ...], value: object) -> None:
    here = body
    for name in loc[:-1]:
        if isinstance(here, dict):
            here = here.get(name)
        elif isinstance(here, list) and isinstance(name, int):
            here = here[name]
    if isinstance(here, list) and isinstance(loc[-1], int):
        here[loc[-1]] = value
    elif isinstance(here, dict) and value is None:
        here.pop(loc[-1], None)
    elif isinstance(here, dict):
        here[loc[-1]] = value
