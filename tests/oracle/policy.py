"""S9 and S10: the merge policy of a request, and the datasets that take part under it."""

from dataclasses import dataclass
from typing import Any

from .catalog import EVENT, PROFILE, Dataset, Sandbox

BUILT_IN: dict[str, Any] = {
    "id": "timestampOrdered-none-mp",
    "version": 1,
    "identityGraph": {"type": "none"},
    "attributeMerge": {"type": "timestampOrdered"},
}

Problem = dict[str, str]


@dataclass(frozen=True)
class MergePolicy:
    id: str
    version: int
    graph_type: str
    merge_type: str
    order: list[str]


def _read(document: dict[str, Any]) -> MergePolicy:
    merge = document.get("attributeMerge") or {}
    return MergePolicy(
        id=document["id"],
        version=document.get("version", 1),
        graph_type=(document.get("identityGraph") or {}).get("type", "none"),
        merge_type=merge.get("type", "timestampOrdered"),
        order=merge.get("order") or [],
    )


def _latest(sandbox: Sandbox, policy_id: str) -> dict[str, Any] | None:
    versions = [item for item in sandbox.policies if item["id"] == policy_id]
    return max(versions, key=lambda item: item.get("version", 1), default=None)


def _asked(
    sandbox: Sandbox, asked: dict[str, Any], problems: list[Problem]
) -> dict[str, Any] | None:
    latest = _latest(sandbox, asked["id"])
    if latest is None:
        problems.append({"pointer": "/mergePolicy/id", "code": "unknown-policy"})
        return None
    if "version" not in asked:
        return latest
    for document in sandbox.policies:
        if document["id"] == asked["id"] and document.get("version", 1) == asked["version"]:
            return document
    problems.append({"pointer": "/mergePolicy/version", "code": "unknown-policy-version"})
    return None


def _of_segments(sandbox: Sandbox, segments: list[dict[str, Any]]) -> dict[int, str]:
    """The policy that each asked segment's definition names, by the item's place."""
    named = [item for item in sandbox.segments if item.get("mergePolicyId")]
    defined: dict[str, str] = {item["id"]: item["mergePolicyId"] for item in named}
    return {
        place: defined[item["segmentId"]]
        for place, item in enumerate(segments)
        if item.get("segmentNs", "ups").lower() == "ups" and item["segmentId"] in defined
    }


def _default(sandbox: Sandbox, schema_name: str) -> dict[str, Any] | None:
    for policy_id in dict.fromkeys(item["id"] for item in sandbox.policies):
        latest = _latest(sandbox, policy_id)
        name = ((latest or {}).get("schema") or {}).get("name", "_xdm.context.profile")
        if latest is not None and latest.get("default") and name == schema_name:
            return latest
    return None


def resolve_policy(
    sandbox: Sandbox, request: dict[str, Any], problems: list[Problem]
) -> MergePolicy | None:
    if "mergePolicy" in request:
        found = _asked(sandbox, request["mergePolicy"], problems)
        return _read(found) if found else None
    named = _of_segments(sandbox, (request.get("filter") or {}).get("segments") or [])
    if len(set(named.values())) > 1:
        problems += [
            {"pointer": f"/filter/segments/{place}/segmentId", "code": "policies-disagree"}
            for place in named
        ]
        return None
    for policy_id in named.values():
        found = _latest(sandbox, policy_id)
        if found:
            return _read(found)
    schema_name = (request.get("schema") or {}).get("name", "_xdm.context.profile")
    return _read(_default(sandbox, schema_name) or BUILT_IN)


def participating(sandbox: Sandbox, policy: MergePolicy, kind: str) -> list[Dataset]:
    """The datasets of a class that take part, in the order of the union's columns (S12)."""
    datasets = sandbox.of_kind(kind)
    if policy.merge_type == "timestampOrdered":
        return datasets
    by_id = {dataset.id: dataset for dataset in datasets}
    ordered = [by_id[dataset_id] for dataset_id in policy.order if dataset_id in by_id]
    # An order that names no event dataset says nothing about events.
    return ordered if ordered or kind == PROFILE else sandbox.of_kind(EVENT)
