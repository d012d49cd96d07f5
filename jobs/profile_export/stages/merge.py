"""Merge: many current records of one person become one profile, leaf by leaf (S11)."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns import (
    key_namespace,
    key_value,
    known,
    written_namespace,
)
from profile_export.outputs import LINEAGE_TYPE
from profile_export.plan import ExportPlan, Input
from profile_export.schema import DataType, Struct, ddl
from profile_export.structs import assembled
from profile_export.union import attribute_columns

MOST_JOINED = 8


def precedence(source: Input, *, plan: ExportPlan) -> int:
    """A number that is greater for the dataset that wins: by order, or by dataset id (S11)."""
    if plan.merge_policy.attribute_merge == "dataSetPrecedence":
        return -source.rank
    return plan.place(source)


def ranked(current: DataFrame, *, source: Input, leaves: Struct, plan: ExportPlan) -> DataFrame:
    """A dataset's current records in the shape that all datasets share.

    Args:
        current: ``person``, ``pk``, ``updated``, and the leaves that the dataset has.
        source: The dataset.
        leaves: The attributes of the output; one that the dataset lacks becomes null here.
        plan: The job's plan.

    Returns:
        As :func:`attributes` takes them. No shuffle.
    """
    mine = attribute_columns(source)
    columns = [
        F.col(f"c{i}") if mine.at(path) is not None else F.lit(None).cast(ddl(type_)).alias(f"c{i}")
        for i, (path, type_) in enumerate(leaves.leaves())
    ]
    rank = F.lit(precedence(source, plan=plan)).alias("precedence")
    return current.select("person", "pk", "updated", rank, *columns)


def attributes(fragments: DataFrame, *, leaves: Struct, plan: ExportPlan) -> DataFrame:
    """One row per person: for each leaf the winning non-null value, in structs again (S11).

    Args:
        fragments: ``person``, ``pk``, ``updated`` long µs, ``precedence`` int, and the leaves as
            ``c0, c1, ...``; one row per current record.
        leaves: The attributes of the output, nested.
        plan: The job's plan; its policy says which record wins. A null time loses, equal times fall
            to the greater dataset id and then to the greater primary identity.

    Returns:
        ``person``, the attributes in their order as ``a0, a1, ...``, and ``lineage`` where asked.
        One shuffle by ``person``.
    """
    named = list(leaves.leaves())
    rank = _rank(plan)
    winners = [
        F.max_by(
            _value(f"c{i}", lineage=plan.lineage), F.when(F.col(f"c{i}").isNotNull(), rank)
        ).alias(f"w{i}")
        for i in range(len(named))
    ]
    counts = [F.count(f"c{i}").alias(f"n{i}") for i in range(len(named)) if plan.lineage]
    # Lineage of no leaf is an empty map for everybody: the aggregate then has nothing else to do.
    kept = [*winners, *counts] or [F.count(F.lit(1)).alias("records")]
    grouped = fragments.groupBy("person").agg(*kept)
    value = "w{}.value" if plan.lineage else "w{}"
    values = [F.col(value.format(i)).alias(f"v{i}") for i in range(len(named))]
    lineage = [_lineage(named, plan)] if plan.lineage else []
    keep = ["person", *(["lineage"] if plan.lineage else [])]
    return assembled(
        grouped.select("person", *values, *lineage), schema=leaves, leaves="v", keep=keep
    )


def can_join(plan: ExportPlan) -> bool:
    """Whether :func:`joined` can take the place of :func:`attributes` for uncrowded persons.

    Expressions grow with datasets times leaves, so many datasets are left to the aggregate.
    """
    return not plan.lineage and len(plan.records) <= MOST_JOINED


def crowded(people: DataFrame) -> DataFrame:
    """Persons of a graph of whom a dataset has several current records.

    In ``none`` there are none: a person is a primary identity (S4, S6).

    Columns in: ``who`` rows with ``person``. Columns out: ``person``, distinct. Two shuffles.
    """
    records = people.where(F.col("participates") & F.col("is_record"))
    counted = records.groupBy("person", "source").agg(F.count(F.lit(1)).alias("records"))
    return counted.where(F.col("records") > 1).select("person").distinct()


def joined(
    members: DataFrame, current: Mapping[Input, DataFrame], *, leaves: Struct, plan: ExportPlan
) -> DataFrame:
    """As :func:`attributes`, by one join for each dataset, where :func:`can_join` says so (S11).

    Less than half the time of the aggregate for 33 leaves (docs/decisions/0013, 0018).

    Args:
        members: ``person`` of the audience, none of them :func:`crowded`.
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
    ranks = [precedence(source, plan=plan) for source in current]
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


def _rank(plan: ExportPlan) -> Column:
    """What the winner of a leaf has the most of; never null, unique within a person."""
    by = [known(F.col("updated")), F.col("precedence"), F.col("pk")]
    if plan.merge_policy.attribute_merge == "dataSetPrecedence":
        by[0], by[1] = by[1], by[0]
    # In `none` all records of a person share the primary identity.
    return F.struct(*(by if plan.merge_policy.graph == "pdg" else by[:2]))


def _value(name: str, *, lineage: bool) -> Column:
    if not lineage:
        return F.col(name)
    return F.struct(F.col(name).alias("value"), "precedence", "pk", "updated")


def _lineage(named: list[tuple[str, DataType]], plan: ExportPlan) -> Column:
    """Dotted leaf path -> the record that its value comes from, absent for null leaves."""
    by_precedence = {precedence(source, plan=plan): source.dataset_id for source in plan.records}
    if not named or not by_precedence:
        return F.lit(None).cast(ddl(LINEAGE_TYPE)).alias("lineage")
    entries = F.array(
        *(_origin(i, path, by_precedence, plan.namespaces) for i, (path, _) in enumerate(named))
    )
    present = F.filter(entries, lambda entry: entry["value"].isNotNull())
    return F.map_from_entries(present).alias("lineage")


def _origin(i: int, path: str, dataset_ids: dict[int, str], namespaces: dict[str, str]) -> Column:
    winner = f"w{i}"
    (first, first_id), *others = dataset_ids.items()
    dataset = F.when(F.col(f"{winner}.precedence") == first, F.lit(first_id))
    for number, dataset_id in others:
        dataset = dataset.when(F.col(f"{winner}.precedence") == number, F.lit(dataset_id))
    key = F.col(f"{winner}.pk")
    identity = F.struct(
        written_namespace(key_namespace(key), namespaces).alias("namespace"),
        key_value(key).alias("id"),
    )
    origin = F.struct(
        dataset.alias("datasetId"),
        identity.alias("primaryIdentity"),
        F.timestamp_micros(F.col(f"{winner}.updated")).alias("updateTime"),
        F.col(f"n{i}").alias("candidates"),
    )
    is_known = F.col(winner).isNotNull()
    return F.struct(F.lit(path).alias("key"), F.when(is_known, origin).alias("value"))
