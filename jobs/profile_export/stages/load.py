"""Load: each dataset, explicitly selected to what decides about persons (S1, S3, S5)."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.columns import identity as ids
from profile_export.columns import known, membership
from profile_export.columns import row as rows
from profile_export.frames.identities import staged, to_be_hashed
from profile_export.plan import AskedSegment, Input


def records(frame: DataFrame, *, source: Input, hashed: bool = False) -> DataFrame:
    """Of a profile dataset the columns that decide about persons.

    Only the primary identity is computed here: callers drop rows by it, and compute the rest of
    those that are left with :func:`record_rows`.

    Args:
        frame: The dataset as read.
        source: The dataset.
        hashed: Whether the identities are hashed before anything is joined.

    Returns:
        ``pk`` string (primary identity key, null without one), ``ingested`` long µs or null, ``r1``
        (as ``columns.row.record_id``), ``segmentMembership`` where the dataset has it, and what
        ``columns.identity.lists`` takes. No shuffle.
    """
    frame = to_be_hashed(frame, source) if hashed else frame
    columns = {"ingested": rows.ingested(source), "r1": rows.record_id(source)}
    return staged(frame, source, columns | membership.staged(source))


def record_rows(records: DataFrame, *, source: Input, asked: Sequence[AskedSegment]) -> DataFrame:
    """The narrow side of a profile dataset: who each record is, and what decides about it.

    Args:
        records: As :func:`records`, all or some of them.
        source: The dataset.
        asked: The asked segments.

    Returns:
        ``pk`` string, ``ids`` array<struct<key,auth>>, ``ingested`` long µs or null, ``entries``
        (asked segments), and the rank of S4 as ``columns.row.RANK``. No shuffle.
    """
    listed = records.select(
        *("pk", "ingested", "r1"),
        *ids.lists(source),
        membership.asked_entries(source, asked).alias("entries"),
    )
    return listed.select(
        "pk",
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
    selected = staged(to_be_hashed(frame, source), source, {})
    hashed = F.when(F.col("pk").isNotNull(), F.xxhash64("pk"))
    return selected.select(F.lit(index).alias("source"), hashed.alias("suspect"))


def event_rows(frame: DataFrame, *, source: Input) -> DataFrame:
    """The narrow side of an event dataset.

    Columns out: ``pk``, ``ids``, ``ingested``. No shuffle.
    """
    selected = staged(frame, source, {"ingested": rows.ingested(source)})
    listed = selected.select("pk", "ingested", *ids.lists(source))
    return listed.select("pk", ids.identities(source).alias("ids"), "ingested")
