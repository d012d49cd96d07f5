"""Persons: identity -> person, exactly (S6-S8).

In ``none`` a person is a primary identity and this stage only names it so. In ``pdg`` a person is a
connected component, found by ``phases/components.py``; its key is its smallest identity key.
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
    """Every identity of the members: ``pk`` (unique), ``person`` (the member's number).

    Args:
        members: As :func:`by_number` takes it.
        persons: As :func:`by_component` takes it; a member without an edge is not in it.

    Returns:
        All that can be a primary identity of theirs. Two joins by component.
    """
    named = persons.select(F.col("key").alias("pk"), F.col("person").alias("key"))
    in_graph = named.join(members, on="key", how="inner").select("pk", "person")
    # The smallest identity of a component is its key, and one of its identities.
    alone = members.join(persons.select("key"), on="key", how="left_anti")
    return in_graph.unionByName(alone.select(F.col("key").alias("pk"), "person"))


def by_number(frame: DataFrame, *, members: DataFrame) -> DataFrame:
    """The rows of exported persons, who go by number from here on (docs/decisions/0026).

    Args:
        frame: Rows with ``person``, as the who phase names it.
        members: ``key`` (what the who phase names ``person``), distinct; ``person``, its number.

    Returns:
        The rows of members, with ``person`` long. One join by what ``person`` was.
    """
    named = frame.withColumnRenamed("person", "key")
    return named.join(members.select("key", "person"), on="key", how="inner").drop("key")


def edges(who: DataFrame) -> DataFrame:
    """The graph of ``pdg``: which identities stand in one current record or one event (S6).

    Columns out: ``left`` (the primary identity), ``right`` (another identity of the row), distinct.
    One shuffle of all pairs.
    """
    pairs = who.where(F.col("pk").isNotNull()).select(
        F.col("pk").alias("left"), F.explode("ids.key").alias("right")
    )
    return pairs.where(F.col("left") != F.col("right")).distinct()


def edge_bound(who: DataFrame) -> DataFrame:
    """At most how many edges there are, without making them: one row, ``edges`` long. No shuffle
    but of a row of each task."""
    return who.agg(F.coalesce(F.sum(F.size("ids")), F.lit(0)).alias("edges"))


def _with_person(rows: DataFrame, persons: DataFrame) -> DataFrame:
    known = persons.select(F.col("key").alias("pk"), "person", "identities")
    joined = rows.join(known, on="pk", how="left")
    return joined.withColumn("person", F.coalesce("person", "pk")).withColumn(
        "identities", F.coalesce("identities", F.lit(1).cast("bigint"))
    )
