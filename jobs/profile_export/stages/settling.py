"""Settling: which verdicts on ``keyed.candidates`` hold, and about whom to decide anew."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.plan import ExportPlan

KEPT = ("orphan", "orphans", "namespaces", "several")
"""What of ``keyed.candidates`` goes with the verdicts."""


def settled(verdicts: DataFrame, *, plan: ExportPlan) -> DataFrame:
    """The verdicts that hold: ``person``, ``reason``, ``batches``, ``namespaces``. No shuffle."""
    holds = F.col("person").isNotNull()
    if plan.merge_policy.graph == "none":
        holds = holds & ~F.col("several")
    return verdicts.where(holds).select("person", "reason", "batches", "namespaces")


def crowded(verdicts: DataFrame) -> DataFrame:
    """``person`` of the exported of whom a dataset has several records, in a graph. No shuffle."""
    exported = F.col("several") & F.col("reason").isNull() & F.col("person").isNotNull()
    return verdicts.where(exported).select("person")


def repeated(verdicts: DataFrame) -> DataFrame:
    """``pk`` of the persons about whom is to be decided anew, after S4. No shuffle."""
    return verdicts.where(F.col("several")).select(F.col("person").alias("pk"))


def unsettled(verdicts: DataFrame) -> DataFrame:
    """Of what does not hold, in few rows: ``orphan``, ``several``, ``orphans`` long (their sum).

    One shuffle, of those few rows of each task.
    """
    rest = verdicts.where(F.col("several") | F.col("orphan").isNotNull())
    return rest.groupBy("orphan", "several").agg(F.sum("orphans").alias("orphans"))
