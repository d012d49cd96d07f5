"""One page: the order of the stages, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from profile_export import components
from profile_export.engines import Workspace
from profile_export.outputs import EVENTS_COLUMN, SYSTEM_FIELDS
from profile_export.plan import EventList, ExportPlan, Input
from profile_export.stages import (
    audience,
    events,
    identities,
    load,
    membership,
    merge,
    persons,
    project,
)


@dataclass(frozen=True)
class Counts:
    """Who was considered, and what became of them (S14-S19).

    ``batches`` has the exported persons of each batch of the plan, in order. ``exclusions`` names
    every reason, zeros too. ``namespaces``: exported persons by identity namespace (as written).
    """

    candidates: int
    exclusions: dict[str, int]
    batches: tuple[int, ...]
    exported: int
    namespaces: dict[str, int]
    rows_without_identity: dict[str, int]


@dataclass(frozen=True)
class Decided:
    """The outcome of the who phase: frames that read materialised tables, and the counts."""

    people: DataFrame
    """``who`` rows with ``person``; one per dataset and primary identity."""
    audience: DataFrame
    """``person``, ``reason``, ``batches``; one per candidate."""
    counts: Counts
    suspects: Mapping[str, DataFrame]
    """Dataset id -> primary identities of several records, so that S4 has to choose."""


def decide(work: Workspace, plan: ExportPlan) -> Decided:
    """Who: narrow columns only, from the pinned tables to one verdict per candidate."""
    work.report("identities", 0.0)
    suspects = _suspects(work, plan)
    who = work.materialise(_union(_who_rows(work, plan, suspects)), "who")
    work.report("persons", 0.15)
    people = _people(work, plan, who)
    work.report("audience", 0.25)
    by_source = {row["source"]: row for row in identities.rows_by_source(who).collect()}
    matched = audience.matches(people, plan=plan) if plan.audience.segments else None
    verdicts = audience.candidates(
        people, plan=plan, exact=_may_have_too_many(plan, by_source)
    ).transform(audience.decided, matches=matched, plan=plan)
    kept = work.materialise(verdicts, "audience")
    without = {i: int(row["without_identity"]) for i, row in by_source.items()}
    return Decided(people, kept, _counts(plan, without, people, kept), suspects)


def rows(work: Workspace, plan: ExportPlan, decided: Decided) -> DataFrame:
    """What: the wide rows of the audience only, one row per person and batch."""
    work.report("merge", 0.4)
    members, people, keys = _members(decided)
    # Materialised: its exact size lets the engine broadcast it, so that other people's wide rows
    # stop at the scan.
    keys = work.materialise(keys, "keys")
    return project.rows(
        members, parts=_parts(work, plan, members, people, keys, decided.suspects), plan=plan
    )


def events_truncated(work: Workspace, plan: ExportPlan, decided: Decided) -> dict[str, int]:
    """What S25 left out. Another pass over the audience's events, for the job that needs it."""
    if plan.events is None or not plan.event_inputs:
        return {"profiles": 0, "events": 0}
    _, _, keys = _members(decided)
    attached = _events(work, plan, keys, plan.events)
    (row,) = events.truncated(attached, wanted=plan.events).collect()
    return {"profiles": int(row["profiles"]), "events": int(row["events"])}


def _members(decided: Decided) -> tuple[DataFrame, DataFrame, DataFrame]:
    """The exported persons, their ``who`` rows, and their primary identities."""
    members = audience.members(decided.audience)
    people = _exported(decided.people, decided.audience)
    return members, people, people.select("pk", "person").distinct()


def _exported(people: DataFrame, verdicts: DataFrame) -> DataFrame:
    """The ``who`` rows of the exported persons."""
    members = audience.members(verdicts).select("person")
    return people.join(members, on="person", how="left_semi")


def _suspects(work: Workspace, plan: ExportPlan) -> dict[str, DataFrame]:
    hashes = [
        load.key_hashes(work.read(source), source=source, index=index)
        for index, source in enumerate(plan.inputs)
        if source.kind == "profile"
    ]
    if not hashes:
        return {}
    found = work.materialise(identities.repeated(_union(hashes)), "repeated")
    return {
        plan.inputs[row["source"]].dataset_id: found.where(F.col("source") == row["source"])
        for row in found.select("source").distinct().collect()
    }


def _may_have_too_many(plan: ExportPlan, by_source: Mapping[int, Row]) -> bool:
    """Whether any person can have more identities than S7 allows: they come from one row each."""
    widest = (int(row["widest"]) for i, row in by_source.items() if plan.inputs[i].participates)
    return sum(widest) > plan.audience.max_identities


def _who_rows(
    work: Workspace, plan: ExportPlan, suspects: Mapping[str, DataFrame]
) -> Iterable[DataFrame]:
    for index, source in enumerate(plan.inputs):
        table = work.read(source)
        if source.kind == "profile":
            yield load.record_rows(table, source=source, asked=plan.audience.segments).transform(
                identities.of_records,
                source=source,
                index=index,
                suspects=suspects.get(source.dataset_id),
            )
        else:
            yield load.event_rows(table, source=source).transform(
                identities.of_events, source=source, index=index
            )


