"""Audience: one row per candidate, with its batches or the one reason it is left out (S14-S20)."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns import micros_of
from profile_export.plan import Audience, ExportPlan

REASONS = (
    "tooManyIdentities",
    "noProfileRecord",
    "notUpdatedSince",
    "notInSegment",
    "otherStatus",
    "outsideQualificationTime",
)
"""In the order in which they apply; a candidate is counted under the first (S14-S19)."""


def candidates(who: DataFrame, *, plan: ExportPlan, exact: bool) -> DataFrame:
    """One row per person with a participating current record or event.

    Args:
        who: Rows of identified datasets with ``person`` (and ``identities`` in ``pdg``).
        plan: The job's plan.
        exact: Whether ``identities`` must be exact in ``none``. Else it is a bound: the rows of a
            person may share identities. In ``pdg`` it is exact in any case.

    Returns:
        ``person``, ``has_record`` boolean, ``updated`` long µs (S16), ``identities`` long (S7),
        ``events`` long (rows of them, whatever S23 and S24 make of them). One shuffle by
        ``person``; three more where identities are counted.
    """
    rows = who.where("participates")
    in_graph = plan.merge_policy.graph == "pdg"
    counted = F.max("identities") if in_graph else F.sum(F.size("ids"))
    # Of whole numbers: Sail's aggregates of truth values, structs and arrays take far longer.
    grouped = rows.groupBy("person").agg(
        F.max(F.col("is_record").cast("int")).alias("has_record"),
        F.max(F.when(F.col("is_record"), F.col("ingested"))).alias("records_at"),
        F.max(F.when(~F.col("is_record"), F.col("ingested"))).alias("events_at"),
        counted.alias("identities"),
        F.sum(F.when(~F.col("is_record"), F.col("rows"))).alias("events"),
    )
    has_record = F.col("has_record") == 1
    updated = F.when(has_record, F.col("records_at")).otherwise(F.col("events_at"))
    found = grouped.select(
        "person",
        has_record.alias("has_record"),
        updated.alias("updated"),
        *("identities", "events"),
    )
    if in_graph or not exact:
        return found
    return found.drop("identities").join(_identities(rows), on="person", how="left")


def _identities(rows: DataFrame) -> DataFrame:
    """``person``, ``identities`` long: how many different ones its rows have."""
    each = rows.select("person", F.explode("ids.key").alias("key")).distinct()
    return each.groupBy("person").agg(F.count(F.lit(1)).alias("identities"))


def decided(
    candidates: DataFrame,
    matches: DataFrame | None,
    *,
    plan: ExportPlan,
    keep: Sequence[str] = (),
) -> DataFrame:
    """The verdict of each candidate.

    Args:
        candidates: As :func:`candidates` gives them.
        matches: As ``membership.matches`` gives them, or None where no record has any.
        plan: The job's plan.
        keep: Further columns of ``candidates`` to keep.

    Returns:
        ``person``, ``reason`` string (null: exported), ``batches`` array<int> (positions in the
        plan's batches; empty if not exported), and ``keep``. One join by ``person``.
    """
    asked = plan.audience
    if matches is not None:
        known_persons = candidates.join(matches, on="person", how="left")
    else:
        nothing = {
            "items": F.lit(None).cast("array<int>"),
            "status_ok": F.lit(None).cast("boolean"),
        }
        known_persons = candidates.withColumns(nothing)
    per_item = bool(asked.segments) and plan.segment_per_batch
    batches = F.array_sort("items") if per_item else F.array(F.lit(0))
    nowhere = F.array().cast("array<int>")
    verdict = known_persons.select(
        "person", *keep, _reason(asked).alias("reason"), batches.alias("b")
    )
    return verdict.select(
        "person",
        *keep,
        "reason",
        F.when(F.col("reason").isNull(), F.col("b")).otherwise(nowhere).alias("batches"),
    )


def _reason(asked: Audience) -> Column:
    """The first of :data:`REASONS` that applies; null: exported."""
    reason = F.when(F.col("identities") > asked.max_identities, F.lit("tooManyIdentities"))
    if not asked.empty_profiles:
        reason = reason.when(~F.col("has_record"), F.lit("noProfileRecord"))
    if asked.updated_after is not None:
        is_later = F.col("updated") > F.lit(micros_of(asked.updated_after))
        reason = reason.when(~F.coalesce(is_later, F.lit(False)), F.lit("notUpdatedSince"))
    if not asked.segments:
        return reason
    return (
        reason.when(F.col("items").isNull(), F.lit("notInSegment"))
        .when(~F.col("status_ok"), F.lit("otherStatus"))
        .when(F.size("items") == 0, F.lit("outsideQualificationTime"))
    )


def kept(plan: ExportPlan) -> tuple[str, ...]:
    """What of :func:`candidates` goes with the verdicts, for :func:`eventful`."""
    return () if plan.attached is None else ("events",)


def eventful(verdicts: DataFrame, *, plan: ExportPlan) -> DataFrame | None:
    """``person`` of those who may have more events than ``maxEventsPerProfile`` (S25), exported or
    not; None where none are attached. Columns in: as :func:`decided`, with :func:`kept`."""
    if plan.attached is None:
        return None
    return verdicts.where(F.col("events") > plan.attached.max_per_profile).select("person")


def members(audience: DataFrame) -> DataFrame:
    """The exported persons: ``person``, ``batches``."""
    return audience.where(F.col("reason").isNull()).select("person", "batches")
