"""The who phase for any plan: from the pinned tables to one verdict per candidate.

It keeps a narrow table of rows, from which identities are joined to persons. Most plans can do
without that table: ``phases/keyed.py``.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from profile_export.engines import Workspace
from profile_export.frames import union
from profile_export.phases import components
from profile_export.phases.decided import Decided, Tally
from profile_export.plan import ExportPlan, Input
from profile_export.stages import (
    audience,
    current,
    identities,
    load,
    membership,
    membership_entries,
    persons,
    tallies,
)


def by_rows(
    work: Workspace, plan: ExportPlan, suspects: Mapping[str, DataFrame] | None = None
) -> Decided:
    """Any plan: rows, persons, verdicts (S2-S19).

    Args:
        work: An engine at work on the job.
        plan: The job's plan.
        suspects: As :func:`suspects_of` gives them, where that was asked before.
    """
    suspects = suspects_of(work, plan) if suspects is None else suspects
    who = work.materialise(union(_who_rows(work, plan, suspects)), "who")
    work.report("persons", 0.15)
    people = _people(work, plan, who)
    work.report("audience", 0.25)
    by_source = {row["source"]: row for row in identities.rows_by_source(who).collect()}
    exact = _may_have_too_many(plan, by_source)
    verdicts = verdicts_on(people, plan=plan, exact=exact, keep=audience.kept(plan))
    kept = work.materialise(verdicts, "audience")
    tally = Tally(plan)
    tally.add_verdicts(tallies.of_verdicts(kept).collect())
    # Materialised: what follows would join all rows with their persons once more each time.
    mine = work.materialise(rows_of_exported(people, kept), "exported")
    tally.add_namespaces(tallies.of_namespaces(mine).collect())
    tally.add_orphans({i: int(row["without_identity"]) for i, row in by_source.items()})
    return Decided(
        mine,
        kept.select("person", "reason", "batches"),
        tally.counts(),
        suspects,
        eventful=audience.eventful(kept, plan=plan),
        people=people,
    )


def rows_of_exported(people: DataFrame, verdicts: DataFrame) -> DataFrame:
    """Of the ``who`` rows of the exported persons what tells who they are: ``person``, ``pk``,
    ``source``, ``participates``, ``is_record``, ``ids``. One join by ``person``."""
    members = audience.members(verdicts).select("person")
    of_interest = people.select("person", "pk", "source", "participates", "is_record", "ids")
    return of_interest.join(members, on="person", how="left_semi")


def current_records(
    records: DataFrame, *, source: Input, plan: ExportPlan, suspects: DataFrame | None
) -> DataFrame:
    """``pk``, ``ids``, ``ingested``, ``entries``, ``rows`` of the records that count (S4).

    Args:
        records: As ``load.records``.
        source: Their dataset.
        plan: The job's plan.
        suspects: The dataset's, as :func:`suspects_of` gives them; None where it has none.
    """
    rows = partial(load.record_rows, source=source, asked=plan.audience.segments)
    if suspects is None:
        return current.records(rows(records))
    alone, several = current.parted(records, suspects=suspects)
    return current.records(rows(alone)).unionByName(current.records_of_repeated(rows(several)))


def verdicts_on(
    people: DataFrame, *, plan: ExportPlan, exact: bool, keep: Sequence[str] = ()
) -> DataFrame:
    """Verdicts from ``who`` rows with ``person`` (S13-S19); ``exact``: as for candidates (S7);
    ``keep``: as for ``audience.decided``."""
    matches = None
    if plan.audience.segments:
        matches = membership.matches(membership_entries.of_who(people, plan=plan), plan=plan)
    numbers = audience.candidates(people, plan=plan, exact=exact)
    return audience.decided(numbers, matches, plan=plan, keep=keep)


def suspects_of(work: Workspace, plan: ExportPlan) -> dict[str, DataFrame]:
    """Dataset id -> the primary identities of which it has several records, if any (S4)."""
    hashes = [
        load.key_hashes(work.read(source), source=source, index=index)
        for index, source in enumerate(plan.inputs)
        if source.kind == "profile"
    ]
    if not hashes:
        return {}
    moved = work.moved(union(hashes), "suspect", shrinks=True)
    return by_dataset(plan, work.materialise(current.repeated(moved), "repeated"))


def by_dataset(plan: ExportPlan, found: DataFrame) -> dict[str, DataFrame]:
    """Suspects of all datasets, by ``source``, as :func:`suspects_of` gives them."""
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
            several = suspects.get(source.dataset_id)
            every = load.records(table, source=source, hashed=several is not None)
            records = current_records(every, source=source, plan=plan, suspects=several)
            yield identities.who_rows(records, source=source, index=index)
        else:
            rows = load.event_rows(table, source=source)
            yield identities.of_events(rows, source=source, index=index)


def _people(work: Workspace, plan: ExportPlan, who: DataFrame) -> DataFrame:
    if plan.merge_policy.graph == "none":
        return persons.by_primary(who)
    found = components.find(persons.edges(who), bound=persons.edge_bound(who), work=work)
    return persons.by_component(who, persons=found)
