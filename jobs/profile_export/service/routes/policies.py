"""Merge policies: ``/data/core/ups/config/mergePolicies``."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from profile_export.catalog import MergePolicy, Sandbox
from profile_export.errors import NotFound
from profile_export.service.access import Caller, Reader, Writer
from profile_export.service.bodies import RawBody, validated
from profile_export.service.catalog_models import (
    MergePoliciesOut,
    MergePolicyIn,
    MergePolicyOut,
)
from profile_export.service.described import described, reference
from profile_export.service.links import path_to
from profile_export.service.paging import START, asked_limit, asked_order, in_order, limit_of
from profile_export.service.parameters import Parameters
from profile_export.service.policy_changes import document, order_faults, policy_of
from profile_export.service.policy_patch import Operation, patched
from profile_export.service.store import Store, policies, sandboxes
from profile_export.service.store.policies import StoredPolicy

ROOT = "/data/core/ups/config/mergePolicies"
router = APIRouter(prefix=ROOT, tags=["Merge policies"])
_PAGE = 20
_TRUTH = {"true": True, "false": False}
_KEYS: dict[str, Callable[[StoredPolicy], str | int]] = {
    "id": lambda each: each.policy.id,
    "name": lambda each: each.policy.name,
    "version": lambda each: each.policy.version,
    "updateEpoch": lambda each: each.updated,
    "default": lambda each: each.policy.default,
    "schema.name": lambda each: each.policy.schema_name,
}
_LISTED: dict[str, dict[str, object]] = {
    "limit": limit_of(_PAGE),
    "start": START,
    "orderby": {"type": "string", "examples": ["-updateEpoch"]},
    "schema.name": {"type": "string"},
    "default": {"type": "boolean"},
}
_VERSION: dict[str, dict[str, object]] = {"version": {"type": "integer", "minimum": 1}}
_OPERATIONS = {"type": "array", "items": reference(Operation)}


@router.post(
    "",
    **described(takes=MergePolicyIn, gives=MergePolicyOut, tells=("Location",), fails=(413, 415)),
)
def create(request: Request, caller: Writer, body: RawBody) -> Response:
    """Make a policy, version 1. As a default it takes the place of the schema's old one."""
    asked = validated(body, MergePolicyIn, order_faults(_catalog(request, caller)))
    store: Store = request.app.state.store
    with store.write() as connection:
        policy = policy_of(asked, str(uuid4()))
        made = policies.create(connection, caller.sandbox_id, policy)
    place = {"Location": path_to(request, f"{ROOT}/{made.policy.id}")}
    return JSONResponse(_shown(made, caller), headers=place)


@router.get("", **described(gives=MergePoliciesOut, query=_LISTED))
def listed(request: Request, caller: Reader) -> Response:
    """Policies at their latest versions, oldest first."""
    parameters = Parameters(request)
    start = parameters.number("start", 0)
    limit = asked_limit(parameters, _PAGE)
    order = asked_order(parameters, ("orderby", "orderBy"), _KEYS)
    schema, default = parameters.text("schema.name"), parameters.one_of("default", _TRUTH)
    parameters.check()
    store: Store = request.app.state.store
    with store.read() as connection:
        found = policies.latest(connection, caller.sandbox_id)
    wanted = [
        each
        for each in found
        if schema in (None, each.policy.schema_name)
        and (default is None or each.policy.default is _TRUTH[default])
    ]
    page = in_order(wanted, order, _KEYS)[start : start + limit]
    more = start + limit < len(wanted)
    counts = {"totalCount": len(wanted), "pageSize": len(page), "count": len(page)}
    return JSONResponse(
        {
            "_page": counts,
            "children": [_shown(each, caller) for each in page],
            "_links": {"next": {"href": _next(request, start, limit) if more else ""}},
        }
    )


@router.get("/{policy_id}", **described(gives=MergePolicyOut, query=_VERSION, fails=(404,)))
def show(request: Request, caller: Reader, policy_id: str) -> Response:
    """A policy at its latest version, or at the one that is asked for."""
    parameters = Parameters(request)
    version = parameters.number("version", 0, least=1)
    parameters.check()
    store: Store = request.app.state.store
    with store.read() as connection:
        found = policies.versions(connection, caller.sandbox_id, policy_id)
    asked = [each for each in found if version in (0, each.policy.version)]
    if not asked:
        raise NotFound(f"Merge policy {policy_id} has no version {version}.")
    return JSONResponse(_shown(asked[-1], caller))


@router.put(
    "/{policy_id}",
    **described(takes=MergePolicyIn, gives=MergePolicyOut, fails=(404, 409, 413, 415)),
)
def replace(request: Request, caller: Writer, policy_id: str, body: RawBody) -> Response:
    """Give a policy its next version: the body, with defaults where it says nothing."""
    catalog = _catalog(request, caller, policy_id)
    asked = validated(body, MergePolicyIn, order_faults(catalog))
    return _changed(request, caller, policy_id, lambda _: policy_of(asked, policy_id))


@router.patch(
    "/{policy_id}",
    **described(takes=_OPERATIONS, gives=MergePolicyOut, fails=(404, 409, 413, 415)),
)
def change(request: Request, caller: Writer, policy_id: str, body: RawBody) -> Response:
    """Give a policy its next version: the latest one, changed."""
    catalog = _catalog(request, caller, policy_id)
    return _changed(request, caller, policy_id, lambda old: patched(body, old, catalog))


@router.delete("/{policy_id}", **described(gives={"type": "object"}, fails=(404, 409)))
def remove(request: Request, caller: Writer, policy_id: str) -> Response:
    """Delete a policy with all its versions. Jobs that keep one of them go on with it."""
    store: Store = request.app.state.store
    with store.write() as connection:
        policies.remove(connection, caller.sandbox_id, policy_id)
    return JSONResponse({})


def _changed(
    request: Request,
    caller: Caller,
    policy_id: str,
    make: Callable[[MergePolicy], MergePolicy],
) -> Response:
    store: Store = request.app.state.store
    with store.write() as connection:
        made = policies.change(connection, caller.sandbox_id, policy_id, make)
    return JSONResponse(_shown(made, caller))


def _catalog(request: Request, caller: Caller, policy_id: str | None = None) -> Sandbox:
    """What ids in a body may name; a policy that is not there is told before its body's faults."""
    store: Store = request.app.state.store
    with store.read() as connection:
        if policy_id is not None:
            policies.versions(connection, caller.sandbox_id, policy_id)
        return sandboxes.catalog(connection, caller.sandbox_id)


def _next(request: Request, start: int, limit: int) -> str:
    sent = {name: request.query_params.get(name) for name in (*_LISTED, "orderBy")}
    asked = {name: value for name, value in sent.items() if value is not None}
    return (
        f"{path_to(request, ROOT)}?{urlencode({**asked, 'start': start + limit, 'limit': limit})}"
    )


def _shown(stored: StoredPolicy, caller: Caller) -> dict[str, Any]:
    policy = stored.policy
    return {
        "id": policy.id,
        "imsOrgId": caller.org,
        "sandbox": {"sandboxName": caller.sandbox},
        "version": policy.version,
        **document(policy),
        "updateEpoch": stored.updated // 1000,
    }
