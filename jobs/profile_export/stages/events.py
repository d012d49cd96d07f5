"""Events: which are attached to a person, each once, in order, and not too many (S23-S25)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.columns import known, micros_of
from profile_export.columns.canonical import content_hash, with_maps, without_maps
from profile_export.frames import first_of_each, to_be_hashed
from profile_export.outputs import EVENTS_COLUMN
from profile_export.plan import EventList


def id_hashes(rows: DataFrame) -> DataFrame:
    """``suspect`` long: the hash of each ``_id`` of a dataset as read, for :func:`repeated_ids`."""
    return _with_id(rows).select(F.xxhash64("_id").alias("suspect"))


def repeated_ids(hashes: DataFrame) -> DataFrame:
    """Hashes of event ids that may occur more than once in a dataset, whoever the person is.

    Grouping 8-byte hashes instead of ids and whole rows keeps this pass over ALL events narrow; a
    hash collision only makes a suspect that the exact step clears.

    Args:
        hashes: As :func:`id_hashes`.

    Returns:
        ``suspect`` long. One shuffle of a long per distinct id.
    """
    counted = hashes.groupBy("suspect").agg(F.count(F.lit(1)).alias("n"))
    return counted.where(F.col("n") > 1).select("suspect")


def with_suspect_id(rows: DataFrame, *, suspects: DataFrame) -> DataFrame:
    """The rows of the dataset, as read, whose ``_id`` may be repeated. One semi-join."""
    is_suspect = F.xxhash64(rows["_id"]) == suspects["suspect"]
    return _with_id(rows).join(suspects, on=is_suspect, how="left_semi")


def _with_id(rows: DataFrame) -> DataFrame:
    return to_be_hashed(rows, F.col("_id")).where(F.col("_id").isNotNull())


def once(suspected: DataFrame, *, wanted: EventList) -> DataFrame:
    """Of the events of equal ``_id``, the one that counts (S23).

    Greatest ingest time, then ``timestamp``, then primary identity, then content. Columns in and
    out: as ``load_wide.events``; ``pk`` is null where no event of the id has a primary identity.
    One shuffle by ``id``, of the repeated events only.
    """
    hashed = suspected.withColumn("hash", content_hash([(F.col("event"), wanted.columns)]))
    takes_part = F.col("pk").isNotNull()
    rank = (takes_part, *(F.col(name) for name in ("ingested", "time", "pk", "hash")))
    return hashed.transform(first_of_each, by=["id"], rank=rank).select(*suspected.columns)


def never_repeated(events: DataFrame, *, suspects: DataFrame) -> DataFrame:
    """Of some events those that :func:`once` does not decide about. One anti-join.

    Args:
        events: ``load_wide.events`` of a dataset, not straight from the scan, with any more
            columns.
        suspects: As :func:`repeated_ids`.
    """
    hashed = F.when(events["id"].isNotNull(), F.xxhash64(events["id"]))
    return events.join(suspects, on=hashed == suspects["suspect"], how="left_anti")


def ingested_within(events: DataFrame, *, wanted: EventList) -> DataFrame:
    """Ingest time strictly after / strictly before; an unknown time is in no such window (S24)."""
    kept = events
    if wanted.ingested_after is not None:
        kept = kept.where(F.col("ingested") > F.lit(micros_of(wanted.ingested_after)))
    if wanted.ingested_before is not None:
        kept = kept.where(F.col("ingested") < F.lit(micros_of(wanted.ingested_before)))
    return kept


def grouped(events: DataFrame, *, wanted: EventList, too_many: bool) -> DataFrame:
    """One row per person with events: its newest ``max_per_profile`` ones in order (S23, S25).

    Args:
        events: ``person``, ``place`` int (of the dataset), ``time``, ``event``; of all datasets,
            those of a person in one task unless ``too_many``: lists of one task, sent and merged
            into longer ones, cost both engines more than they save (docs/decisions/0017).
        wanted: What is asked of events.
        too_many: Whether a person may have more than are kept. All are then sorted first, so that
            no list, which has to fit into memory, becomes longer than that.

    Returns:
        ``person``, ``timeSeriesEvents`` array<struct> sorted by (timestamp, _id, dataset id), nulls
        first. No shuffle, or one by ``person`` if ``too_many``.
    """
    type_ = wanted.columns
    id_type = type_.get("_id")
    identifier = F.col("event._id")
    nothing = F.lit("") if id_type == "string" else F.lit(0)
    # Only events without an `_id` can be equal in all else that orders them.
    content = content_hash([(F.col("event"), type_)])
    keyed = events.select(
        "person",
        F.struct(
            known(F.col("time")).alias("time"),
            identifier.isNotNull().cast("int").alias("has_id"),
            F.when(identifier.isNotNull(), identifier).otherwise(nothing).alias("id"),
            "place",
            F.when(identifier.isNull(), content).otherwise(F.lit(0)).alias("content"),
            without_maps(F.col("event"), type_).alias("event"),
        ).alias("e"),
    )
    kept = _newest(keyed, wanted=wanted) if too_many else keyed
    lists = kept.groupBy("person").agg(F.sort_array(F.collect_list("e")).alias("all"))
    excess = F.greatest(F.size("all") - F.lit(wanted.max_per_profile), F.lit(0))
    newest = F.slice("all", excess + 1, F.lit(wanted.max_per_profile))
    return lists.select(
        "person",
        F.transform(newest, lambda e: with_maps(e["event"], type_)).alias(EVENTS_COLUMN),
    )


def _newest(keyed: DataFrame, *, wanted: EventList) -> DataFrame:
    """Of each person the newest ``max_per_profile`` (S25). One shuffle by ``person``."""
    # Not by `event`: what is equal in these is equal in all.
    rank = (F.col(f"e.{name}") for name in ("time", "has_id", "id", "place", "content"))
    return first_of_each(keyed, by=["person"], rank=rank, most=wanted.max_per_profile)


def truncated(events: DataFrame, *, wanted: EventList) -> DataFrame:
    """What :func:`grouped` left out: one row, ``profiles`` long, ``events`` long (S25)."""
    counted = events.groupBy("person").agg(F.count(F.lit(1)).alias("n"))
    excess = F.col("n") - F.lit(wanted.max_per_profile)
    return counted.where(excess > 0).agg(
        F.count(F.lit(1)).alias("profiles"), F.coalesce(F.sum(excess), F.lit(0)).alias("events")
    )
