"""One page: the order of the stages, and nothing else."""

from pyspark.sql import DataFrame

from profile_export import keyed_plans, run_keyed, run_what, run_who
from profile_export.decided import Counts, Decided
from profile_export.engines import Workspace
from profile_export.plan import ExportPlan
from profile_export.stages import audience, events, project

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
        return run_who.by_rows(work, plan)
    by = run_keyed.by_keys if plan.merge_policy.graph == "none" else run_keyed.by_graph
    return by(work, plan)


def rows(work: Workspace, plan: ExportPlan, decided: Decided) -> DataFrame:
    """What: the wide rows of the audience only, one row per person and batch."""
    work.report("merge", 0.4)
    members = audience.members(decided.audience)
    # Materialised: its exact size lets the engine broadcast it, so that other people's wide rows
    # stop at the scan.
    keys = work.materialise(run_what.keys_of(decided), "keys")
    parts = run_what.parts(work, plan, decided, members=members, keys=keys)
    return project.rows(members, parts=parts, plan=plan)


def events_truncated(work: Workspace, plan: ExportPlan, decided: Decided) -> dict[str, int]:
    """What S25 left out. Another pass over the audience's events, for the job that needs it."""
    wanted = plan.attached
    if wanted is None:
        return {"profiles": 0, "events": 0}
    attached = run_what.attached_events(work, plan, run_what.keys_of(decided), wanted)
    (row,) = events.truncated(attached, wanted=wanted).collect()
    return {"profiles": int(row["profiles"]), "events": int(row["events"])}
