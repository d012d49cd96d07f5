"""What is exported: the cases, each as a request for us and as plain data for the comparators."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import shape as shapes
from bench.shape import Shape, segment

TARGET = "5b020a27e7040801dedba61b"
AS_OF = "2024-06-01T00:00:00Z"
"""The creation time of all jobs: later than every row."""
POLICIES = {
    "none-newest": ("none", "timestampOrdered"),
    "none-order": ("none", "dataSetPrecedence"),
    "pdg-newest": ("pdg", "timestampOrdered"),
    "pdg-order": ("pdg", "dataSetPrecedence"),
}
EVENT_FIELDS = ("eventType", "web.page", "commerce.amount")


@dataclass(frozen=True)
class Case:
    """One export. ``fields`` are dotted leaves; without segments everybody is exported."""

    name: str
    segments: tuple[str, ...] = ()
    fields: tuple[str, ...] = ("_acme.crmId", "personalEmail.address", "g0.f0", "g1.f2")
    events: tuple[str, ...] | None = EVENT_FIELDS
    policy: str = "none-newest"
    order: tuple[str, ...] = field(default=tuple(name for name, _ in shapes.RECORDS))
    """The datasets, as dataSetPrecedence ranks them."""
    most_events: int | None = None
    """The sandbox's ``maxEventsPerProfile`` (S25), where it is not as by default."""

    @property
    def has_persons_of_rows(self) -> bool:
        """Whether a person is a primary identity: the only policy that the comparators know."""
        return self.policy.startswith("none")


def cases(shape: Shape) -> dict[str, Case]:
    """All cases by name."""
    broad = tuple(segment("broad", n) for n in range(shapes.BROAD))
    cover = (segment("cover"),)
    parts = tuple(segment("parts", n) for n in range(shapes.PARTS))
    every = tuple(shapes.attributes(shape))
    two = every[:2]
    found = [
        Case("one", broad[:1]),
        Case("three", broad[:3]),
        Case("ten", broad),
        Case("cover-1", cover),
        Case("cover-50", parts),
        Case("fields-2", cover, two, None),
        Case("fields-all", cover, every, None),
        Case("everybody-2", (), two, None),
        Case("everybody-all", (), every, None),
        Case("everybody-events"),
        Case("everybody-uncut", most_events=100_000_000),
        Case("order", broad[:3], policy="none-order"),
        Case("pdg", broad[:3], policy="pdg-newest"),
        Case("pdg-order", broad[:3], policy="pdg-order"),
        Case("pdg-everybody", (), policy="pdg-newest"),
    ]
    return {case.name: case for case in found}


def request(case: Case) -> dict[str, Any]:
    """The body of our export job; a batch per segment where there are segments."""
    body: dict[str, Any] = {
        "fields": ",".join(case.fields),
        "mergePolicy": {"id": case.policy, "version": 1},
        "destination": {"datasetId": TARGET, "segmentPerBatch": bool(case.segments)},
        "schema": {"name": "_xdm.context.profile"},
    }
    if case.segments:
        body["filter"] = {"segments": [{"segmentId": s} for s in case.segments]}
    if case.events is not None:
        body["additionalFields"] = {"eventList": {"fields": ",".join(case.events)}}
    return body


def sandbox(case: Case, shape: Shape, *, target: str, data: str) -> dict[str, Any]:
    """The sandbox file, as YAML takes it (JSON is YAML): tables below ``data``."""
    identity = {"namespace": "crmId", "field": "_acme.crmId"}
    common = {"primaryIdentity": identity, "ingestTime": "_ingestedAt"}
    datasets: list[dict[str, Any]] = [
        {
            **{"id": name, "name": name, "class": "profile"},
            **{"table": {"format": "delta", "path": f"{data}/{name}"}, **common},
            "identities": [{"namespace": "email", "field": "personalEmail.address"}],
            "lastUpdated": "audit.lastUpdated",
        }
        for name, _ in shapes.RECORDS
    ]
    events = {"id": "events", "name": "events", "class": "experienceevent", **common}
    datasets.append({**events, "table": {"format": "delta", "path": f"{data}/events"}})
    export = {"id": TARGET, "name": "export", "class": "export"}
    schema = {"id": "https://ns.adobe.com/xdm/context/profile__union"}
    table = {"format": "delta", "path": target}
    datasets.append({**export, "table": table, "schemaRef": schema})
    return {
        "imsOrgId": "bench@Org",
        "name": "bench",
        "settings": _settings(case, shape),
        "datasets": datasets,
        "mergePolicies": [_policy(id_, *kind) for id_, kind in POLICIES.items()],
    }


def _settings(case: Case, shape: Shape) -> dict[str, int]:
    # A shared e-mail address makes one person of many: it is to be exported, not counted out.
    settings = {"maxIdentities": 10_000_000 if shape.shared else 50}
    if case.most_events is not None:
        settings["maxEventsPerProfile"] = case.most_events
    return settings


def _policy(id_: str, graph: str, attributes: str) -> dict[str, Any]:
    merge: dict[str, Any] = {"type": attributes}
    if attributes == "dataSetPrecedence":
        merge["order"] = [name for name, _ in shapes.RECORDS]
    schema = {"name": "_xdm.context.profile"}
    graph_type = {"type": graph}
    return {
        **{"id": id_, "name": id_, "version": 1, "schema": schema},
        **{"identityGraph": graph_type, "attributeMerge": merge},
    }


def lay_out(case: Case, shape: Shape, *, data: Path, work: Path) -> None:
    """Write what the programs read into ``work``: sandbox, request, and the case as data."""
    work.mkdir(parents=True, exist_ok=True)
    told = sandbox(case, shape, target=str(work / "ours"), data=str(data))
    (work / "sandbox.yml").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (work / "request.json").write_text(json.dumps(request(case), indent=1), encoding="utf-8")
    plain = {
        "data": str(data),
        "segments": case.segments,
        "fields": case.fields,
        "events": case.events,
        "datasets": [name for name, _ in shapes.RECORDS],
        "precedence": case.order if case.policy == "none-order" else None,
        "replaced": bool(shape.replaced),
        "repeated": bool(shape.repeated),
        "keys": str(work / "keys.parquet"),
    }
    (work / "case.json").write_text(json.dumps(plain, indent=1), encoding="utf-8")
