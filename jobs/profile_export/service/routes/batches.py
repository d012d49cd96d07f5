"""Batches as the catalog shows them: ``/data/foundation/catalog/batches``."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from profile_export.service.access import Caller, Reader
from profile_export.service.catalog_models import CatalogBatchOut
from profile_export.service.described import described, reference
from profile_export.service.paging import START, asked_limit, asked_order, limit_of
from profile_export.service.parameters import Parameters
from profile_export.service.store import Store, batches
from profile_export.service.store.batches import StoredBatch, Wanted
from profile_export.shape import quote

ROOT = "/data/foundation/catalog/batches"
router = APIRouter(prefix=ROOT, tags=["Data sets and batches"])
_PAGE = 100
_ADOBES = (
    "abandoned", "active", "deleted", "failure", "inactive", "loaded", "loading", "queued",
    "retrying", "staged", "staging", "stalled",
)  # fmt: skip
"""Statuses that batches of an export never have: asked for, none is found."""
_TIME = {"type": "string", "description": "Epoch milliseconds, or a time with an offset."}
_LISTED: dict[str, dict[str, object]] = {
    "dataSet": {"type": "string"},
    "status": {"type": "string", "examples": ["success", "success,failed"]},
    "createdAfter": {**_TIME},
    "createdBefore": {**_TIME},
    "limit": limit_of(_PAGE),
    "start": START,
    "orderBy": {"type": "string", "examples": ["asc:created"]},
}
_COLUMNS = {
    "created": "created",
    "updated": "updated",
    "started": "started",
    "completed": "completed",
    "status": "status",
    "recordCount": "record_count",
    "size": "size",
}
_OBJECTS: dict[str, object] = {
    "type": "object",
    "additionalProperties": reference(CatalogBatchOut),
}


@router.get("", **described(gives=_OBJECTS, query=_LISTED))
def listed(request: Request, caller: Reader) -> Response:
    """Batches by id, newest first."""
    parameters = Parameters(request)
    start = parameters.number("start", 0)
    limit = asked_limit(parameters, _PAGE)
    order = asked_order(parameters, ("orderBy", "orderby"), _COLUMNS)
    wanted = Wanted(
        dataset_ids=_words(parameters, "dataSet"),
        statuses=_statuses(parameters),
        created_after=parameters.moment("createdAfter"),
        created_before=parameters.moment("createdBefore"),
    )
    properties = _words(parameters, "properties")
    parameters.check()
    store: Store = request.app.state.store
    by = [(_COLUMNS[name], descends) for name, descends in order]
    with store.read() as connection:
        found = batches.page(
            connection, caller.sandbox_id, wanted, limit=limit, start=start, order=by
        )
    return JSONResponse({each.id: _object(each, caller, properties) for each in found})


@router.get("/{batch_id}", **described(gives=_OBJECTS, fails=(404,)))
def show(request: Request, caller: Reader, batch_id: str) -> Response:
    """One batch, by its id."""
    parameters = Parameters(request)
    properties = _words(parameters, "properties")
    parameters.check()
    store: Store = request.app.state.store
    with store.read() as connection:
        found = batches.find(connection, caller.sandbox_id, batch_id)
    return JSONResponse({found.id: _object(found, caller, properties)})


def _words(parameters: Parameters, name: str) -> tuple[str, ...] | None:
    """What is named between commas; None where the parameter is not sent."""
    text = parameters.text(name)
    if text is None:
        return None
    if not text.strip():  # of an empty variable in a script: everything is not what it meant
        parameters.bad(name, "Must name something; leave it out for all.")
        return None
    return tuple(dict.fromkeys(word.strip() for word in text.split(",")))


def _statuses(parameters: Parameters) -> tuple[str, ...] | None:
    asked = _words(parameters, "status")
    for word in asked or ():
        if word not in batches.STATUSES and word not in _ADOBES:
            known = ", ".join(batches.STATUSES)
            parameters.bad("status", f"{quote(word)} must be one of {known}.")
            return None
    return asked


def _object(
    batch: StoredBatch, caller: Caller, properties: tuple[str, ...] | None
) -> dict[str, object]:
    shown: dict[str, object | None] = {
        "imsOrg": caller.org,
        "sandboxId": caller.sandbox,  # a sandbox has no id but its name
        "status": batch.status,
        "recordCount": batch.record_count,
        "size": batch.size,
        "created": batch.created,
        "updated": batch.updated,
        "started": batch.started,
        "completed": batch.completed,
        "errors": batch.errors,
        "relatedObjects": [{"type": "dataSet", "id": batch.dataset_id}],
    }
    return {
        name: value
        for name, value in shown.items()
        if value is not None and (properties is None or name in properties)
    }
