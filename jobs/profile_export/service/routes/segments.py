"""Segment definitions: ``/data/core/ups/segment/definitions``. Kept, not evaluated."""

from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from profile_export.catalog import BUILT_IN_POLICY, PROFILE_SCHEMA, Sandbox, SegmentDefinition
from profile_export.errors import Problem, nearest
from profile_export.service.access import Caller, Reader, Writer
from profile_export.service.bodies import RawBody, validated
from profile_export.service.catalog_models import RemovedOut, SegmentIn, SegmentOut, SegmentsOut
from profile_export.service.described import described
from profile_export.service.links import path_to
from profile_export.service.paging import START, asked_limit, limit_of
from profile_export.service.parameters import Parameters
from profile_export.service.store import Store, sandboxes, segments
from profile_export.service.store.segments import StoredSegment
from profile_export.shape import pointer, quote

ROOT = "/data/core/ups/segment/definitions"
router = APIRouter(prefix=ROOT, tags=["Segment definitions"])
_PAGE = 100
_LISTED: dict[str, dict[str, object]] = {
    "limit": limit_of(_PAGE),
    "start": START,
    "page": {"type": "integer", "minimum": 0, "description": "Of `limit` segments; 0 is first."},
}
_IN_CATALOG = {"name", "description", "merge_policy_id"}


@router.post(
    "",
    **described(
        takes=SegmentIn, gives=SegmentOut, tells=("Location", "X-Location"), fails=(413, 415)
    ),
)
def create(request: Request, caller: Writer, body: RawBody) -> Response:
    """Define a segment. Who is in it is in the data."""
    store: Store = request.app.state.store
    with store.read() as connection:
        catalog = sandboxes.catalog(connection, caller.sandbox_id)
    asked = validated(body, SegmentIn, _policy_faults(catalog))
    segment = SegmentDefinition(str(uuid4()), asked.name, asked.description, asked.merge_policy_id)
    kept = asked.model_fields_set - _IN_CATALOG
    document = asked.model_dump(mode="json", by_alias=True, include=kept, exclude_unset=True)
    with store.write() as connection:
        made = segments.create(connection, caller.sandbox_id, segment, document)
    place = path_to(request, f"{ROOT}/{segment.id}")
    return JSONResponse(_shown(made, caller), headers={"X-Location": place, "Location": place})


@router.get("", **described(gives=SegmentsOut, query=_LISTED))
def listed(request: Request, caller: Reader) -> Response:
    """Segment definitions, oldest first."""
    parameters = Parameters(request)
    limit = asked_limit(parameters, _PAGE)
    start = parameters.number("start", 0)
    start += limit * parameters.number("page", 0)
    parameters.check()
    store: Store = request.app.state.store
    with store.read() as connection:
        found = segments.all_of(connection, caller.sandbox_id)
    page = found[start : start + limit]
    counts = {
        "totalCount": len(found),
        "totalPages": -(-len(found) // limit),
        "pageSize": len(page),
    }
    return JSONResponse({"segments": [_shown(each, caller) for each in page], "page": counts})


@router.get("/{segment_id}", **described(gives=SegmentOut, fails=(404,)))
def show(request: Request, caller: Reader, segment_id: str) -> Response:
    """One segment definition."""
    store: Store = request.app.state.store
    with store.read() as connection:
        found = segments.find(connection, caller.sandbox_id, segment_id)
    return JSONResponse(_shown(found, caller))


@router.delete("/{segment_id}", **described(gives=RemovedOut, fails=(404,)))
def remove(request: Request, caller: Writer, segment_id: str) -> Response:
    """Delete a definition. The segment can still be exported: who is in it is in the data."""
    store: Store = request.app.state.store
    with store.write() as connection:
        segments.remove(connection, caller.sandbox_id, segment_id)
    message = f"Segment definition {segment_id} was deleted."
    return JSONResponse({"status": True, "message": message})


def _policy_faults(catalog: Sandbox) -> Callable[[Mapping[str, object]], Iterable[Problem]]:
    def faults(body: Mapping[str, object]) -> Iterable[Problem]:
        asked = body.get("mergePolicyId")
        if isinstance(asked, str) and asked and not catalog.versions(asked):
            known = {policy.id for policy in catalog.merge_policies} | {BUILT_IN_POLICY.id}
            detail = f"There is no merge policy {quote(asked)}. {nearest(asked, known)}"
            yield Problem("unknown-policy", detail, pointer("mergePolicyId"))

    return faults


def _shown(stored: StoredSegment, caller: Caller) -> dict[str, object]:
    segment = stored.segment
    of_catalog = {"description": segment.description, "mergePolicyId": segment.merge_policy_id}
    return {
        "id": segment.id,
        "imsOrgId": caller.org,
        "sandbox": {"sandboxName": caller.sandbox},
        "name": segment.name,
        **{name: value for name, value in of_catalog.items() if value is not None},
        "schema": {"name": PROFILE_SCHEMA},
        # A segment of a sandbox file has none; clients expect the member.
        "expression": {"type": "PQL", "format": "pql/text", "value": ""},
        **stored.document,
        "creationTime": stored.created,
        "updateTime": stored.updated,
    }
