"""What the records, events and memberships of one person say: read with the job's own stages."""

from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export import run
from profile_export.columns import membership, micros, micros_of
from profile_export.columns.row import RANK
from profile_export.engines import Workspace
from profile_export.explained.account import MOST
from profile_export.explained.cells import Row, whole
from profile_export.explained.who import Found, rows_of
from profile_export.frames import union
from profile_export.identity_keys import SEPARATOR
from profile_export.outputs import EVENTS_COLUMN, LINEAGE_COLUMN, SYSTEM_FIELDS
from profile_export.plan import EventList, ExportPlan, Input
from profile_export.schema import Field, Map, Struct, ddl, struct_of
from profile_export.stages import load_wide
from profile_export.stages.current import fragments_of_repeated

_RANK = [*RANK, "r3"]


def lineage(work: Workspace, plan: ExportPlan, found: Found) -> tuple[dict[str, Row], int]:
    """Leaf path -> winner, as the job's own run would write it, and the number of its events."""
    asked = plan.model_copy(update={"lineage": True})
    frame = run.rows(work, asked, found.decided)
    size = F.size(EVENTS_COLUMN) if plan.events else F.lit(0)
    # In several batches there are several rows, all the same.
    row = rows_of(frame.select(LINEAGE_COLUMN, size.alias("events")).limit(1))[0]
    return cast(dict[str, Row], row[LINEAGE_COLUMN] or {}), whole(row, "events")


def events_counted_once(work: Workspace, plan: ExportPlan, found: Found) -> int:
    """How many of an exported person's events count, bounds and cap left aside (S23)."""
    assert plan.events is not None
    free = {"ingested_after": None, "ingested_before": None, "max_per_profile": 2**31 - 1}
    wanted = plan.events.model_copy(update=free)
    narrow = plan.model_copy(update={"events": wanted, "output": Struct(), "lineage": False})
    frame = run.rows(work, narrow, found.decided).select(F.size(EVENTS_COLUMN).alias("events"))
    return whole(rows_of(frame.limit(1))[0], "events")


def current_records(work: Workspace, plan: ExportPlan, found: Found, *, most: int) -> list[Row]:
    """The person's current records with what is asked of them, the first ``most`` by source, pk.

    ``source``, ``pk``, ``updated``, ``r0``, ``r1`` (as text, null without ``_id``), ``r2``, ``r3``,
    and the leaves of the output as ``c0, c1, ...``.
    """
    frames = []
    for index, source, fragments in _fragments(work, plan, found, _keys_frame(found)):
        leaves = _leaves(plan, source)
        keep = [*load_wide.wide_columns(source, leaves=leaves, entry=_entry(plan, source)), *_RANK]
        current = fragments_of_repeated(fragments, keep=keep)
        frames.append(current.select(*_described(index), *_values(plan, source)))
    return _first(frames, most)


def all_records(work: Workspace, plan: ExportPlan, found: Found, *, most: int) -> list[Row]:
    """As :func:`current_records`, without leaves: the current records and those they replaced.

    Only of primary identities that have several records in a dataset.
    """
    several = [r for r in found.rows if r["is_record"] and whole(r, "rows") > 1]
    if not several:
        return []
    sources = {row["source"] for row in several}
    pks = work.local_frame({"pk": sorted({str(row["pk"]) for row in several})[:most]}, "pk string")
    keys = _keys_frame(found).join(pks, on="pk", how="left_semi")
    frames = [
        fragments.select(*_described(index))
        for index, _, fragments in _fragments(work, plan, found, keys)
        if index in sources
    ]
    return _first(frames, most)


def event_times(work: Workspace, plan: ExportPlan, found: Found) -> dict[tuple[int, str], Row]:
    """(source, pk) -> ``first``, ``last`` timestamp µs of its events, of participating datasets."""
    sources = {row["source"] for row in found.rows if not row["is_record"]}
    keys = _keys_frame(found)
    frames = []
    for index, source in enumerate(plan.inputs):
        if index not in sources or not source.participates:
            continue
        id_type = source.columns.get("_id")
        assert id_type is not None, "the plan refuses participating events without _id"
        wanted = EventList(
            columns=struct_of(_id=id_type), ingested_after=None, ingested_before=None,
            max_per_profile=1,
        )  # fmt: skip
        events = load_wide.events(work.read(source), source=source, wanted=wanted)
        grouped = events.join(keys, on="pk", how="inner").groupBy("pk")
        times = grouped.agg(F.min("time").alias("first"), F.max("time").alias("last"))
        frames.append(times.select(F.lit(index).alias("source"), "pk", "first", "last"))
    return {(whole(row, "source"), str(row["pk"])): row for row in _first(frames, MOST)}


