"""The events of the exported persons, for the what phase."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.engines import Workspace
from profile_export.frames import union
from profile_export.phases.decided import Exported
from profile_export.plan import EventList, ExportPlan
from profile_export.stages import events, load_wide, persons


def lists(work: Workspace, plan: ExportPlan, who: Exported, *, wanted: EventList) -> DataFrame:
    """``person``, ``timeSeriesEvents`` of the exported persons who have events (S23-S25)."""
    mine, too_many = attached(work, plan, who, wanted=wanted), _too_many(who)
    together = mine if too_many else work.moved(mine, "person")
    return events.grouped(together, wanted=wanted, too_many=too_many)


def attached(work: Workspace, plan: ExportPlan, who: Exported, *, wanted: EventList) -> DataFrame:
    """The audience's events of all datasets, each once (S23, S24)."""
    of_all = []
    for index, source in enumerate(plan.event_inputs):
        table = work.read(source)
        hashes = work.moved(events.id_hashes(table), "suspect", shrinks=True)
        suspects = work.materialise(events.repeated_ids(hashes), f"repeated-{index}")
        # What S24 leaves out may supersede others (S23), but not those that are never repeated.
        within = load_wide.ingested_within(table, source=source, wanted=wanted)
        mine = load_wide.events(within, source=source, wanted=wanted).join(
            who.keys, on="pk", how="inner"
        )
        if not suspects.isEmpty():
            suspected = events.with_suspect_id(table, suspects=suspects)
            every = load_wide.events(suspected, source=source, wanted=wanted)
            winners = every.transform(events.once, wanted=wanted).join(
                who.keys, on="pk", how="inner"
            )
            mine = events.never_repeated(mine, suspects=suspects).unionByName(winners)
        of_all.append(
            events.ingested_within(mine, wanted=wanted).withColumn(
                "place", F.lit(plan.place(source))
            )
        )
    return union(of_all)


def _too_many(who: Exported) -> bool:
    """Whether an exported person may have more events than are kept of one (S25)."""
    eventful = who.decided.eventful
    if eventful is None or eventful.isEmpty():
        return False
    return not persons.by_number(eventful, members=who.members).isEmpty()
