"""The what phase: the wide rows and events of the audience, one row per person and batch."""

from collections.abc import Mapping
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.engines import Workspace
from profile_export.frames import to_be_hashed, union
from profile_export.outputs import EVENTS_COLUMN, SYSTEM_FIELDS
from profile_export.phases import events, keyed
from profile_export.phases.decided import Decided, Exported
from profile_export.plan import ExportPlan, Input
from profile_export.schema import Struct
from profile_export.stages import (
    audience,
    current,
    identities,
    load_wide,
    membership_map,
    merge,
    merge_joined,
    persons,
    project,
)


def exported(work: Workspace, decided: Decided) -> Exported:
    """The exported persons, numbered: joins, groups and sorts by a number cost less than by text.

    Materialised: the exact size of ``keys`` lets the engine broadcast it, so that other people's
    wide rows stop at the scan.
    """
    named = audience.members(decided.audience).withColumnRenamed("person", "key")
    members = work.numbered(named, "person", "members")
    if decided.rows is not None:
        pairs = decided.rows.select("pk", "person").distinct()
        keys = work.materialise(persons.by_number(pairs, members=members), "keys")
    elif decided.persons is not None:
        keys = work.materialise(persons.keys_of(members, persons=decided.persons), "keys")
    else:
        keys = members.select(F.col("key").alias("pk"), "person")
    return Exported(decided, members, keys)


def parts(work: Workspace, plan: ExportPlan, who: Exported) -> dict[str, DataFrame]:
    """What is known of the exported persons, as ``project.rows`` takes it (S9-S13, S21-S25)."""
    records = _records(work, plan, who)
    found = _attributes(work, plan, who, records) | _identities(work, plan, who)
    entries = [
        frame.transform(membership_map.entries, place=plan.place(source))
        for source, frame in records.items()
        if plan.output.get("segmentMembership") is not None and source.has_memberships
    ]
    if entries:
        found["segmentMembership"] = membership_map.merged(union(entries))
    if plan.attached is not None:
        found[EVENTS_COLUMN] = events.lists(work, plan, who, wanted=plan.attached)
    return found


def _attributes(
    work: Workspace,
    plan: ExportPlan,
    who: Exported,
    records: Mapping[Input, DataFrame],
) -> dict[str, DataFrame]:
    leaves = plan.output.without(*SYSTEM_FIELDS)
    if not records or not (leaves.fields or plan.lineage):
        return {}
    if not leaves.fields or not merge_joined.can_join(plan):
        return {"attributes": _aggregated(plan, records, leaves)}
    members, crowded = who.members, _crowded(work, plan, who)
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


def _crowded(work: Workspace, plan: ExportPlan, who: Exported) -> DataFrame | None:
    """The exported persons that only an aggregate can merge; None if there are none."""
    crowded = who.decided.crowded
    if who.decided.rows is not None and plan.merge_policy.graph == "pdg":
        crowded = merge.crowded(who.decided.rows)
    if crowded is None:
        return None
    kept = work.materialise(persons.by_number(crowded, members=who.members), "crowded")
    return None if kept.isEmpty() else kept


def _aggregated(plan: ExportPlan, records: Mapping[Input, DataFrame], leaves: Struct) -> DataFrame:
    ranked = [
        frame.transform(merge.ranked, source=source, leaves=leaves, plan=plan)
        for source, frame in records.items()
    ]
    return merge.attributes(union(ranked), leaves=leaves, plan=plan)


def _identities(work: Workspace, plan: ExportPlan, who: Exported) -> dict[str, DataFrame]:
    asked = [name for name in ("identityMap", "identities") if plan.output.get(name) is not None]
    if not asked:
        return {}
    if who.decided.rows is None:
        listed = keyed.listed(work, plan, who)
    else:
        listed = identities.listed(persons.by_number(who.decided.rows, members=who.members))
    shaped = {"identityMap": project.identity_map, "identities": project.identities}
    return {name: shaped[name](listed, namespaces=plan.namespaces) for name in asked}


def _records(work: Workspace, plan: ExportPlan, who: Exported) -> dict[Input, DataFrame]:
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
        several = who.decided.suspects.get(source.dataset_id)
        if several is None:
            frames[source] = mine(keys=who.keys, ranked=False)
            continue
        parts = current.parted(to_be_hashed(who.keys, F.col("pk")), suspects=several)
        alone, repeated = (
            # As `keys`: small, and known to be.
            work.materialise(part, f"keys-{index}-{name}")
            for part, name in zip(parts, ("alone", "repeated"), strict=True)
        )
        keep = load_wide.wide_columns(source, leaves=leaves, entry=entry)
        best = current.fragments_of_repeated(mine(keys=repeated, ranked=True), keep=keep)
        frames[source] = mine(keys=alone, ranked=False).unionByName(best)
    return frames
