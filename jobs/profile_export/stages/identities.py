"""Identities: which identities each row joins, and those of persons (S2, S3, S10)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.columns.membership import ASKED_DDL
from profile_export.frames import union
from profile_export.plan import Input


def who_rows(records: DataFrame, *, source: Input, index: int) -> DataFrame:
    """A dataset's part of the ``who`` rows (S3): of a profile dataset one per primary identity, and
    one for each record without one.

    Args:
        records: As ``current.records``, or an event dataset's rows in that form.
        source: The dataset.
        index: Its position in the plan's inputs.

    Returns:
        As :func:`of_events`. No shuffle.
    """
    return records.select(
        F.lit(index).alias("source"),
        F.lit(source.participates).alias("participates"),
        F.lit(source.kind == "profile").alias("is_record"),
        *("pk", "ids", "ingested", "entries", "rows"),
    )


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
    return who_rows(grouped.select("*", nothing), source=source, index=index)


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
    """What each dataset holds of rows that matter to S3 and S7.

    Columns out: ``source`` int, ``without_identity`` long (rows without a primary identity),
    ``widest`` int (the most identities of one row). One small shuffle.
    """
    is_known = F.col("pk").isNotNull()
    nobody = F.sum(F.when(is_known, F.lit(0)).otherwise(F.col("rows")))
    # Rows without a primary identity take no part; of events they have no `ids` either.
    widest = F.coalesce(F.max(F.when(is_known, F.size("ids"))), F.lit(0))
    return who.groupBy("source").agg(nobody.alias("without_identity"), widest.alias("widest"))


def listed(who: DataFrame | None, *, primaries: DataFrame | None = None) -> DataFrame:
    """The identities of persons, from their participating rows (S10).

    Args:
        who: ``who`` rows with ``person``; None where there are ``primaries`` only.
        primaries: ``person``, ``pk`` of further rows that have no other identity, and never stated
            how it was authenticated.

    Returns:
        ``person``, ``key``, ``auth`` int (the strongest), ``primary`` boolean (the primary identity
        of any row). One shuffle.
    """
    parts = []
    if who is not None:
        theirs = who.where("participates")
        each = theirs.select("person", "pk", F.explode("ids").alias("identity"))
        parts.append(each.select("person", "pk", "identity.key", "identity.auth"))
    if primaries is not None:
        key, auth = F.col("pk").alias("key"), F.lit(0).alias("auth")
        parts.append(primaries.select("person", "pk", key, auth))
    return (
        union(parts)
        .groupBy("person", "key")
        .agg(F.max("auth").alias("auth"), F.max(F.col("pk") == F.col("key")).alias("primary"))
    )
