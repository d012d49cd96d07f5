"""The what phase: the wide rows and events of the audience, one row per person and batch."""

from collections.abc import Mapping
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export import run_keyed
from profile_export.decided import Decided
from profile_export.engines import Workspace
from profile_export.frames import to_be_hashed, union
from profile_export.outputs import EVENTS_COLUMN, SYSTEM_FIELDS
from profile_export.plan import EventList, ExportPlan, Input
from profile_export.schema import Struct
from profile_export.stages import (
    current,
    events,
    identities,
    load_wide,
    membership_map,
    merge,
    merge_joined,
    project,
)


def keys_of(decided: Decided) -> DataFrame:
    """``pk``, ``person`` of the exported persons' primary identities; ``pk`` is unique."""
    if decided.exported is None:
        return run_keyed.keys_of(decided)
    return decided.exported.select("pk", "person").distinct()


def parts(
    work: Workspace, plan: ExportPlan, decided: Decided, *, members: DataFrame, keys: DataFrame
) -> dict[str, DataFrame]:
    """What is known of the exported persons, as ``project.rows`` takes it (S9-S13, S21-S25)."""
    records = _records(work, plan, keys, decided.suspects)
    found = _attributes(work, plan, decided, members, records)
    found |= _identities(work, plan, decided, keys)
    entries = [
        frame.transform(membership_map.entries, place=plan.place(source))
        for source, frame in records.items()
        if plan.output.get("segmentMembership") is not None and source.has_memberships
    ]
    if entries:
        found["segmentMembership"] = membership_map.merged(union(entries))
    if (wanted := plan.attached) is not None:
        attached = attached_events(work, plan, keys, wanted)
        too_many = _too_many_events(decided, keys)
        together = attached if too_many else work.moved(attached, "person")
        found[EVENTS_COLUMN] = events.grouped(together, wanted=wanted, too_many=too_many)
    return found


def _too_many_events(decided: Decided, keys: DataFrame) -> bool:
    """Whether an exported person may have more events than are kept of one (S25)."""
    eventful = decided.eventful
    if eventful is None or eventful.isEmpty():
        return False
    return not eventful.join(keys, on="person", how="left_semi").isEmpty()


def attached_events(
    work: Workspace, plan: ExportPlan, keys: DataFrame, wanted: EventList
) -> DataFrame:
    """The audience's events of all datasets, each once (S23, S24)."""
    attached = []
    for index, source in enumerate(plan.event_inputs):
        table = work.read(source)
        hashes = work.moved(events.id_hashes(table), "suspect", shrinks=True)
        suspects = work.materialise(events.repeated_ids(hashes), f"repeated-{index}")
        # What S24 leaves out may supersede others (S23), but not those that are never repeated.
        within = load_wide.ingested_within(table, source=source, wanted=wanted)
        mine = load_wide.events(within, source=source, wanted=wanted).join(
            keys, on="pk", how="inner"
        )
        if not suspects.isEmpty():
            suspected = events.with_suspect_id(table, suspects=suspects)
            every = load_wide.events(suspected, source=source, wanted=wanted)
            winners = every.transform(events.once, wanted=wanted).join(keys, on="pk", how="inner")
            mine = events.never_repeated(mine, suspects=suspects).unionByName(winners)
        attached.append(
            events.ingested_within(mine, wanted=wanted).withColumn(
                "place", F.lit(plan.place(source))
            )
        )
    return union(attached)


def _attributes(
    work: Workspace,
    plan: ExportPlan,
    decided: Decided,
    members: DataFrame,
    records: Mapping[Input, DataFrame],
) -> dict[str, DataFrame]:
    leaves = plan.output.without(*SYSTEM_FIELDS)
    if not records or not (leaves.fields or plan.lineage):
        return {}
    if not leaves.fields or not merge_joined.can_join(plan):
        return {"attributes": _aggregated(plan, records, leaves)}
    crowded = _crowded(work, plan, decided)
    if crowded is None:
        return {"attributes": merge_joined.joined(members, records, leaves=leaves, plan=plan)}
    alone = {s: f.join(crowded, on="person", how="left_anti") for s, f in records.items()}
    others = members.join(crowded, on="person", how="left_anti")
    several = {s: f.join(crowded, on="person", how="left_semi") for s, f in records.items()}
    parts = (
        merge_joined.joined(others, alone, leaves=leaves, plan=plan),
        _aggregated(plan, several, leaves),
    )
    return {"attributes": union(parts)}


def _crowded(work: Workspace, plan: ExportPlan, decided: Decided) -> DataFrame | None:
    """The exported persons that only an aggregate can merge; None if there are none."""
    crowded = decided.crowded
    if decided.exported is not None and plan.merge_policy.graph == "pdg":
        crowded = work.materialise(merge.crowded(decided.exported), "crowded")
    return None if crowded is None or crowded.isEmpty() else crowded


def _aggregated(plan: ExportPlan, records: Mapping[Input, DataFrame], leaves: Struct) -> DataFrame:
    ranked = [
        frame.transform(merge.ranked, source=source, leaves=leaves, plan=plan)
        for source, frame in records.items()
    ]
    return merge.attributes(union(ranked), leaves=leaves, plan=plan)


def _identities(
    work: Workspace, plan: ExportPlan, decided: Decided, keys: DataFrame
) -> dict[str, DataFrame]:
    asked = [name for name in ("identityMap", "identities") if plan.output.get(name) is not None]
    if not asked:
        return {}
    if decided.exported is not None:
        listed = identities.listed(decided.exported)
    else:
        listed = run_keyed.listed(work, plan, decided, keys)
    shaped = {"identityMap": project.identity_map, "identities": project.identities}
    return {name: shaped[name](listed, namespaces=plan.namespaces) for name in asked}


def _records(
    work: Workspace, plan: ExportPlan, keys: DataFrame, suspects: Mapping[str, DataFrame]
) -> dict[Input, DataFrame]:
    """The current records of the audience (S4): found after everyone else's rows are dropped."""
    leaves = plan.output.without(*SYSTEM_FIELDS)
    entry = plan.membership if plan.output.get("segmentMembership") is not None else None
    frames = {}
    for index, source in enumerate(plan.records):
        mine = partial(
            load_wide.fragments,
            work.read(source),
            source=source,
            asked=plan.audience.segments,
            leaves=leaves,
            entry=entry,
        )
        several = suspects.get(source.dataset_id)
        if several is None:
            frames[source] = mine(keys=keys, ranked=False)
            continue
        parts = current.parted(to_be_hashed(keys, F.col("pk")), suspects=several)
        alone, repeated = (
            # As `keys`: small, and known to be.
            work.materialise(part, f"keys-{index}-{name}")
            for part, name in zip(parts, ("alone", "repeated"), strict=True)
        )
        keep = load_wide.wide_columns(source, leaves=leaves, entry=entry)
        best = current.fragments_of_repeated(mine(keys=repeated, ranked=True), keep=keep)
        frames[source] = mine(keys=alone, ranked=False).unionByName(best)
    return frames
