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


def repeated(hashes: DataFrame) -> DataFrame:
    """The primary identities that a dataset has several records of, as hashes (S4).

    Only among their records something has to be chosen. Another identity of an equal hash may be
    taken for one of them, and loses nothing by it.

    Columns in: as ``load.key_hashes``. Columns out: ``source``, ``suspect``, distinct. One shuffle
    of 16 bytes a record.
    """
    # Null counts as none. A filter on `suspect` would be one on a lambda, which Sail pushes into a
    # scan that cannot have it.
    counted = hashes.groupBy("source", "suspect").agg(F.count("suspect").alias("records"))
    return counted.where(F.col("records") > 1).select("source", "suspect")


def suspects(who: DataFrame) -> DataFrame:
    """As :func:`repeated` gives them, from ``who`` rows: those of more than one record."""
    several = who.where(F.col("rows") > 1)
    return several.select("source", F.xxhash64("pk").alias("suspect"))


def current_of_members(
    rows: DataFrame, *, keys: DataFrame, keep: list[str], suspects: DataFrame | None
) -> DataFrame:
    """The current records of the audience (S4), found after everyone else's rows are dropped.

    Args:
        rows: ``pk``, ``keep``, and ``r0..r3`` with suspects; one row per record of ONE dataset.
        keys: ``pk``, ``person`` of the audience's primary identities; ``pk`` unique.
        keep: Columns to keep.
        suspects: ``suspect``, the dataset's part of :func:`repeated`. None where no primary
            identity has several records: then every record is current.

    Returns:
        ``person``, ``pk``, ``keep``. One join by ``pk``; with suspects two passes over the rows and
        one shuffle of the rows of members that are suspects.
    """
    mine = rows.join(keys, on="pk", how="inner")
    if suspects is None:
        return mine.select("person", "pk", *keep)
    newest = _newest(mine, keep=["person", *keep], rank=["r0", "r1", "r2", "r3"], suspects=suspects)
    return newest.select("person", "pk", *keep)


def of_records(
    rows: DataFrame, *, source: Input, index: int, suspects: DataFrame | None
) -> DataFrame:
    """A profile dataset's part of the ``who`` rows (S3, S4): one per primary identity, and one for
    each record without one.

    Args:
        rows: As ``load.record_rows``.
        source: The dataset.
        index: Its position in the plan's inputs.
        suspects: As :func:`current_of_members` takes it.

    Returns:
        As :func:`of_events`. With suspects two passes over the rows, and one shuffle of theirs.
    """
    newest = _newest(
        rows, keep=["ids", "ingested", "entries"], rank=["r0", "r1", "r2"], suspects=suspects
    )
    return _who(newest, source=source, index=index)


def of_repeated(rows: DataFrame, *, source: Input, index: int) -> DataFrame:
    """As :func:`of_records`, of primary identities that are known to have several records (S4).

    One shuffle of all rows.
    """
    newest = current(rows, keep=["ids", "ingested", "entries"], rank=["r0", "r1", "r2"])
    return _who(newest, source=source, index=index)


def _newest(
    rows: DataFrame, *, keep: list[str], rank: list[str], suspects: DataFrame | None
) -> DataFrame:
    """As :func:`current`, which sees the suspects' rows only: on Sail choosing by a struct costs
    about seven times what reading the rows again does."""
    if suspects is None:
        return rows.select("pk", *keep, F.lit(1).cast("bigint").alias("rows"))
    is_suspect = F.xxhash64(rows["pk"]) == suspects["suspect"]
    alone = _newest(
        rows.join(suspects, on=is_suspect, how="left_anti"), keep=keep, rank=rank, suspects=None
    )
    several = rows.join(suspects, on=is_suspect, how="left_semi")
    return alone.unionByName(current(several, keep=keep, rank=rank))


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
    """What each dataset holds of rows that matter to S3 and S7.

    Columns out: ``source`` int, ``without_identity`` long (rows without a primary identity),
    ``widest`` int (the most identities of one row). One small shuffle.
    """
    is_known = F.col("pk").isNotNull()
    nobody = F.sum(F.when(is_known, F.lit(0)).otherwise(F.col("rows")))
    widest = F.max(F.size("ids"))
    return who.groupBy("source").agg(nobody.alias("without_identity"), widest.alias("widest"))


def listed(who: DataFrame, *, primaries: DataFrame | None = None) -> DataFrame:
    """The identities of persons, from their participating rows (S10).

    Args:
        who: ``who`` rows with ``person``.
        primaries: ``person``, ``pk`` of further rows that have no other identity, and never stated
            how it was authenticated.

    Returns:
        ``person``, ``key``, ``auth`` int (the strongest), ``primary`` boolean (the primary identity
        of any row). One shuffle.
    """
    exploded = who.where("participates").select("person", "pk", F.explode("ids").alias("identity"))
    named = exploded.select(
        "person", "pk", F.col("identity.key").alias("key"), F.col("identity.auth").alias("auth")
    )
    if primaries is not None:
        alone = primaries.select("person", "pk", F.col("pk").alias("key"), F.lit(0).alias("auth"))
        named = named.unionByName(alone)
    return named.groupBy("person", "key").agg(
        F.max("auth").alias("auth"), F.max(F.col("pk") == F.col("key")).alias("primary")
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
