"""The whole export, by the rules S1-S25, on tables that fit in a test."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .attributes import person_row, rank_of
from .audience import REASONS, read_audience, verdict
from .catalog import EVENT, PROFILE, Dataset, Sandbox, read_sandbox
from .events import event_value, ingest_bounds, person_events, superseded
from .identities import Row
from .persons import Inputs, Person, candidates, read_inputs
from .policy import MergePolicy, participating
from .projection import event_union, parse_paths, prune_struct, record_union
from .refusals import refusals
from .spark_types import ArrayType, StructType
from .values import encode

Verdicts = dict[tuple[str, str], "str | list[int]"]


@dataclass(frozen=True)
class _Job:
    """A request that nothing is wrong with, and what it reads."""

    sandbox: Sandbox
    request: dict[str, Any]
    policy: MergePolicy
    records: list[Dataset]
    events: list[Dataset]
    inputs: Inputs
    people: list[Person]


def export(world: dict[str, Any], request: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    """Either {"error": [...]} or what the job counts and writes; see tests/golden/README.md."""
    sandbox = read_sandbox(world)
    problems, policy = refusals(request, sandbox)
    if problems or policy is None:
        return {"error": problems}
    records = participating(sandbox, policy, PROFILE)
    events = participating(sandbox, policy, EVENT)
    inputs = read_inputs(sandbox)
    people = candidates(inputs, policy.graph_type, records + events)
    job = _Job(sandbox, request, policy, records, events, inputs, people)
    audience = read_audience(request, sandbox.max_identities, as_of)
    verdicts: Verdicts = {person.key: verdict(person, audience) for person in people}
    exported = [person for person in people if isinstance(verdicts[person.key], list)]
    batches, schema, truncated = _batches(job, exported, verdicts)
    excluded = Counter(reason for reason in verdicts.values() if isinstance(reason, str))
    return {
        "mergePolicy": {"id": policy.id, "version": policy.version},
        "candidates": len(people),
        "exclusions": {reason: excluded[reason] for reason in REASONS},
        "eventsTruncated": truncated,
        "rowsWithoutIdentity": {
            dataset.id: inputs.without_identity[dataset.id] for dataset in records + events
        },
        "exportedProfileByNamespaceCounter": _by_namespace(exported, sandbox),
        "batches": batches,
        "schema": str(schema),
        "verdicts": {":".join(key): outcome for key, outcome in verdicts.items()},
        "persons": {
            ":".join(person.key): sorted(":".join(known) for known in person.states)
            for person in people
        },
    }


def _by_namespace(exported: list[Person], sandbox: Sandbox) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for person in exported:
        namespaces = {namespace for namespace, _ in person.states}
        counts.update(sandbox.write_namespace(namespace) for namespace in namespaces)
    return dict(counts)


def _batches(
    job: _Job, exported: list[Person], verdicts: Verdicts
) -> tuple[list[dict[str, Any]], StructType, dict[str, int]]:
    items: list[dict[str, Any]] = [{}]
    if job.request["destination"].get("segmentPerBatch"):
        items = job.request["filter"]["segments"]
    schema, rows, truncated = _rows(job, exported)
    batches = [
        {
            "segment": item,
            "rows": [
                encode(schema, row)
                for person, row in zip(exported, rows, strict=True)
                if place in verdicts[person.key]
            ],
        }
        for place, item in enumerate(items)
    ]
    return batches, schema, truncated


def _rows(
    job: _Job, exported: list[Person]
) -> tuple[StructType, list[dict[str, Any]], dict[str, int]]:
    """The output's columns, a row per exported person, and what the cap cut off."""
    union = record_union(job.records)
    paths = parse_paths(job.request.get("fields"))
    output = prune_struct(union.offered, union.all_paths if paths is None else paths)
    rank = rank_of(job.policy)
    rows = [person_row(person, union, rank, output, job.sandbox) for person in exported]
    truncated = {"profiles": 0, "events": 0}
    asked = (job.request.get("additionalFields") or {}).get("eventList")
    if asked is None:
        return output, rows, truncated
    element = _event_element(job, asked)
    bounds = ingest_bounds(job.request)
    dropped: set[Row] = set()
    for dataset in job.events:
        dropped |= superseded(job.inputs.rows[dataset.id])
    for person, row in zip(exported, rows, strict=True):
        kept, surplus = person_events(person, dropped, bounds, job.sandbox.max_events)
        row["timeSeriesEvents"] = [event_value(event, element) for event in kept]
        truncated["profiles"] += surplus > 0
        truncated["events"] += surplus
    column = ("timeSeriesEvents", ArrayType(element))
    return StructType((*output.fields, column)), rows, truncated


def _event_element(job: _Job, asked: dict[str, Any]) -> StructType:
    element, _ = event_union(job.events)
    paths = parse_paths(asked.get("fields"))
    if paths is None:
        return element
    return prune_struct(element, [("_id",), ("timestamp",), *paths])
