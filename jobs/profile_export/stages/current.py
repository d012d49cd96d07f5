"""Current: of a dataset's records of one primary identity, the newest (S4)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.row_columns import RANK

WHO = ["ids", "ingested", "entries"]
"""What decides about the person of a record."""


def newest(rows: DataFrame, *, keep: list[str], rank: list[str]) -> DataFrame:
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
    best = F.max_by(F.struct(*keep), F.struct(*rank))
    grouped = rows.groupBy("pk").agg(best.alias("row"), F.count(F.lit(1)).alias("rows"))
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


def records(rows: DataFrame, *, suspects: DataFrame | None) -> DataFrame:
    """A profile dataset's current records (S4), and each of its records without a primary identity.

    Args:
        rows: As ``load.record_rows``.
        suspects: As :func:`of_members` takes it.

    Returns:
        ``pk``, ``ids``, ``ingested``, ``entries``, ``rows`` long. With suspects two passes over the
        rows, and one shuffle of theirs.
    """
    return _newest(rows, keep=WHO, rank=[*RANK], suspects=suspects)


def records_of_repeated(rows: DataFrame) -> DataFrame:
    """As :func:`records`, of primary identities that are known to have several. One shuffle."""
    return newest(rows, keep=WHO, rank=[*RANK])


def of_members(
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
    kept = _newest(mine, keep=["person", *keep], rank=[*RANK, "r3"], suspects=suspects)
    return kept.select("person", "pk", *keep)


def _newest(
    rows: DataFrame, *, keep: list[str], rank: list[str], suspects: DataFrame | None
) -> DataFrame:
    """As :func:`newest`, which sees the suspects' rows only: on Sail choosing by a struct costs
    about seven times what reading the rows again does."""
    if suspects is None:
        return rows.select("pk", *keep, F.lit(1).cast("bigint").alias("rows"))
    is_suspect = F.xxhash64(rows["pk"]) == suspects["suspect"]
    alone = _newest(
        rows.join(suspects, on=is_suspect, how="left_anti"), keep=keep, rank=rank, suspects=None
    )
    several = rows.join(suspects, on=is_suspect, how="left_semi")
    return alone.unionByName(newest(several, keep=keep, rank=rank))