def merged_entries(work: Workspace, plan: ExportPlan, found: Found) -> dict[str, Row]:
    """Asked segment (as ``columns.membership.distinct_segments`` names it) -> its merged entry.

    ``status``, ``qualified`` µs, ``valid_until`` µs, ``effective`` (code of S18).
    """
    entry = plan.membership
    column = Field("segmentMembership", Map("string", Map("string", entry)))
    asked = {"output": Struct((column,)), "lineage": False, "events": None}
    only = plan.model_copy(update=asked)
    as_member = _as_member(found.decided.audience)
    everyone = replace(found.decided, audience=as_member, rows=found.people)
    outer = run.rows(work, only, everyone).select(F.explode(column.name).alias("space", "inner"))
    each = outer.select("space", F.explode("inner").alias("id", "entry"))
    status = F.col("entry.status") if entry.get("status") else F.lit(None).cast("string")
    until = _time(entry, "validUntil")
    named = each.select(
        F.concat("space", F.lit(SEPARATOR), "id").alias("name"),
        status.alias("status"),
        _time(entry, "lastQualificationTime").alias("qualified"),
        until.alias("valid_until"),
        membership.effective_status(status, until, micros_of(plan.as_of)).alias("effective"),
    )
    names = membership.distinct_segments(plan.audience.segments)
    return {str(row["name"]): row for row in rows_of(named) if row["name"] in names}


def _as_member(verdicts: DataFrame) -> DataFrame:
    """The audience with its persons in one batch, whatever the verdict was."""
    nowhere = F.lit(None).cast("string").alias("reason")
    return verdicts.select("person", nowhere, F.array(F.lit(0)).alias("batches"))


def _fragments(
    work: Workspace, plan: ExportPlan, found: Found, keys: DataFrame
) -> Iterable[tuple[int, Input, DataFrame]]:
    """Per profile dataset: position, dataset, its wide rows of the keys' primary identities.

    Ranked as the job ranks them, so that the same record is current.
    """
    sources = {row["source"] for row in found.rows if row["is_record"]}
    for index, source in enumerate(plan.inputs):
        if index in sources:
            wide = load_wide.fragments(
                work.read(source),
                keys=keys,
                source=source,
                asked=plan.audience.segments,
                leaves=_leaves(plan, source),
                entry=_entry(plan, source),
                ranked=True,
            )
            yield index, source, wide


def _keys_frame(found: Found) -> DataFrame:
    return found.people.select("pk", "person").distinct()


def _leaves(plan: ExportPlan, source: Input) -> Struct:
    return plan.output.without(*SYSTEM_FIELDS) if source.participates else Struct()


def _entry(plan: ExportPlan, source: Input) -> Struct | None:
    is_asked = plan.output.get("segmentMembership") is not None
    return plan.membership if is_asked and source.participates else None


def _described(index: int) -> list[Column | str]:
    text = F.col("r1").cast("string").alias("r1")
    return [F.lit(index).alias("source"), "pk", "updated", "r0", text, "r2", "r3"]


def _values(plan: ExportPlan, source: Input) -> list[Column]:
    leaves = plan.output.without(*SYSTEM_FIELDS)
    here = {name for name, _, _ in load_wide.leaves_of(source, _leaves(plan, source))}
    return [
        F.col(f"c{i}") if f"c{i}" in here else F.lit(None).cast(ddl(type_)).alias(f"c{i}")
        for i, (_, type_) in enumerate(leaves.leaves())
    ]


def _time(entry: Struct, name: str) -> Column:
    type_ = entry.get(name)
    return F.lit(None).cast("bigint") if type_ is None else micros(F.col(f"entry.{name}"), type_)


def _first(frames: list[DataFrame], most: int) -> list[Row]:
    if not frames:
        return []
    return rows_of(union(frames).orderBy("source", "pk").limit(most))
