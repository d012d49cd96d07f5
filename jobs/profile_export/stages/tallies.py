"""Tallies: how many persons there are of each verdict, batch and namespace (S10, S14-S20)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.columns import key_namespace


def of_verdicts(audience: DataFrame, *by: str) -> DataFrame:
    """How many persons of each verdict, and of each batch.

    Args:
        audience: ``person``, ``reason``, ``batches``.
        by: Further columns, of few different values, to tell apart by.

    Returns:
        ``reason``, ``batch`` int, ``by``, ``persons`` long. A row has a ``batch`` and tells of
        persons exported to it, or has none and tells of all persons of its ``reason``. Two small
        shuffles.
    """
    persons = F.count(F.lit(1)).alias("persons")
    verdicts = audience.groupBy("reason", *by).agg(persons)
    exploded = audience.where(F.col("reason").isNull()).select(
        "reason", F.explode("batches").alias("batch"), *by
    )
    batches = exploded.groupBy("reason", "batch", *by).agg(persons)
    nowhere = F.lit(None).cast("int").alias("batch")
    return batches.unionByName(verdicts.select("reason", nowhere, *by, "persons"))


def of_namespaces(people: DataFrame) -> DataFrame:
    """Persons by identity namespace (S10): ``namespace`` lower-cased, ``persons`` long.

    Columns in: ``who`` rows with ``person``, of the exported persons. Two shuffles of theirs.
    """
    keys = people.where("participates").select("person", F.explode("ids.key").alias("key"))
    each = keys.select("person", key_namespace(F.col("key")).alias("namespace")).distinct()
    return each.groupBy("namespace").agg(F.count(F.lit(1)).alias("persons"))
