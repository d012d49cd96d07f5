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
    return _with_person(who.where(F.col("pk").isNotNull()), persons)


def stitched(rows: DataFrame, *, persons: DataFrame) -> DataFrame:
    """Rows whose ``person`` is a primary identity, with its component instead (``pdg``).

    Args:
        rows: Rows with ``person``, which may be null.
        persons: As :func:`by_component` takes it.

    Returns:
        The rows, with ``pk`` (what ``person`` was) and ``identities`` long. One join by ``pk``.
    """
    return _with_person(rows.withColumnRenamed("person", "pk"), persons)


def keys_of(members: DataFrame, *, persons: DataFrame) -> DataFrame:
    """Every identity of the members: ``pk`` (unique), ``person``.

    Args:
        members: ``person``, distinct.
        persons: As :func:`by_component` takes it; a member without an edge is not in it.

    Returns:
        All that can be a primary identity of theirs. Two joins by ``person``.
    """
    named = persons.select(F.col("key").alias("pk"), "person")
    in_graph = named.join(members, on="person", how="left_semi").select("pk", "person")
    # The smallest identity of a component is its person, and one of its keys.
    centres = persons.select(F.col("key").alias("person"))
    alone = members.join(centres, on="person", how="left_anti")
    return in_graph.unionByName(alone.select(F.col("person").alias("pk"), "person"))


def edges(who: DataFrame) -> DataFrame:
    """The graph of ``pdg``: which identities stand in one current record or one event (S6).

    Columns out: ``left`` (the primary identity), ``right`` (another identity of the row), distinct.
    """
    pairs = who.where(F.col("pk").isNotNull()).select(
        F.col("pk").alias("left"), F.explode("ids.key").alias("right")
    )
    return pairs.where(F.col("left") != F.col("right")).distinct()


def edge_bound(who: DataFrame) -> DataFrame:
    """At most how many edges there are, without making them: one row, ``edges`` long."""
    return who.agg(F.coalesce(F.sum(F.size("ids")), F.lit(0)).alias("edges"))


def _with_person(rows: DataFrame, persons: DataFrame) -> DataFrame:
    known = persons.select(F.col("key").alias("pk"), "person", "identities")
    joined = rows.join(known, on="pk", how="left")
    return joined.withColumn("person", F.coalesce("person", "pk")).withColumn(
        "identities", F.coalesce("identities", F.lit(1).cast("bigint"))
    )
