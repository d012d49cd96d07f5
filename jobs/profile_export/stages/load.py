"""Load: each dataset, explicitly selected to what decides about persons (S1, S3, S5)."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export import identity_columns as ids
from profile_export import membership_columns as membership
from profile_export import row_columns as rows
from profile_export.columns import known
from profile_export.plan import AskedSegment, Input


def record_rows(frame: DataFrame, *, source: Input, asked: Sequence[AskedSegment]) -> DataFrame:
    """The narrow side of a profile dataset: who each record is, and what decides about it.

    Columns out: ``pk`` string (primary identity key, null without one), ``ids``
    array<struct<key,auth>>, ``ingested`` long µs or null, ``entries`` (asked segments), and the
    rank of S4 as ``row_columns.RANK``. No shuffle.
    """
    staged = ids.to_be_hashed(frame, source).select(
        *ids.parts(source),
        rows.ingested(source).alias("ingested"),
        membership.asked_entries(source, asked).alias("entries"),
        rows.record_id(source).alias("r1"),
    )
    return staged.select(
        ids.primary_key(source).alias("pk"),
        ids.identities(source).alias("ids"),
        "ingested",
        "entries",
        known(F.col("ingested")).alias("r0"),
        "r1",
        rows.who_hash(source).alias("r2"),
    )


def key_hashes(frame: DataFrame, *, source: Input, index: int) -> DataFrame:
    """What tells which primary identities a dataset has several records of (S4).

    Columns out: ``source`` int, ``suspect`` long (a hash of the primary identity), null without
    one. No shuffle.
    """
    parts = ids.to_be_hashed(frame, source).select(*ids.parts(source))
    staged = parts.select(ids.primary_key(source).alias("pk"))
    hashed = F.when(F.col("pk").isNotNull(), F.xxhash64("pk"))
    return staged.select(F.lit(index).alias("source"), hashed.alias("suspect"))


def event_rows(frame: DataFrame, *, source: Input) -> DataFrame:
    """The narrow side of an event dataset.

    Columns out: ``pk``, ``ids``, ``ingested``. No shuffle.
    """
    staged = frame.select(*ids.parts(source), rows.ingested(source).alias("ingested"))
    return staged.select(
        ids.primary_key(source).alias("pk"), ids.identities(source).alias("ids"), "ingested"
    )
