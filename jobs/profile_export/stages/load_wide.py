"""Load, the wide side: of each dataset only the columns that are asked (S5, S11, S23, S24)."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns import at, known, leaf, membership, micros, micros_of
from profile_export.columns import identity as ids
from profile_export.columns import row as rows
from profile_export.columns.canonical import content_hash
from profile_export.frames import qualified
from profile_export.frames.identities import staged
from profile_export.frames.structs import assembled
from profile_export.plan import AskedSegment, EventList, Input
from profile_export.schema import DataType, Struct
from profile_export.union import attribute_columns, event_schema


def fragments(
    frame: DataFrame,
    *,
    keys: DataFrame,
    source: Input,
    asked: Sequence[AskedSegment],
    leaves: Struct,
    entry: Struct | None,
    ranked: bool,
) -> DataFrame:
    """The wide side of a profile dataset: the audience's records, and only what is asked of them.

    Args:
        frame: The dataset as read.
        keys: ``pk``, ``person`` of the audience's primary identities; ``pk`` unique.
        source: The dataset.
        asked: The asked segments: part of the rank.
        leaves: The projected output; a leaf that this dataset lacks is not selected.
        entry: The entry struct of the output's ``segmentMembership``, None where not asked.
        ranked: Whether a primary identity has several records, so that S4 has to choose.

    Returns:
        ``person``, ``pk``, and as :func:`wide_columns` names them: ``updated`` long µs or null
        (S5), the leaves as ``c0, c1, ...``, ``all_entries`` (S13). Also ``r0..r3`` if ranked, of
        all of it, so that every part of a person comes from one record. One join by ``pk``.
    """
    wide = wide_columns(source, leaves=leaves, entry=entry)
    joined = _staged(frame, source=source, leaves=leaves).join(keys, on="pk", how="inner")
    made = {name: F.col(name) for name in wide}
    if "all_entries" in made and entry is not None:
        made["all_entries"] = membership.all_entries(source, entry)
    columns = [F.col("person"), F.col("pk"), *(c.alias(name) for name, c in made.items())]
    if not ranked:
        return qualified(joined).select(*columns)
    who = [*ids.lists(source), membership.asked_entries(source, asked).alias("entries")]
    listed = qualified(joined).select(*columns, "r0", "r1", *who)
    of_person, of_rest = rows.who_hash(source), _rest_hash(source, wide, leaves, entry)
    return qualified(listed).select(
        "person", "pk", *wide, "r0", "r1", of_person.alias("r2"), of_rest.alias("r3")
    )


def _rest_hash(source: Input, wide: Sequence[str], leaves: Struct, entry: Struct | None) -> Column:
    """Over the columns ``wide``: what tells apart records that decide alike about a person."""
    types: dict[str, DataType] = {name: type_ for name, _, type_ in leaves_of(source, leaves)}
    types |= {"updated": "long", "all_entries": membership.all_entries_type(entry or Struct())}
    return content_hash((F.col(name), types[name]) for name in wide)


def _staged(frame: DataFrame, *, source: Input, leaves: Struct) -> DataFrame:
    """What :func:`fragments` is made of, nothing computed yet but ``pk``."""
    mine = attribute_columns(source)
    columns = {name: leaf(mine, path, type_) for name, path, type_ in leaves_of(source, leaves)}
    columns["updated"] = rows.updated(source)
    columns |= {"r0": known(rows.ingested(source)), "r1": rows.record_id(source)}
    return staged(frame, source, columns | membership.staged(source))


def wide_columns(source: Input, *, leaves: Struct, entry: Struct | None) -> list[str]:
    """The columns of :func:`fragments` beside ``person``, ``pk`` and the rank, for this dataset."""
    entries = ["all_entries"] if entry is not None and source.has_memberships else []
    return ["updated", *(name for name, _, _ in leaves_of(source, leaves)), *entries]


def leaves_of(source: Input, leaves: Struct) -> list[tuple[str, str, DataType]]:
    """(column name, path, type) of the leaves of ``leaves`` that the dataset has."""
    named = [(f"c{i}", path, type_) for i, (path, type_) in enumerate(leaves.leaves())]
    mine = attribute_columns(source)
    return [entry for entry in named if mine.at(entry[1]) is not None]


def events(frame: DataFrame, *, source: Input, wanted: EventList) -> DataFrame:
    """The wide side of an event dataset: ``_id``, ``timestamp`` and the asked fields.

    Columns out: ``pk``, ``id`` (native type, null kept), ``time`` long µs or null, ``ingested``
    long µs or null, ``event`` struct as in ``wanted.columns``.
    ``pk`` is null for rows without a primary identity, which take no part (S3): no filter here,
    since Sail cannot push one on a lambda into a scan. No shuffle.
    """
    mine = event_schema(source)
    leaves = {
        f"v{i}": leaf(mine, path, type_) for i, (path, type_) in enumerate(wanted.columns.leaves())
    }
    columns = {
        "id": F.col("_id"),
        "time": micros(F.col("timestamp"), source.columns.get("timestamp") or ""),
        "ingested": rows.ingested(source),
    }
    selected = staged(frame, source, columns | leaves)
    kept = ["pk", *columns]
    picked = qualified(selected).select(*kept, *leaves)
    whole = assembled(picked, schema=wanted.columns, leaves="v", keep=kept)
    members = [F.col(f"a{i}").alias(f.name) for i, f in enumerate(wanted.columns.fields)]
    return qualified(whole).select(*kept, F.struct(*members).alias("event"))


def ingested_within(frame: DataFrame, *, source: Input, wanted: EventList) -> DataFrame:
    """The rows of an event dataset, as read, that S24 can still want by their ingest time.

    On the column itself, which both engines push into the scan and skip files and row groups by;
    ``events.ingested_within`` has the last word. Only of events that are never repeated: among
    others the one that counts may lie outside the window (S23). No shuffle.
    """
    if source.columns.at(source.ingest_time) != "timestamp":
        return frame
    column, kept = at(source.ingest_time), frame
    if wanted.ingested_after is not None:
        kept = kept.where(column > F.timestamp_micros(F.lit(micros_of(wanted.ingested_after))))
    if wanted.ingested_before is not None:
        kept = kept.where(column < F.timestamp_micros(F.lit(micros_of(wanted.ingested_before))))
    return kept
