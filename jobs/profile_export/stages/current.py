"""Current: of a dataset's records of one primary identity, the newest (S4)."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from profile_export.columns.membership import ASKED_DDL
from profile_export.columns.row import RANK
from profile_export.frames import first_of_each

WHO = ["ids", "ingested", "entries"]
"""What decides about the person of a record."""


def newest(rows: DataFrame, *, keep: list[str], rank: list[str]) -> DataFrame:
    """Keep, per dataset and primary identity, only the newest record (S4).

    Args:
        rows: ``pk`` and the named columns; one row per record of ONE dataset.
        keep: Columns to keep of the newest record.
        rank: Columns by which the newest is chosen, most significant first; a null loses to all.

    Returns:
        ``pk``, ``keep``, and ``rows`` long: how many records the primary identity had. Rows without
        a primary identity fall into one group, ``pk`` null. One shuffle by ``pk``.
    """
    many = F.count(F.lit(1)).over(Window.partitionBy("pk"))
    counted = rows.withColumn("rows", many)
    first = counted.transform(first_of_each, by=["pk"], rank=[F.col(name) for name in rank])
    return first.select("pk", *keep, "rows")


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


def parted(rows: DataFrame, *, suspects: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Rows by whether S4 has to choose for them: first those that are no suspects, then those that
    are. To be parted before anything is computed of them, so that ranks are made of the few.

    Args:
        rows: Any with ``pk``; not straight from a scan (``frames.to_be_hashed``).
        suspects: ``suspect``, of one dataset, as :func:`repeated` gives them.

    Returns:
        Two frames as ``rows``, each by one join with ``suspects``; a null ``pk`` is no suspect.
    """
    is_suspect = F.xxhash64(rows["pk"]) == suspects["suspect"]
    alone = rows.join(suspects, on=is_suspect, how="left_anti")
    return alone, rows.join(suspects, on=is_suspect, how="left_semi")


def records(rows: DataFrame) -> DataFrame:
    """Records of primary identities of which there is one (S4), and those without one.

    Columns in: as ``load.record_rows``. Columns out: ``pk``, ``ids``, ``ingested``, ``entries``,
    ``rows`` long, always 1. No shuffle.
    """
    return _who(rows.withColumn("rows", F.lit(1).cast("bigint")))


def records_of_repeated(rows: DataFrame) -> DataFrame:
    """As :func:`records`, of primary identities of which there are several. One shuffle."""
    return _who(newest(rows, keep=WHO, rank=[*RANK]))


def _who(rows: DataFrame) -> DataFrame:
    entries = F.coalesce("entries", F.array().cast(ASKED_DDL)).alias("entries")
    return rows.select("pk", "ids", "ingested", entries, "rows")


def fragments_of_repeated(rows: DataFrame, *, keep: list[str]) -> DataFrame:
    """The current records among wide ones of the audience (S4).

    Columns in: as ``load_wide.fragments``, ranked. Columns out: ``person``, ``pk``, ``keep``. One
    shuffle.
    """
    rank = map(F.col, (*RANK, "r3"))
    return first_of_each(rows, by=["pk"], rank=rank).select("person", "pk", *keep)
