"""The who phase straight from the tables, for plans that ``keyed_plans.fits``: no rows are kept.

Two ways: ``by_keys`` where a person is a primary identity, ``by_graph`` where it is a component.
"""

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.engines import Workspace
from profile_export.frames import union
from profile_export.phases import components
from profile_export.phases.decided import Decided, Exported, Tally
from profile_export.phases.who import (
    by_dataset,
    by_rows,
    current_records,
    rows_of_exported,
    suspects_of,
    verdicts_on,
)
from profile_export.plan import ExportPlan, Input
from profile_export.stages import (
    audience,
    current,
    identities,
    keyed,
    load,
    membership,
    membership_entries,
    persons,
    settling,
    tallies,
)


def by_keys(work: Workspace, plan: ExportPlan) -> Decided:
    """Under ``none``: verdicts by primary identity (S7, S13-S19).

    Where a dataset has several records of a person, its verdict is made again from the record that
    counts (S4).
    """
    work.report("persons", 0.05)
    verdicts = _verdicts(work, plan)
    settled = settling.settled(verdicts, plan=plan)
    tally, several = _tallied(plan, verdicts, settled)
    settled, suspects = settled.drop("namespaces"), dict[str, DataFrame]()
    if several:
        # Materialised: see ``what.exported``.
        anew = work.materialise(settling.repeated(verdicts), "anew")
        ranked, suspects, people = _again(work, plan, anew)
        tally.add_verdicts(tallies.of_verdicts(ranked).collect())
        tally.add_namespaces(tallies.of_namespaces(rows_of_exported(people, ranked)).collect())
        settled = settled.unionByName(ranked)
    eventful = audience.eventful(verdicts, plan=plan)
    return Decided(None, settled, tally.counts(), suspects, eventful=eventful)


def by_graph(work: Workspace, plan: ExportPlan) -> Decided:
    """Under ``pdg``: the graph first, then verdicts by its components (S6, S7, S13-S19).

    Where a dataset has several records of a primary identity, the graph has to be made of those
    that count (S4): that is left to ``by_rows``.
    """
    suspects = suspects_of(work, plan)
    if suspects:
        return by_rows(work, plan, suspects)
    work.report("persons", 0.1)
    stitched = _components(work, plan)
    verdicts = _verdicts(work, plan, stitched)
    settled = settling.settled(verdicts, plan=plan)
    tally, several = _tallied(plan, verdicts, settled)
    crowded = settling.crowded(verdicts) if several else None
    return Decided(
        None,
        settled.drop("namespaces"),
        tally.counts(),
        {},
        persons=stitched,
        crowded=crowded,
        eventful=audience.eventful(verdicts, plan=plan),
    )


def listed(work: Workspace, plan: ExportPlan, who: Exported) -> DataFrame:
    """``identities.listed`` of the exported persons (S10): of their records, and their events,
    which have no other identity than the primary."""
    decided, keys = who.decided, who.keys
    frames = []
    for index, source, mine in _records_of(work, plan, keys):
        several = decided.suspects.get(source.dataset_id)
        mine = current_records(mine, source=source, plan=plan, suspects=several)
        frames.append(identities.who_rows(mine, source=source, index=index))
    people = union(frames).join(keys, on="pk", how="inner") if frames else None
    if decided.persons is None:
        return identities.listed(people, primaries=keys)
    events = [s for s in plan.inputs if s.kind != "profile" and s.participates]
    if not events:
        return identities.listed(people)
    seen = union(work.read(s).select(keyed.person(s).alias("pk")).distinct() for s in events)
    return identities.listed(people, primaries=seen.join(keys, on="pk", how="inner"))


