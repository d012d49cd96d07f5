"""Identities: the current record of each primary identity, and which identities each row joins."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.membership_columns import ASKED_DDL
from profile_export.plan import Input


def current(rows: DataFrame, *, keep: list[str], rank: list[str]) -> DataFrame:
    """Keep, per dataset and primary identity, only the newest record (S4).

    Args:
        rows: ``pk`` and the named columns; one row per record of ONE dataset.
        keep: Columns to keep of the newest record.
        rank: Columns by which the newest is chosen, never null (a struct may have a null member
            that another stands for), most significant first.

    Returns:
        ``pk``, ``keep``, and ``rows`` long: how many records the primary identity had. Rows without
        a primary identity fall into one group, ``pk`` null. One shuffle by ``pk``.
    """
    newest = F.max_by(F.struct(*keep), F.struct(*rank))
    grouped = rows.groupBy("pk").agg(newest.alias("row"), F.count(F.lit(1)).alias("rows"))
    return grouped.select("pk", *(F.col(f"row.{name}").alias(name) for name in keep), "rows")


def current_of_members(
    rows: DataFrame, *, keys: DataFrame, keep: list[str], ranked: bool
) -> DataFrame:
    """The current records of the audience (S4), found after everyone else's rows are dropped.

    Args:
        rows: ``pk``, ``keep``, and ``r0..r3`` if ranked; one row per record of ONE dataset.
        keys: ``pk``, ``person`` of the audience's primary identities; ``pk`` unique.
        keep: Columns to keep.
        ranked: Whether a primary identity has several records. If none has, every record is
            current and nothing needs to be shuffled for S4.

    Returns:
        ``person``, ``pk``, ``keep``. One join by ``pk``; if ranked one shuffle of members' rows.
    """
    mine = rows.join(keys, on="pk", how="inner")
    if not ranked:
        return mine.select("person", "pk", *keep)
    newest = current(mine, keep=["person", *keep], rank=["r0", "r1", "r2", "r3"])
    return newest.drop("rows")


def of_records(rows: DataFrame, *, source: Input, index: int) -> DataFrame:
    """A profile dataset's part of the ``who`` rows, one per primary identity (S3, S4).

    Columns in: as ``load.record_rows``. Columns out: as :func:`of_events`. One shuffle by ``pk``.
    """
    newest = current(rows, keep=["ids", "ingested", "entries"], rank=["r0", "r1", "r2"])
    return _who(newest, source=source, index=index)


def of_events(rows: DataFrame, *, source: Input, index: int) -> DataFrame:
    """An event dataset's part of the ``who`` rows, one per primary identity (S3).

    Superseded and filtered events still join identities and make candidates (S10, S23).

    Args:
        rows: As ``load.event_rows``.
        source: The dataset.
        index: Its position in the plan's inputs.

    Returns:
        ``source`` int, ``participates``, ``is_record`` boolean, ``pk`` string, ``ids``
        array<struct<key,auth>>, ``ingested`` long µs (the greatest), ``entries``, ``rows`` long.
        One shuffle by ``pk``, three where events have other identities than the primary.
    """
    newest = rows.groupBy("pk").agg(
        F.max("ingested").alias("ingested"), F.count(F.lit(1)).alias("rows")
    )
    if not source.identities and not source.has_identity_map:
        itself = F.struct(F.col("pk").alias("key"), F.lit(0).alias("auth"))
        grouped = newest.withColumn("ids", F.array(itself))
    else:
        grouped = newest.join(_distinct_identities(rows), on="pk", how="left")
    nothing = F.array().cast(ASKED_DDL).alias("entries")
    return _who(grouped.select("*", nothing), source=source, index=index)


def _who(grouped: DataFrame, *, source: Input, index: int) -> DataFrame:
    return grouped.select(
        F.lit(index).alias("source"),
        F.lit(source.participates).alias("participates"),
        F.lit(source.kind == "profile").alias("is_record"),
        *("pk", "ids", "ingested", "entries", "rows"),
    )


def _distinct_identities(rows: DataFrame) -> DataFrame:
    """``pk``, ``ids``: each identity once. Two groupings; ``collect_set`` of lists took 8x longer.

    Rows without a primary identity are not filtered out: Sail cannot push a filter on a lambda into
    a scan, and a null ``pk`` joins nothing anyway.
    """
    exploded = rows.select("pk", F.explode("ids").alias("identity"))
    strongest = exploded.groupBy("pk", F.col("identity.key").alias("key")).agg(
        F.max("identity.auth").alias("auth")
    )
    return strongest.groupBy("pk").agg(F.collect_list(F.struct("key", "auth")).alias("ids"))


def rows_by_source(who: DataFrame) -> DataFrame:
    """What each dataset holds of rows that matter to S3 and S4.

    Columns out: ``source`` int, ``without_identity`` long (rows without a primary identity),
    ``most`` long (the most rows of one primary identity). One small shuffle.
    """
    is_known = F.col("pk").isNotNull()
    nobody = F.sum(F.when(is_known, F.lit(0)).otherwise(F.col("rows")))
    most = F.coalesce(F.max(F.when(is_known, F.col("rows"))), F.lit(0))
    return who.groupBy("source").agg(nobody.alias("without_identity"), most.alias("most"))


def listed(who: DataFrame) -> DataFrame:
    """The identities of persons, from their participating rows (S10).

    Columns in: who rows with ``person``. Columns out: ``person``, ``key``, ``auth`` int (the
    strongest), ``primary`` boolean (the primary identity of any row). One shuffle.
    """
    exploded = who.where("participates").select("person", "pk", F.explode("ids").alias("identity"))
    return exploded.groupBy("person", F.col("identity.key").alias("key")).agg(
        F.max("identity.auth").alias("auth"),
        F.max(F.col("pk") == F.col("identity.key")).alias("primary"),
    )


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
