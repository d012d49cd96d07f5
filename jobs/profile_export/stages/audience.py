"""Audience: one row per candidate, with its batches or the one reason it is left out (S14-S20)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export import membership_columns as membership
from profile_export.columns import key_namespace, known, micros_of
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
        ``person``, ``has_record`` boolean, ``updated`` long µs (S16), ``identities`` long (S7). One
        shuffle by ``person``; three more where identities are counted.
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
    )
    has_record = F.col("has_record") == 1
    updated = F.when(has_record, F.col("records_at")).otherwise(F.col("events_at"))
    found = grouped.select(
        "person", has_record.alias("has_record"), updated.alias("updated"), "identities"
    )
    if in_graph or not exact:
        return found
    return found.drop("identities").join(_identities(rows), on="person", how="left")


def _identities(rows: DataFrame) -> DataFrame:
    """``person``, ``identities`` long: how many different ones its rows have."""
    each = rows.select("person", F.explode("ids.key").alias("key")).distinct()
    return each.groupBy("person").agg(F.count(F.lit(1)).alias("identities"))


def matches(who: DataFrame, *, plan: ExportPlan) -> DataFrame:
    """Which asked items each person matches, by its merged entries of their segments (S13, S17).

    Args:
        who: Rows with ``person``, ``pk``, ``source``, ``entries``.
        plan: The job's plan.

    Returns:
        ``person``, ``status_ok`` boolean (an item matches in status), ``items`` array<int>
        (items that match wholly). Persons without an entry of an asked segment are absent.
        Entries that tie here to the end match alike: all that is read of them is in the rank, and
        statuses of equal rank are one, or match nothing. Two shuffles: by person and segment, by
        person.
    """
    asked = plan.audience
    each = who.where("participates").select(
        "person", "pk", _place(plan).alias("place"), F.explode("entries").alias("e")
    )
    status = membership.effective_status(
        F.col("e.status"), F.col("e.valid_until"), micros_of(plan.as_of)
    )
    in_window = _in_window(F.col("e.qualified"), asked).cast("int")
    best = each.select(
        "person",
        F.col("e.segment").alias("segment"),
        # All that an entry decides, as one number: that is what Sail carries along cheaply.
        (status * 2 + in_window).alias("code"),
        _rank(plan).alias("rank"),
    )
    best = best.groupBy("person", "segment").agg(F.max_by("code", "rank").alias("code"))
    best_status = (F.col("code") / 2).cast("int")
    items = F.element_at(_item_table(asked), F.col("segment") * 4 + best_status + 1)
    matched = best.select(
        "person",
        (F.size(items) > 0).cast("int").alias("status_ok"),
        F.when(F.col("code") % 2 == 1, items)
        .otherwise(F.array().cast("array<int>"))
        .alias("items"),
    )
    lists = matched.groupBy("person").agg(
        F.max("status_ok").alias("status_ok"), F.collect_list("items").alias("items")
    )
    return lists.select(
        "person", (F.col("status_ok") == 1).alias("status_ok"), F.flatten("items").alias("items")
    )


def _place(plan: ExportPlan) -> Column:
    """The place of a row's dataset in the order of dataset ids."""
    order = sorted(i.dataset_id for i in plan.inputs)
    places = F.array(*(F.lit(order.index(i.dataset_id)) for i in plan.inputs))
    return F.element_at(places, F.col("source") + 1)


def _rank(plan: ExportPlan) -> Column:
    """Which of a person's entries of one segment counts (S13)."""
    # In `none` all rows of a person share the primary identity.
    pk = ["pk"] if plan.merge_policy.graph == "pdg" else []
    return F.struct(
        known(F.col("e.qualified")).alias("qualified"),
        membership.status_rank(F.col("e.status")).alias("status"),
        "place",
        *pk,
        known(F.col("e.valid_until")).alias("valid_until"),
    )


def decided(candidates: DataFrame, matches: DataFrame | None, *, plan: ExportPlan) -> DataFrame:
    """The verdict of each candidate.

    Args:
        candidates: As :func:`candidates` gives them.
        matches: As :func:`matches` gives them, or None where no segments are asked.
        plan: The job's plan.

    Returns:
        ``person``, ``reason`` string (null: exported), ``batches`` array<int> (positions in the
        plan's batches; empty if not exported). One join by ``person``.
    """
    asked = plan.audience
    known_persons = candidates
    if matches is not None:
        known_persons = candidates.join(matches, on="person", how="left")
    reason = F.when(F.col("identities") > asked.max_identities, F.lit("tooManyIdentities"))
    if not asked.empty_profiles:
        reason = reason.when(~F.col("has_record"), F.lit("noProfileRecord"))
    if asked.updated_after is not None:
        is_later = F.col("updated") > F.lit(micros_of(asked.updated_after))
        reason = reason.when(~F.coalesce(is_later, F.lit(False)), F.lit("notUpdatedSince"))
    batches = F.array(F.lit(0))
    if matches is not None:
        reason = (
            reason.when(F.col("items").isNull(), F.lit("notInSegment"))
            .when(~F.col("status_ok"), F.lit("otherStatus"))
            .when(F.size("items") == 0, F.lit("outsideQualificationTime"))
        )
        batches = F.array_sort("items") if plan.segment_per_batch else batches
    nowhere = F.array().cast("array<int>")
    verdict = known_persons.select("person", reason.alias("reason"), batches.alias("b"))
    return verdict.select(
        "person",
        "reason",
        F.when(F.col("reason").isNull(), F.col("b")).otherwise(nowhere).alias("batches"),
    )


def members(audience: DataFrame) -> DataFrame:
    """The exported persons: ``person``, ``batches``."""
    return audience.where(F.col("reason").isNull()).select("person", "batches")


def verdict_counts(audience: DataFrame) -> DataFrame:
    """Persons by verdict: ``reason``, ``batches``, ``persons`` long. One small shuffle."""
    return audience.groupBy("reason", "batches").agg(F.count(F.lit(1)).alias("persons"))


def namespace_counts(people: DataFrame) -> DataFrame:
    """Persons by identity namespace (S10): ``namespace`` lower-cased, ``persons`` long.

    Columns in: ``who`` rows with ``person``, of the exported persons. Two shuffles of theirs.
    """
    keys = people.where("participates").select("person", F.explode("ids.key").alias("key"))
    each = keys.select("person", key_namespace(F.col("key")).alias("namespace")).distinct()
    return each.groupBy("namespace").agg(F.count(F.lit(1)).alias("persons"))


def _item_table(asked: Audience) -> Column:
    """Position segment * 4 + status code -> the items that ask for it, as one literal."""
    segments = membership.distinct_segments(asked.segments)
    cells: list[list[int]] = [[] for _ in range(4 * len(segments))]
    for item, segment in enumerate(asked.segments):
        (key,) = membership.distinct_segments([segment])
        for status in segment.statuses:
            cells[segments.index(key) * 4 + membership.STATUSES[status]].append(item)
    return F.array(*(F.array(*map(F.lit, cell)).cast("array<int>") for cell in cells))


def _in_window(qualified: Column, asked: Audience) -> Column:
    """startTime <= lastQualificationTime < endTime; a null time is outside any window (S19)."""
    inside = F.lit(True)
    if asked.qualified_from is not None:
        inside = inside & (qualified >= F.lit(micros_of(asked.qualified_from)))
    if asked.qualified_before is not None:
        inside = inside & (qualified < F.lit(micros_of(asked.qualified_before)))
    return F.coalesce(inside, F.lit(False))