def _verdicts(work: Workspace, plan: ExportPlan, stitched: DataFrame | None = None) -> DataFrame:
    """As ``audience.decided``, with all that is kept; materialised."""
    rows = union(_key_rows(work, plan))
    work.report("audience", 0.2)
    if stitched is not None:
        rows = persons.stitched(rows, persons=stitched)
    matches = _matches(work, plan, stitched)
    rows = work.moved(rows, "person", shrinks=True)
    candidates = keyed.candidates(rows, in_graph=stitched is not None)
    keep = (*settling.KEPT, *audience.kept(plan))
    decided = audience.decided(candidates, matches, plan=plan, keep=keep)
    return work.materialise(decided, "verdicts")


def _matches(work: Workspace, plan: ExportPlan, stitched: DataFrame | None) -> DataFrame | None:
    found = list(_entries(work, plan))
    if not found:
        return None
    entries = union(found)
    if stitched is not None:
        entries = persons.stitched(entries, persons=stitched)
    return membership.matches(work.moved(entries, "person", shrinks=True), plan=plan)


def _tallied(plan: ExportPlan, verdicts: DataFrame, settled: DataFrame) -> tuple[Tally, bool]:
    """The counts so far, and whether a dataset has several records of some person."""
    tally = Tally(plan)
    tally.add_verdicts(tallies.of_verdicts(settled, "namespaces").collect())
    unsettled = settling.unsettled(verdicts).collect()
    tally.add_orphans({r["orphan"]: int(r["orphans"]) for r in unsettled if not r["several"]})
    return tally, any(row["several"] for row in unsettled)


def _components(work: Workspace, plan: ExportPlan) -> DataFrame:
    """The graph's components, as ``components.find`` gives them."""
    found = (keyed.edges(work.read(s), source=s) for s in plan.inputs if s.identities)
    pairs = work.moved(union(found), "left", shrinks=True)
    edges = work.materialise(pairs.distinct(), "edges")
    bound = edges.agg(F.count(F.lit(1)).alias("edges"))
    return components.find(edges, bound=bound, work=work)


def _again(
    work: Workspace, plan: ExportPlan, repeated: DataFrame
) -> tuple[DataFrame, dict[str, DataFrame], DataFrame]:
    """Verdicts on persons with several records in one dataset, the suspects, and the rows."""
    frames = []
    for index, source, mine in _records_of(work, plan, repeated):
        rows = load.record_rows(mine, source=source, asked=plan.audience.segments)
        best = current.records_of_repeated(rows)
        frames.append(identities.who_rows(best, source=source, index=index))
    who = work.materialise(union(frames), "who")
    people = persons.by_primary(who)
    # Their events change nothing: who has a record is as new as its records (S16).
    ranked = work.materialise(verdicts_on(people, plan=plan, exact=False), "audience")
    found = current.suspects(who)
    return ranked, by_dataset(plan, found), people


def _records_of(
    work: Workspace, plan: ExportPlan, keys: DataFrame
) -> Iterator[tuple[int, Input, DataFrame]]:
    """Of each participating profile dataset, the records of the primary identities of ``keys``."""
    for index, source in enumerate(plan.inputs):
        if source.kind == "profile" and source.participates:
            records = load.records(work.read(source), source=source)
            yield index, source, records.join(keys, on="pk", how="left_semi")


def _key_rows(work: Workspace, plan: ExportPlan) -> Iterator[DataFrame]:
    for index, source in enumerate(plan.inputs):
        if source.participates:
            table = work.read(source)
            if source.kind == "profile":
                yield keyed.record_rows(table, source=source, index=index, plan=plan)
                continue
            values = work.moved(keyed.event_values(table, source=source), "value", shrinks=True)
            yield keyed.event_rows(values, source=source, index=index, plan=plan)


def _entries(work: Workspace, plan: ExportPlan) -> Iterator[DataFrame]:
    if not plan.audience.segments:
        return
    for source in plan.records:
        if source.has_memberships:
            records = work.read(source).select(
                keyed.person(source).alias("person"), "segmentMembership"
            )
            yield membership_entries.of_records(
                records, source=source, plan=plan, vectorised=work.vectorised
            )
