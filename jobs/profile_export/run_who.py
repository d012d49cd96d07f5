"""The who phase: from the pinned tables to one verdict per candidate, by one of two ways.

``by_rows`` serves every plan: it keeps a narrow table of rows, from which identities are joined to
persons. ``by_keys`` serves plans whose persons are primary identities, and keeps the verdicts only.
"""

from collections.abc import Iterable, Iterator, Mapping

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from profile_export import components
from profile_export.decided import Decided, Tally
from profile_export.engines import Workspace
from profile_export.frames import union
from profile_export.plan import ExportPlan, Input
from profile_export.stages import audience, identities, keyed, load, membership, persons


def by_rows(work: Workspace, plan: ExportPlan) -> Decided:
    """Any plan: rows, persons, verdicts (S2-S19)."""
    suspects = _suspects(work, plan)
    who = work.materialise(union(_who_rows(work, plan, suspects)), "who")
    work.report("persons", 0.15)
    people = _people(work, plan, who)
    work.report("audience", 0.25)
    by_source = {row["source"]: row for row in identities.rows_by_source(who).collect()}
    verdicts = _verdicts(people, plan=plan, exact=_may_have_too_many(plan, by_source))
    kept = work.materialise(verdicts, "audience")
    tally = Tally(plan)
    tally.add_verdicts(audience.tallies(kept).collect())
    tally.add_namespaces(audience.namespace_counts(exported(people, kept)).collect())
    tally.add_orphans({i: int(row["without_identity"]) for i, row in by_source.items()})
    return Decided(people, kept, tally.counts(), suspects)


def by_keys(work: Workspace, plan: ExportPlan) -> Decided:
    """Plans that ``keyed.fits``: verdicts straight from the tables (S7, S13-S19).

    Where a dataset has several records of a person, its verdict is made again from the record that
    counts (S4).
    """
    work.report("persons", 0.05)
    rows = union(_key_rows(work, plan))
    work.report("audience", 0.1)
    entries = list(_entries(work, plan))
    matches = membership.matches(union(entries), plan=plan) if entries else None
    verdicts = work.materialise(
        audience.decided(keyed.candidates(rows), matches, plan=plan, keep=keyed.KEPT), "verdicts"
    )
    settled = keyed.settled(verdicts)
    tally = Tally(plan)
    tally.add_verdicts(audience.tallies(settled, "namespaces").collect())
    unsettled = keyed.unsettled(verdicts).collect()
    tally.add_orphans({r["orphan"]: int(r["orphans"]) for r in unsettled if not r["several"]})
    settled = settled.drop("namespaces")
    if not any(row["several"] for row in unsettled):
        return Decided(None, settled, tally.counts(), {})
    ranked, suspects, people = _again(work, plan, keyed.repeated(verdicts))
    tally.add_verdicts(audience.tallies(ranked).collect())
    tally.add_namespaces(audience.namespace_counts(exported(people, ranked)).collect())
    return Decided(None, settled.unionByName(ranked), tally.counts(), suspects)


def exported(people: DataFrame, verdicts: DataFrame) -> DataFrame:
    """The ``who`` rows of the exported persons."""
    members = audience.members(verdicts).select("person")
    return people.join(members, on="person", how="left_semi")


def people_of(
    work: Workspace, plan: ExportPlan, keys: DataFrame, suspects: Mapping[str, DataFrame]
) -> DataFrame:
    """``who`` rows of the persons of ``keys``, for plans that ``keyed.fits``: of their records."""
    frames = []
    for index, source in enumerate(plan.inputs):
        if source.kind == "profile" and source.participates:
            rows = load.record_rows(work.read(source), source=source, asked=plan.audience.segments)
            mine = rows.join(keys, on="pk", how="left_semi")
            several = suspects.get(source.dataset_id)
            frames.append(identities.of_records(mine, source=source, index=index, suspects=several))
    return persons.by_primary(union(frames))


def _again(
    work: Workspace, plan: ExportPlan, repeated: DataFrame
) -> tuple[DataFrame, dict[str, DataFrame], DataFrame]:
    """Verdicts on persons with several records in one dataset, the suspects, and the rows."""
    frames = [
        identities.of_repeated(mine, source=source, index=index)
        for index, source, mine in _records_of(work, plan, repeated)
    ]
    who = work.materialise(union(frames), "who")
    people = persons.by_primary(who)
    # Their events change nothing: who has a record is as new as its records (S16).
    ranked = work.materialise(_verdicts(people, plan=plan, exact=False), "audience")
    found = identities.suspects(who)
    return ranked, _by_dataset(plan, found), people


def _records_of(
    work: Workspace, plan: ExportPlan, keys: DataFrame
) -> Iterator[tuple[int, Input, DataFrame]]:
    """Of each participating profile dataset, the records of the primary identities of ``keys``."""
    for index, source in enumerate(plan.inputs):
        if source.kind == "profile" and source.participates:
            rows = load.record_rows(work.read(source), source=source, asked=plan.audience.segments)
            yield index, source, rows.join(keys, on="pk", how="left_semi")


def _verdicts(people: DataFrame, *, plan: ExportPlan, exact: bool) -> DataFrame:
    matches = None
    if plan.audience.segments:
        matches = membership.matches(membership.of_who(people, plan=plan), plan=plan)
    numbers = audience.candidates(people, plan=plan, exact=exact)
    return audience.decided(numbers, matches, plan=plan)


def _suspects(work: Workspace, plan: ExportPlan) -> dict[str, DataFrame]:
    hashes = [
        load.key_hashes(work.read(source), source=source, index=index)
        for index, source in enumerate(plan.inputs)
        if source.kind == "profile"
    ]
    if not hashes:
        return {}
    return _by_dataset(plan, work.materialise(identities.repeated(union(hashes)), "repeated"))


def _by_dataset(plan: ExportPlan, found: DataFrame) -> dict[str, DataFrame]:
    return {
        plan.inputs[row["source"]].dataset_id: found.where(F.col("source") == row["source"])
        for row in found.select("source").distinct().collect()
    }


def _may_have_too_many(plan: ExportPlan, by_source: Mapping[int, Row]) -> bool:
    """Whether any person can have more identities than S7 allows: they come from one row each."""
    widest = (int(row["widest"]) for i, row in by_source.items() if plan.inputs[i].participates)
    return sum(widest) > plan.audience.max_identities


def _key_rows(work: Workspace, plan: ExportPlan) -> Iterator[DataFrame]:
    for index, source in enumerate(plan.inputs):
        if source.participates:
            rows = keyed.record_rows if source.kind == "profile" else keyed.event_rows
            yield rows(work.read(source), source=source, index=index, plan=plan)


def _entries(work: Workspace, plan: ExportPlan) -> Iterator[DataFrame]:
    if not plan.audience.segments:
        return
    for source in plan.records:
        if load.has_memberships(source):
            records = work.read(source).select(
                keyed.person(source).alias("person"), "segmentMembership"
            )
            yield membership.of_records(records, source=source, plan=plan)


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
