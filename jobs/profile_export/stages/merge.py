"""Merge: many current records of one person become one profile, leaf by leaf (S11)."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from profile_export.columns import known
from profile_export.frames import qualified
from profile_export.frames.winners import in_structs, winner
from profile_export.plan import ExportPlan, Input
from profile_export.schema import Struct, ddl
from profile_export.union import attribute_columns


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
    rank = F.lit(plan.precedence(source)).alias("precedence")
    return qualified(current).select("person", "pk", "updated", rank, *columns)


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
    # By a number: a struct in `max_by` takes Sail four times as long (docs/decisions/0020).
    numbered = qualified(fragments).withColumn("nth", _number(plan))
    winners = [
        F.max_by(
            _value(F.col(f"c{i}"), lineage=plan.lineage),
            F.when(F.col(f"c{i}").isNotNull(), F.col("nth")),
        ).alias(f"w{i}")
        for i in range(len(named))
    ]
    counts = [F.count(f"c{i}").alias(f"n{i}") for i in range(len(named)) if plan.lineage]
    # Lineage of no leaf is an empty map for everybody: the aggregate then has nothing else to do.
    kept = [*winners, *counts] or [F.count(F.lit(1)).alias("records")]
    grouped = numbered.groupBy("person").agg(*kept)
    return in_structs(grouped, leaves=leaves, plan=plan)


def crowded(people: DataFrame) -> DataFrame:
    """Persons of a graph of whom a dataset has several current records.

    In ``none`` there are none: a person is a primary identity (S4, S6).

    Columns in: ``who`` rows with ``person``. Columns out: ``person``, distinct. Two shuffles.
    """
    records = people.where(F.col("participates") & F.col("is_record"))
    counted = records.groupBy("person", "source").agg(F.count(F.lit(1)).alias("records"))
    return counted.where(F.col("records") > 1).select("person").distinct()


def _number(plan: ExportPlan) -> Column:
    """What the winner of a leaf has the most of: its record's place among those of the person."""
    by = [known(F.col("updated")), F.col("precedence"), F.col("pk")]
    if plan.merge_policy.attribute_merge == "dataSetPrecedence":
        by[0], by[1] = by[1], by[0]
    return F.row_number().over(Window.partitionBy("person").orderBy(*by))


def _value(value: Column, *, lineage: bool) -> Column:
    if not lineage:
        return value
    return winner(value, precedence=F.col("precedence"), pk=F.col("pk"), updated=F.col("updated"))
