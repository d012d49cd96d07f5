"""Entries of ``segmentMembership`` as columns: found without case, ranked as S13 ranks them."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.columns import any_of, conform, known, micros, number_of
from profile_export.columns.canonical import content_hash
from profile_export.identity_keys import SEPARATOR
from profile_export.plan import AskedSegment, Input
from profile_export.schema import Array, Map, Struct, ddl, struct_of

ASKED = Array(struct_of(segment="integer", status="string", qualified="long", valid_until="long"))
ASKED_DDL = ddl(ASKED)
ENTRY = ("status", "qualified", "valid_until")
"""What of an entry decides, as :func:`entry_parts` names it."""
REALIZED, EXISTING, EXITED, OTHER = 0, 1, 2, 3
STATUSES = {"realized": REALIZED, "existing": EXISTING, "exited": EXITED}
_MOST_LOOKED_FOR_TWICE = 128
"""Asked ids: more of them are planned for longer than what is spared takes."""


def distinct_segments(asked: Sequence[AskedSegment]) -> list[str]:
    """The distinct (namespace, segment id) of the asked items as keys, in their order."""
    return list(dict.fromkeys(f"{a.namespace}{SEPARATOR}{a.segment_id}" for a in asked))


def entry_type(source: Input) -> Struct | None:
    """The struct of an entry in this dataset, None where it has no ``segmentMembership``."""
    outer = source.columns.get("segmentMembership")
    inner = outer.value if isinstance(outer, Map) else None
    return inner.value if isinstance(inner, Map) and isinstance(inner.value, Struct) else None


def staged(source: Input) -> dict[str, Column]:
    """What :func:`asked_entries` and :func:`all_entries` read, by name; nothing where there is
    none."""
    has_map = entry_type(source) is not None
    return {"segmentMembership": F.col("segmentMembership")} if has_map else {}


def asked_entries(source: Input, asked: Sequence[AskedSegment]) -> Column:
    """The row's entries of the asked segments; ``segment`` indexes :func:`distinct_segments` (S17).

    One look through the row's map, no explode: records outside every asked segment stay one row.
    Null where the dataset has none: a filter of rows with a list that is known to be empty fails on
    Sail 0.7.2 ("Interval's lower bound [] is greater than the upper bound []").
    """
    if entry_type(source) is None or not asked:
        return F.lit(None).cast(ASKED_DDL)

    def narrow(namespace: Column, name: Column, entry: Column) -> Column:
        position = segment_position(asked, namespace, name)
        return F.struct(position.alias("segment"), *entry_parts(entry, source))

    # Most entries are of segments that nobody asks for, and are not worth a struct.
    found = _flat_entries(narrow, asked)
    return F.coalesce(found, F.array().cast(ASKED_DDL))


def entries_by_namespace(asked: Sequence[AskedSegment]) -> Column:
    """The row's ``segmentMembership`` as ``array<struct<namespace,entries>>``, the map's order
    kept: ``entries`` are pairs ``key``, ``value``; of other ids than the asked ones none is
    there. Null where the map is, as ``entries`` of a null namespace are."""
    return F.transform(
        F.map_entries(F.col("segmentMembership")),
        lambda outer: F.struct(
            outer["key"].alias("namespace"), _of_ids(outer["value"], asked).alias("entries")
        ),
    )


def is_asked(asked: Sequence[AskedSegment], namespace: Column, name: Column) -> Column:
    """Whether the segment ``name`` of ``namespace``, lower-cased, is one of those (S17)."""
    ids: dict[str, set[str]] = {}
    for item in asked:
        ids.setdefault(item.namespace, set()).add(item.segment_id)
    # By id first: it decides nearly always.
    return any_of([name.isin(sorted(of_it)) & (namespace == where) for where, of_it in ids.items()])


def segment_position(asked: Sequence[AskedSegment], namespace: Column, name: Column) -> Column:
    """Where :func:`distinct_segments` has a segment that :func:`is_asked`, int."""
    keys, key = distinct_segments(asked), F.concat(namespace, F.lit(SEPARATOR), name)
    if len({item.namespace for item in asked}) == 1:
        keys, key = [whole.partition(SEPARATOR)[2] for whole in keys], name
    return number_of(key, {k: n for n, k in enumerate(keys)})


def entry_parts(entry: Column, source: Input) -> list[Column]:
    """The columns :data:`ENTRY` of an entry of this dataset, which has ``segmentMembership``."""
    type_ = entry_type(source)
    assert type_ is not None, "asked only of datasets that have segmentMembership"
    return [
        _text(entry, type_, "status").alias("status"),
        _time(entry, type_, "lastQualificationTime").alias("qualified"),
        _time(entry, type_, "validUntil").alias("valid_until"),
    ]


def all_entries(source: Input, target: Struct) -> Column:
    """Every entry of the row, as :func:`all_entries_type` says.

    ``entry`` is conformed to ``target``, the united entry struct of the plan (S13). Null where the
    row has no map; the dataset must have the column.
    """
    type_ = entry_type(source)
    assert type_ is not None, "asked only of datasets that have segmentMembership"
    return _flat_entries(
        lambda namespace, name, entry: F.struct(
            namespace.alias("namespace"),
            name.alias("segment"),
            known(_time(entry, type_, "lastQualificationTime")).alias("qualified"),
            status_rank(_text(entry, type_, "status")).alias("status_rank"),
            known(_time(entry, type_, "validUntil")).alias("valid_until"),
            # Only entries of one record tie down to here, so that its own type will do.
            content_hash([(entry, type_)]).alias("content"),
            conform(entry, type_, target).alias("entry"),
        )
    )


def all_entries_type(target: Struct) -> Array:
    """The type of :func:`all_entries`."""
    return Array(
        struct_of(
            namespace="string",
            segment="string",
            qualified="long",
            status_rank="integer",
            valid_until="long",
            content="long",
            entry=target,
        )
    )


def _flat_entries(
    build: Callable[[Column, Column, Column], Column],
    asked: Sequence[AskedSegment] | None = None,
) -> Column:
    """``build(namespace, segment id, entry)`` for each non-null entry of the two-level map.

    Where segments are ``asked``, for their entries only.
    """

    def entries(outer: Column) -> Column:
        if asked is None:
            return F.filter(F.map_entries(outer["value"]), lambda inner: inner["value"].isNotNull())
        return F.filter(
            _of_ids(outer["value"], asked),
            lambda inner: (
                inner["value"].isNotNull() & is_asked(asked, F.lower(outer["key"]), inner["key"])
            ),
        )

    per_namespace = F.transform(
        F.filter(F.map_entries(F.col("segmentMembership")), lambda o: o["value"].isNotNull()),
        lambda outer: F.transform(
            entries(outer),
            lambda inner: build(F.lower(outer["key"]), inner["key"], inner["value"]),
        ),
    )
    return F.flatten(per_namespace)


def _of_ids(entries: Column, asked: Sequence[AskedSegment]) -> Column:
    """The entries of one namespace whose id is asked for, in whichever namespace.

    The lambda looks at nothing but the entry: Sail writes what is not the lambda's own, the
    namespace say, once for every entry of the table (docs/decisions/0025).
    """
    ids = sorted({item.segment_id for item in asked})
    pairs = F.map_entries(entries)
    if len(ids) > _MOST_LOOKED_FOR_TWICE:
        return pairs
    return F.filter(pairs, lambda pair: pair["key"].isin(ids))


def status_rank(status: Column) -> Column:
    """Greater wins among entries of equal time: exited, existing, realized, any other (S13)."""
    return (
        F.when(status == "exited", F.lit(3))
        .when(status == "existing", F.lit(2))
        .when(status == "realized", F.lit(1))
        .otherwise(F.lit(0))
    )


def effective_status(status: Column, valid_until: Column, now_micros: int) -> Column:
    """The status's code for S18: an entry that is no longer valid counts as exited."""
    lapsed = valid_until < F.lit(now_micros)
    live = F.when(lapsed, F.lit(EXITED))
    return (
        F.when(status == "realized", F.coalesce(live, F.lit(REALIZED)))
        .when(status == "existing", F.coalesce(live, F.lit(EXISTING)))
        .when(status == "exited", F.lit(EXITED))
        .otherwise(F.lit(OTHER))
    )


def _text(entry: Column, type_: Struct, name: str) -> Column:
    return entry[name].cast("string") if type_.get(name) else F.lit(None).cast("string")


def _time(entry: Column, type_: Struct, name: str) -> Column:
    member = type_.get(name)
    return F.lit(None).cast("bigint") if member is None else micros(entry[name], member)
