"""Persons: identity -> person, exactly (S6-S8).

In ``none`` a person is a primary identity and this stage only names it so. In ``pdg`` a person is a
connected component, found by ``components.py``; its key is its smallest identity key.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def by_primary(who: DataFrame) -> DataFrame:
    """Person = primary identity (``none``). Rows without one are left out; adds ``person``."""
    return who.where(F.col("pk").isNotNull()).withColumn("person", F.col("pk"))


def by_component(who: DataFrame, *, persons: DataFrame) -> DataFrame:
    """Person = component of the row's primary identity (``pdg``).

    Args:
        who: Rows with ``pk``.
        persons: ``key``, ``person``, ``identities``, for every identity that has an edge.

    Returns:
        The rows that have a primary identity, with ``person`` and ``identities`` long (how many
        identities the component has, S7). An identity without an edge is a person by itself.
        One join on ``pk``.
    """
    known = persons.select(F.col("key").alias("pk"), "person", "identities")
    joined = who.where(F.col("pk").isNotNull()).join(known, on="pk", how="left")
    return joined.withColumn("person", F.coalesce("person", "pk")).withColumn(
        "identities", F.coalesce("identities", F.lit(1).cast("bigint"))
    )
