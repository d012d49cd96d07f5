"""A row's times, and what it is ranked by, as columns (S4, S5)."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.columns import identity as ids
from profile_export.columns import membership, micros_at
from profile_export.columns.canonical import content_hash
from profile_export.plan import Input

RANK = ("r0", "r1", "r2")
"""The rank of S4, most significant first: ingest time, record ``_id``, and a hash that tells apart
records of equal time and ``_id`` by all that decides about a person. The who phase and the what
phase must keep the same record, so both rank by these, and only the what phase by ``r3``, a hash of
the rest (a fixed choice that does not depend on partitioning)."""


def ingested(source: Input) -> Column:
    """The ingest time, long µs or null (S5)."""
    return micros_at(source.columns, source.ingest_time)


def updated(source: Input) -> Column:
    """The update time of a record, long µs or null (S5)."""
    if source.last_updated is None:
        return ingested(source)
    return F.coalesce(micros_at(source.columns, source.last_updated), ingested(source))


def record_id(source: Input) -> Column:
    """The record ``_id`` for S4, in its own type, so that numbers compare as numbers and text by
    code points; null where there is none, which loses to all."""
    return F.lit(None).cast("string") if source.columns.get("_id") is None else F.col("_id")


def who_hash(source: Input) -> Column:
    """Over ``columns.identity.lists`` and ``entries``: a hash of all that decides of a person."""
    return content_hash([*ids.told_apart_by(source), (F.col("entries"), membership.ASKED)])
