"""Membership: which of a person's entries count, and which asked items they match (S13-S19)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns import known, micros_of, number_of
from profile_export.columns import membership as columns
from profile_export.plan import Audience, ExportPlan


def matches(entries: DataFrame, *, plan: ExportPlan) -> DataFrame:
    """Which asked items each person matches, by its merged entries of their segments (S13, S17).

    Args:
        entries: Entry rows, as ``membership_entries.py`` makes them.
        plan: The job's plan.

    Returns:
        ``person``, ``status_ok`` boolean (an item matches in status), ``items`` array<int>
        (items that match wholly). Persons without an entry of an asked segment are absent.
        Entries that tie here to the end match alike: all that is read of them is in the rank, and
        statuses of equal rank are one, or match nothing. Two shuffles.
    """
    asked = plan.audience
    status = columns.effective_status(F.col("status"), F.col("valid_until"), micros_of(plan.as_of))
    in_window = _in_window(F.col("qualified"), asked).cast("int")
    in_graph = plan.merge_policy.graph == "pdg"
    coded = entries.select(
        "person",
        "segment",
        # All that an entry decides, as one number: Sail carries it along cheaply.
        (status * 2 + in_window).alias("code"),
        (_rank() if in_graph else _rank_in_one_number(plan)).alias("rank"),
    )
    best = coded.groupBy("person", "segment").agg(F.max_by("code", "rank").alias("code"))
    cell = F.col("segment") * 4 + (F.col("code") / 2).cast("int")
    asking = [number_of(cell, items).alias(f"n{i}") for i, items in enumerate(_asking(asked))]
    numbered = best.select("person", (F.col("code") % 2 == 1).alias("counts"), *asking)
    matched = numbered.withColumn("status_ok", (F.col("n0") > 0).cast("int"))
    wholly = (F.col("counts") & (F.col(f"n{i}") > 0) for i in range(len(asking)))
    lists = [F.collect_list(F.when(is_so, F.col(f"n{i}") - 1)) for i, is_so in enumerate(wholly)]
    return matched.groupBy("person").agg(
        (F.max("status_ok") == 1).alias("status_ok"),
        (lists[0] if len(lists) == 1 else F.concat(*lists)).alias("items"),
    )


def _rank() -> Column:
    """Which of a person's entries of one segment counts (S13)."""
    return F.struct(
        known(F.col("qualified")).alias("qualified"),
        columns.status_rank(F.col("status")).alias("status"),
        "place",
        "pk",
        known(F.col("valid_until")).alias("valid_until"),
    )


def _rank_in_one_number(plan: ExportPlan) -> Column:
    """As :func:`_rank` where all records of a person share the primary identity.

    A number of up to 38 digits costs both engines a fraction of what a struct does in an aggregate
    (docs/decisions/0016). Of ``valid_until`` only what it decides is in it: of several, one that is
    to come beats one that has passed, and both beat none.
    """
    until = F.col("valid_until")
    has_passed = until < F.lit(micros_of(plan.as_of))
    validity = F.when(until.isNull(), F.lit(0)).when(has_passed, F.lit(1)).otherwise(F.lit(2))
    places = len(plan.inputs)
    low = (columns.status_rank(F.col("status")) * places + F.col("place")) * 3 + validity
    qualified = known(F.col("qualified")).cast("decimal(20,0)")
    return qualified * F.lit(4 * places * 3).cast("decimal(10,0)") + low


def _asking(asked: Audience) -> list[dict[int, int]]:
    """The item that asks for a segment in a status, counted from 1, by segment * 4 + the status's
    code; further dicts where several ask for the same."""
    segments = {key: n for n, key in enumerate(columns.distinct_segments(asked.segments))}
    asking: list[dict[int, int]] = [{}]
    for item, segment in enumerate(asked.segments, start=1):
        (key,) = columns.distinct_segments([segment])
        for status in segment.statuses:
            cell = segments[key] * 4 + columns.STATUSES[status]
            free = next((items for items in asking if cell not in items), None)
            if free is None:
                asking.append(free := {})
            free[cell] = item
    return asking


def _in_window(qualified: Column, asked: Audience) -> Column:
    """startTime <= lastQualificationTime < endTime; a null time is outside any window (S19)."""
    inside = F.lit(True)
    if asked.qualified_from is not None:
        inside = inside & (qualified >= F.lit(micros_of(asked.qualified_from)))
    if asked.qualified_before is not None:
        inside = inside & (qualified < F.lit(micros_of(asked.qualified_before)))
    return F.coalesce(inside, F.lit(False))
