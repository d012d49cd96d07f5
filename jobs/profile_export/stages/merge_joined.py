"""Merge by joins, where every dataset has at most one record of a person (S11)."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns import known
from profile_export.plan import ExportPlan, Input
from profile_export.schema import DataType, Struct
from profile_export.structs import assembled
from profile_export.union import attribute_columns

MOST = 8
"""Datasets."""


def can_join(plan: ExportPlan) -> bool:
    """Whether :func:`joined` can take the place of ``merge.attributes`` for uncrowded persons.

    Expressions grow with datasets times leaves, so many datasets are left to the aggregate.
    """
    return not plan.lineage and len(plan.records) <= MOST


def joined(
    members: DataFrame, current: Mapping[Input, DataFrame], *, leaves: Struct, plan: ExportPlan
) -> DataFrame:
    """As ``merge.attributes``, by one join for each dataset, where :func:`can_join` says so (S11).

    Less than half the time of the aggregate for 33 leaves (docs/decisions/0013, 0018).

    Args:
        members: ``person`` of the audience, none of them ``merge.crowded``.
        current: Each dataset's current records: ``person`` (unique), ``updated``, its leaves.
        leaves: The attributes of the output, nested.
        plan: The job's plan.

    Returns:
        ``person`` and ``a0, a1, ...`` for every member, nulls for one without a record. One shuffle
        of each dataset's records by ``person``.
    """
    named = list(leaves.leaves())
    # A dataset that has none of the leaves has nothing to give, and is not read.
    current = {
        source: frame
        for source, frame in current.items()
        if any(attribute_columns(source).at(path) is not None for path, _ in named)
    }
    rows, holders = members.select("person"), _holders(named, current)
    for k, frame in enumerate(current.values()):
        mine = [F.col(f"c{i}").alias(f"c{k}_{i}") for i in holders if k in holders[i]]
        at = known(F.col("updated")).alias(f"u{k}")
        rows = rows.join(frame.select("person", at, *mine), on="person", how="left")
    ranks = [plan.precedence(source) for source in current]
    if plan.merge_policy.attribute_merge == "dataSetPrecedence":
        in_order = sorted(range(len(ranks)), key=lambda k: -ranks[k])
        values = [
            F.coalesce(*(F.col(f"c{k}_{i}") for k in in_order if k in holders[i])).alias(f"v{i}")
            for i in range(len(named))
        ]
        return assembled(rows.select("person", *values), schema=leaves, leaves="v", keep=["person"])
    values = [_newest(i, holders[i]).alias(f"v{i}") for i in range(len(named))]
    placed = rows.select("*", *_places(ranks))
    return assembled(placed.select("person", *values), schema=leaves, leaves="v", keep=["person"])


def _holders(
    named: list[tuple[str, DataType]], current: Mapping[Input, DataFrame]
) -> dict[int, list[int]]:
    """Leaf -> the datasets that have it, both by position."""
    columns = [attribute_columns(source) for source in current]
    return {
        i: [k for k, mine in enumerate(columns) if mine.at(path) is not None]
        for i, (path, _) in enumerate(named)
    }


def _places(ranks: list[int]) -> list[Column]:
    """``r0, r1, ...``: how many of the person's other records each dataset's record beats.

    Different for all that are there, null for one that is not.
    """
    columns = []
    for a, mine in enumerate(ranks):
        beaten = [
            F.when(
                _beats(F.col(f"u{a}"), F.col(f"u{b}"), greater=mine > other), F.lit(1)
            ).otherwise(F.lit(0))
            for b, other in enumerate(ranks)
            if b != a
        ]
        is_there = F.col(f"u{a}").isNotNull()
        columns.append(F.when(is_there, sum(beaten, F.lit(0))).alias(f"r{a}"))
    return columns


def _beats(mine: Column, other: Column, *, greater: bool) -> Column:
    return mine >= other if greater else mine > other


def _newest(i: int, holders: list[int]) -> Column:
    """The value of leaf ``i`` in the record of the greatest place that has one."""
    if len(holders) == 1:
        return F.col(f"c{holders[0]}_{i}")
    places = [F.when(F.col(f"c{k}_{i}").isNotNull(), F.col(f"r{k}")) for k in holders]
    best = F.greatest(*places)
    first, *others = holders
    value = F.when(best == F.col(f"r{first}"), F.col(f"c{first}_{i}"))
    for k in others:
        value = value.when(best == F.col(f"r{k}"), F.col(f"c{k}_{i}"))
    return value
