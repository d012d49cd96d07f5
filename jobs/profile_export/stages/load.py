"""Load: each dataset, explicitly selected to the columns that a phase needs (S1, S3, S5)."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export import identity_columns as ids
from profile_export import membership_columns as membership
from profile_export.columns import at, content_hash, known, leaf, micros, nested
from profile_export.fields import without_path
from profile_export.plan import AskedSegment, EventList, Input
from profile_export.schema import Array, DataType, Struct, struct_of
from profile_export.union import attribute_columns

_IDENTITY_LIST = Array(struct_of(key="string", auth="integer"))
_ENTRY_LIST = Array(
    struct_of(segment="integer", status="string", qualified="long", valid_until="long")
)


def record_rows(frame: DataFrame, *, source: Input, asked: Sequence[AskedSegment]) -> DataFrame:
    """The narrow side of a profile dataset: who each record is, and what decides about it.

    Columns out: ``pk`` string (primary identity key, null without one), ``ids``
    array<struct<key,auth>>, ``ingested`` long µs or null, ``entries`` (asked segments), and the
    rank of S4: ``r0`` long, ``r1`` record ``_id``, ``r2`` long. No shuffle.
    """
    return frame.select(
        ids.primary_key(source).alias("pk"),
        ids.identities(source).alias("ids"),
        _ingested(source).alias("ingested"),
        membership.asked_entries(source, asked).alias("entries"),
        known(_ingested(source)).alias("r0"),
        _record_id(source).alias("r1"),
        _narrow_tie(source, asked).alias("r2"),
    )


def event_rows(frame: DataFrame, *, source: Input) -> DataFrame:
    """The narrow side of an event dataset. Columns out: ``pk``, ``ids``, ``ingested``. No shuffle."""
    return frame.select(
        ids.primary_key(source).alias("pk"),
        ids.identities(source).alias("ids"),
        _ingested(source).alias("ingested"),
    )


def fragments(
    frame: DataFrame, *, source: Input, asked: Sequence[AskedSegment], leaves: Struct
) -> DataFrame:
    """The wide side of a profile dataset: only the asked leaves, under the names ``c0, c1, ...``.

    ``leaves`` is the projected output; a leaf that this dataset lacks is not selected. Columns out:
    ``pk``, ``updated`` long µs or null (S5), the rank of S4 ``r0..r3`` (``r3`` tells apart records
    that agree in all that decided who they are), and the leaves. No shuffle.
    """
    here = leaves_of(source, leaves)
    mine = attribute_columns(source)
    columns = [(leaf(mine, path, type_), type_) for _, path, type_ in here]
    return frame.select(
        ids.primary_key(source).alias("pk"),
        _updated(source).alias("updated"),
        known(_ingested(source)).alias("r0"),
        _record_id(source).alias("r1"),
        _narrow_tie(source, asked).alias("r2"),
        content_hash([*columns, (_updated(source), "long")]).alias("r3"),
        *(column.alias(name) for (name, _, _), (column, _) in zip(here, columns, strict=True)),
    )


def leaves_of(source: Input, leaves: Struct) -> list[tuple[str, str, DataType]]:
    """(column name, path, type) of the leaves of ``leaves`` that the dataset has."""
    named = [(f"c{i}", path, type_) for i, (path, type_) in enumerate(leaves.leaves())]
    mine = attribute_columns(source)
    return [entry for entry in named if mine.at(entry[1]) is not None]


def memberships(
    frame: DataFrame, *, source: Input, asked: Sequence[AskedSegment], entry: Struct
) -> DataFrame:
    """All membership entries of each record. Columns out: ``pk``, the rank of S4, ``entries`` (S13)."""
    type_ = source.columns.get("segmentMembership")
    assert type_ is not None, "asked only of datasets that have segmentMembership"
    return frame.select(
        ids.primary_key(source).alias("pk"),
        known(_ingested(source)).alias("r0"),
        _record_id(source).alias("r1"),
        _narrow_tie(source, asked).alias("r2"),
        content_hash([(F.col("segmentMembership"), type_)]).alias("r3"),
        membership.all_entries(source, entry).alias("entries"),
    )


def events(frame: DataFrame, *, source: Input, wanted: EventList) -> DataFrame:
    """The wide side of an event dataset: ``_id``, ``timestamp`` and the asked fields.

    Columns out: ``pk``, ``id`` (native type, null kept), ``time`` long µs or null, ``ingested``
    long µs or null, ``hash`` long (content, for ties), ``event`` struct as in ``wanted.columns``.
    ``pk`` is null for rows without a primary identity, which take no part (S3): no filter here, since
    Sail cannot push one on a lambda into a scan. No shuffle.
    """
    mine = without_path(source.columns, source.ingest_time)
    leaves = {path: (leaf(mine, path, type_), type_) for path, type_ in wanted.columns.leaves()}
    values = {path: column for path, (column, _) in leaves.items()}
    members = [nested(f.name, f.type, values).alias(f.name) for f in wanted.columns.fields]
    return frame.select(
        ids.primary_key(source).alias("pk"),
        F.col("_id").alias("id"),
        micros(F.col("timestamp"), source.columns.get("timestamp") or "").alias("time"),
        _ingested(source).alias("ingested"),
        content_hash(leaves.values()).alias("hash"),
        F.struct(*members).alias("event"),
    )


def _ingested(source: Input) -> Column:
    return _time(source, source.ingest_time)


def _updated(source: Input) -> Column:
    if source.last_updated is None:
        return _ingested(source)
    return F.coalesce(_time(source, source.last_updated), _ingested(source))


def _time(source: Input, path: str) -> Column:
    type_ = source.columns.at(path)
    assert type_ is not None, "the plan refuses a missing time column"
    return micros(at(path), type_)


def _record_id(source: Input) -> Column:
    """The record ``_id`` for S4; a null loses, so text falls to "" and numbers to the least."""
    type_ = source.columns.get("_id")
    if type_ is None:
        return F.lit("")
    if type_ in ("byte", "short", "integer", "long"):
        return known(F.col("_id").cast("bigint"))
    return F.coalesce(F.col("_id").cast("string"), F.lit(""))


def _narrow_tie(source: Input, asked: Sequence[AskedSegment]) -> Column:
    """Tells apart records of equal time and ``_id`` by all that decides about a person.

    The who phase and the what phase must keep the same record, so both rank by this hash, and only
    the what phase by more (S4: a fixed choice that does not depend on partitioning).
    """
    return content_hash(
        [
            (ids.identities(source), _IDENTITY_LIST),
            (membership.asked_entries(source, asked), _ENTRY_LIST),
        ]
    )
