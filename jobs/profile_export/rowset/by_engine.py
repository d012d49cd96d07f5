"""The row-set hash: what a batch's rows are, whatever their order, files, partitions or engine.

Defined in docs/row-set-hash.md exactly enough for someone else to compute it.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.columns.canonical import content_hash
from profile_export.frames import to_be_hashed
from profile_export.outputs import BATCH_COLUMN, EVENTS_COLUMN
from profile_export.schema import Struct, quoted


def by_batch(frame: DataFrame, *, columns: Struct) -> DataFrame:
    """What is in each batch, in one pass over the written rows.

    Args:
        frame: The rows of a job, with ``_ACP_BATCHID`` and at least ``columns``.
        columns: The columns that the job wrote, in order, ``timeSeriesEvents`` included where
            asked and ``_ACP_BATCHID`` not.

    Returns:
        One row per batch that has rows: ``_ACP_BATCHID`` string, ``records`` long, ``events`` long,
        ``most_events`` long, ``hash_sum`` decimal(38,0), ``hash_xor`` long. One shuffle of a row
        per task and batch.
    """
    row_hash = content_hash((F.col(quoted(f.name)), f.type) for f in columns.fields)
    has_events = columns.get(EVENTS_COLUMN) is not None
    events = F.size(F.col(EVENTS_COLUMN)) if has_events else F.lit(0)
    first, *_ = columns.fields
    if all(isinstance(field.type, str) for field in columns.fields):
        frame = to_be_hashed(frame, F.col(quoted(first.name)))
    hashed = frame.select(
        BATCH_COLUMN, row_hash.alias("hash"), events.cast("bigint").alias("events")
    )
    return hashed.groupBy(BATCH_COLUMN).agg(
        F.count(F.lit(1)).alias("records"),
        F.sum("events").alias("events"),
        F.max("events").alias("most_events"),
        F.sum(F.col("hash").cast("decimal(20,0)")).cast("decimal(38,0)").alias("hash_sum"),
        F.bit_xor("hash").alias("hash_xor"),
    )


def hex_digest(hash_sum: int, hash_xor: int) -> str:
    """32 hex digits: the sum and the exclusive or of the rows' hashes, each modulo 2**64."""
    return f"{int(hash_sum) % 2**64:016x}{int(hash_xor) % 2**64:016x}"
