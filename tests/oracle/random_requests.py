"""Random valid requests against a sandbox: every option, alone and together."""

from random import Random
from typing import Any

from .audience import item_key
from .catalog import EVENT, PROFILE, Sandbox
from .policy import MergePolicy, participating, resolve_policy
from .projection import event_union, record_union
from .random_rows import SEGMENTS, TIMES
from .spark_types import ArrayType, DataType, StructType

STATUS_SETS = [
    None, None, ["realized"], ["exited"], ["existing", "realized"], ["exited", "existing"],
]  # fmt: skip


def _paths(kind: DataType, above: str = "") -> list[str]:
    """Every dotted path that may be asked: leaves, subtrees, members inside arrays."""
    if isinstance(kind, ArrayType):
        return _paths(kind.element, above)
    found = []
    if isinstance(kind, StructType):
        for name, inner in kind.fields:
            path = f"{above}.{name}" if above else name
            found += [path, *_paths(inner, path)]
    return found


def _fields(rng: Random, offered: StructType) -> str | None:
    """A subset of the paths, overlaps and repetitions included; None for an absent member."""
    chance = rng.random()
    if chance < 0.3:
        return None
    if chance < 0.4:
        return rng.choice(["", "  "])
    paths = _paths(offered)
    chosen = [rng.choice(paths) for _ in range(rng.randint(1, 8))]
    return rng.choice([",", ", ", " ,"]).join(chosen)


def _segments(rng: Random) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for _ in range(rng.choice([1, 2, 3, 5])):
        item: dict[str, Any] = {"segmentId": rng.choice([*SEGMENTS * 4, "nobody"])}
        namespace = rng.choice([None, "ups", "UPS", "aam", "AAM"])
        status = rng.choice(STATUS_SETS)
        if namespace:
            item["segmentNs"] = namespace
        if status:
            item["status"] = status
        if item_key(item) not in [item_key(other) for other in items]:
            items.append(item)
    return items


def _window(rng: Random) -> dict[str, str]:
    start, end = sorted(rng.sample(sorted(set(TIMES)), 2))
    return rng.choice(
        [{"startTime": start, "endTime": end}, {"startTime": start}, {"endTime": end}]
    )


def _filter(rng: Random) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if rng.random() < 0.6:
        asked["segments"] = _segments(rng)
        if rng.random() < 0.35:
            asked["segmentQualificationTime"] = _window(rng)
    if rng.random() < 0.25:
        asked["fromIngestTimestamp"] = rng.choice(TIMES[:4])
    if rng.random() < 0.5:
        asked["emptyProfiles"] = rng.choice([True, True, False])
    return asked


def _event_filter(rng: Random) -> dict[str, str] | None:
    asked = {
        name: rng.choice(TIMES)
        for name in ("fromIngestTimestamp", "toIngestTimestamp")
        if rng.random() < 0.35
    }
    return asked or None


def random_request(rng: Random, sandbox: Sandbox) -> dict[str, Any]:
    target = rng.choice(["datasetId", "dataSetId"])
    request: dict[str, Any] = {
        "destination": {target: sandbox.export_ids[0]},
        "schema": {"name": "_xdm.context.profile"},
    }
    asked = _filter(rng)
    if asked or rng.random() < 0.3:
        request["filter"] = asked
    if asked.get("segments") and rng.random() < 0.6:
        request["destination"]["segmentPerBatch"] = True
    policy = _choose_policy(rng, sandbox, request)
    records = record_union(participating(sandbox, policy, PROFILE))
    fields = _fields(rng, records.offered)
    if fields is not None:
        request["fields"] = fields
    if rng.random() < 0.6:
        request["additionalFields"] = {"eventList": _event_list(rng, sandbox, policy)}
    return request


def _event_list(rng: Random, sandbox: Sandbox, policy: MergePolicy) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    element, _ = event_union(participating(sandbox, policy, EVENT))
    fields = _fields(rng, element)
    if fields is not None:
        asked["fields"] = fields
    event_filter = _event_filter(rng)
    if event_filter is not None:
        asked["filter"] = event_filter
    return asked


def _choose_policy(rng: Random, sandbox: Sandbox, request: dict[str, Any]) -> MergePolicy:
    if sandbox.policies and rng.random() < 0.6:
        _name_policy(rng, sandbox, request)
    policy = resolve_policy(sandbox, request, [])
    if policy is None:
        # The segments' definitions disagree: the request must say.
        _name_policy(rng, sandbox, request)
        policy = resolve_policy(sandbox, request, [])
    assert policy is not None
    return policy


def _name_policy(rng: Random, sandbox: Sandbox, request: dict[str, Any]) -> None:
    document = rng.choice(sandbox.policies)
    request["mergePolicy"] = {"id": document["id"]}
    if rng.random() < 0.5:
        request["mergePolicy"]["version"] = document["version"]
