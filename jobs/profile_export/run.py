"""One page: which way a plan goes, who, then what. ``phases/`` have the order of each phase's
stages."""

from pyspark.sql import DataFrame

from profile_export import keyed_plans
from profile_export.engines import Workspace
from profile_export.phases import events, keyed, what, who
from profile_export.phases.decided import Counts, Decided
from profile_export.plan import ExportPlan
from profile_export.stages import project
from profile_export.stages.events import truncated

__all__ = ["Counts", "Decided", "decide", "events_truncated", "rows"]


def decide(work: Workspace, plan: ExportPlan, *, keep_rows: bool = False) -> Decided:
    """Who: narrow columns only, from the pinned tables to one verdict per candidate.

    Args:
        work: An engine at work on the job.
        plan: The job's plan.
        keep_rows: Whether ``Decided.people`` is wanted: for those who explain.
    """
    work.report("identities", 0.0)
    if keep_rows or not keyed_plans.fits(plan):
        return who.by_rows(work, plan)
    by = keyed.by_keys if plan.merge_policy.graph == "none" else keyed.by_graph
    return by(work, plan)


def rows(work: Workspace, plan: ExportPlan, decided: Decided) -> DataFrame:
    """What: the wide rows of the audience only, one row per person and batch."""
    work.report("merge", 0.4)
    exported = what.exported(work, decided)
    return project.rows(exported.members, parts=what.parts(work, plan, exported), plan=plan)


def events_truncated(work: Workspace, plan: ExportPlan, decided: Decided) -> dict[str, int]:
    """What S25 left out. Another pass over the audience's events, for the job that needs it."""
    wanted = plan.attached
    if wanted is None:
        return {"profiles": 0, "events": 0}
    exported = what.exported(work, decided)
    attached = events.attached(work, plan, exported, wanted=wanted)
    (row,) = truncated(attached, wanted=wanted).collect()
    return {"profiles": int(row["profiles"]), "events": int(row["events"])}