def _people(work: Workspace, plan: ExportPlan, who: DataFrame) -> DataFrame:
    if plan.merge_policy.graph == "none":
        return persons.by_primary(who)
    found = components.find(identities.edges(who), bound=identities.edge_bound(who), work=work)
    return persons.by_component(who, persons=found)


def _parts(
    work: Workspace,
    plan: ExportPlan,
    members: DataFrame,
    people: DataFrame,
    keys: DataFrame,
    suspects: Mapping[str, DataFrame],
) -> dict[str, DataFrame]:
    leaves = plan.output.without(*SYSTEM_FIELDS)
    listed = identities.listed(people)
    current = _current(work, plan, keys, suspects)
    parts: dict[str, DataFrame] = {}
    if current and leaves.fields and merge.can_join(plan):
        parts["attributes"] = merge.joined(members, current, leaves=leaves, plan=plan)
    elif current and (leaves.fields or plan.lineage):
        ranked = [
            frame.transform(merge.ranked, source=source, leaves=leaves, plan=plan)
            for source, frame in current.items()
        ]
        parts["attributes"] = merge.attributes(_union(ranked), leaves=leaves, plan=plan)
    if plan.output.get("identityMap") is not None:
        parts["identityMap"] = project.identity_map(listed, namespaces=plan.namespaces)
    if plan.output.get("identities") is not None:
        parts["identities"] = project.identities(listed, namespaces=plan.namespaces)
    entries = [
        frame.transform(membership.entries, dataset_id=source.dataset_id)
        for source, frame in current.items()
        if plan.output.get("segmentMembership") is not None and load.has_memberships(source)
    ]
    if entries:
        parts["segmentMembership"] = membership.merged(_union(entries))
    if plan.events is not None and plan.event_inputs:
        attached = _events(work, plan, keys, plan.events)
        parts[EVENTS_COLUMN] = events.grouped(attached, wanted=plan.events)
    return parts


def _current(
    work: Workspace, plan: ExportPlan, keys: DataFrame, suspects: Mapping[str, DataFrame]
) -> dict[Input, DataFrame]:
    leaves = plan.output.without(*SYSTEM_FIELDS)
    entry = plan.membership if plan.output.get("segmentMembership") is not None else None
    frames = {}
    for source in plan.records:
        several = suspects.get(source.dataset_id)
        frames[source] = load.fragments(
            work.read(source),
            source=source,
            asked=plan.audience.segments,
            leaves=leaves,
            entry=entry,
            ranked=several is not None,
        ).transform(
            identities.current_of_members,
            keys=keys,
            keep=load.wide_columns(source, leaves=leaves, entry=entry),
            suspects=several,
        )
    return frames


def _events(work: Workspace, plan: ExportPlan, keys: DataFrame, wanted: EventList) -> DataFrame:
    attached = []
    for index, source in enumerate(plan.event_inputs):
        table = work.read(source)
        suspects = work.materialise(events.repeated_ids(table), f"repeated-{index}")
        suspected = events.with_suspect_id(table, suspects=suspects)
        resolved = load.events(suspected, source=source, wanted=wanted).transform(
            events.once, wanted=wanted
        )
        attached.append(
            load.events(table, source=source, wanted=wanted)
            .transform(events.of_members, resolved=resolved, keys=keys)
            .transform(events.ingested_within, wanted=wanted)
            .withColumn("dataset", F.lit(source.dataset_id))
        )
    return _union(attached)


def _union(frames: Iterable[DataFrame]) -> DataFrame:
    """A balanced tree: the plan of many datasets stays shallow (Connect bounds its depth)."""
    several = list(frames)
    while len(several) > 1:
        pairs = zip_longest(several[::2], several[1::2])
        several = [left if right is None else left.unionByName(right) for left, right in pairs]
    return several[0]


def _counts(
    plan: ExportPlan, without: dict[int, int], people: DataFrame, verdicts: DataFrame
) -> Counts:
    by_verdict = audience.verdict_counts(verdicts).collect()
    batches = [0] * len(plan.batches)
    exclusions = dict.fromkeys(audience.REASONS, 0)
    for row in by_verdict:
        if row["reason"] is not None:
            exclusions[row["reason"]] += int(row["persons"])
        for batch in row["batches"]:
            batches[batch] += int(row["persons"])
    candidates = sum(int(row["persons"]) for row in by_verdict)
    return Counts(
        candidates=candidates,
        exclusions=exclusions,
        batches=tuple(batches),
        exported=candidates - sum(exclusions.values()),
        namespaces={
            plan.namespaces.get(row["namespace"], row["namespace"]): int(row["persons"])
            for row in audience.namespace_counts(_exported(people, verdicts)).collect()
        },
        rows_without_identity={
            source.dataset_id: without.get(index, 0)
            for index, source in enumerate(plan.inputs)
            if source.participates
        },
    )
