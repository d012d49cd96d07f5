"""S4, S13, S29: where all named criteria are equal, the content decides, alike on every engine."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from frames.frames import dataset, keys
from profile_export.plan import AskedSegment, EventList, Input
from profile_export.schema import Array, Map, Struct, struct_of, table_ddl
from profile_export.stages import events, load, load_wide, membership_map

WHEN = datetime(2025, 1, 1, tzinfo=UTC)
ENTRY = struct_of(status="string", lastQualificationTime="timestamp", validUntil="timestamp")
VIP = AskedSegment(segment_id="vip", namespace="ups", statuses=("realized",))


def ranks(spark: SparkSession, source: Input, values: Sequence[Any], **asked: Any) -> list[Any]:
    """The rank of records that are equal but for their last column."""
    rows = [("1", None, value) for value in values]
    frame = spark.createDataFrame(rows, table_ddl(source.columns))
    wide = {"asked": (), "leaves": struct_of(), "entry": None, "ranked": True, **asked}
    rows = load_wide.fragments(frame, keys=keys(spark, "1"), source=source, **wide)
    return rows.select("r0", "r1", "r2", "r3").collect()


def test_the_wide_rows_know_where_a_null_stands(spark: SparkSession) -> None:
    """S4: ``xxhash64`` alone passes over the nulls inside of an array."""
    items = Array(struct_of(a="string", b="string"))
    left, right = ranks(
        spark,
        dataset(items=items),
        [[("x", None)], [(None, "x")]],
        leaves=struct_of(items=items),
    )
    assert left[:3] == right[:3]
    assert left["r3"] != right["r3"]


def test_the_narrow_rows_know_where_a_null_stands(spark: SparkSession) -> None:
    """S4: likewise of the entries that decide about the person, in both phases."""
    source = dataset(segmentMembership=Map("string", Map("string", ENTRY)))
    maps = [{"ups": {"vip": ("realized", *times)}} for times in ((WHEN, None), (None, WHEN))]
    left, right = ranks(spark, source, maps, asked=[VIP])
    assert left[:2] == right[:2]
    assert left["r2"] != right["r2"]
    frame = spark.createDataFrame([("1", None, m) for m in maps], table_ddl(source.columns))
    records = load.records(frame, source=source)
    narrow = load.record_rows(records, source=source, asked=[VIP]).select("r2").collect()
    assert [row["r2"] for row in narrow] == [left["r2"], right["r2"]]


@pytest.mark.parametrize("too_many", [False, True])
@pytest.mark.parametrize(
    ("type_", "values", "winner"),
    [
        pytest.param(
            struct_of(a="string", b="string"),
            [("x", None), (None, "x")],
            (None, "x"),
            id="where a null stands",
        ),
        pytest.param(
            struct_of(a="decimal(20,2)", b="string"),
            [(Decimal(f"{n}.5"), None) for n in range(6)],
            (Decimal("0.50"), None),
            id="wide decimals",
        ),
    ],
)
def test_events_without_an_id(
    type_: Struct, values: list[Any], winner: Any, too_many: bool, spark: SparkSession
) -> None:
    """S25, S29: which are kept does not depend on the order of rows, nor on the engine."""
    columns = Struct((*struct_of(_id="string", timestamp="timestamp").fields, *type_.fields))
    wanted = EventList(
        columns=columns, ingested_after=None, ingested_before=None, max_per_profile=1
    )
    schema = table_ddl(struct_of(person="string", place="integer", time="long", event=columns))
    kept = []
    for order in (values, values[::-1]):
        rows = [("p", 0, 5, (None, WHEN, *value)) for value in order]
        frame = spark.createDataFrame(rows, schema)
        (row,) = events.grouped(frame, wanted=wanted, too_many=too_many).collect()
        kept.append([(event["a"], event["b"]) for event in row["timeSeriesEvents"]])
    assert kept == [[winner], [winner]]


@pytest.mark.parametrize("too_many", [False, True])
def test_events_of_equal_time_and_id(too_many: bool, spark: SparkSession) -> None:
    """S25: that of the greatest dataset id is kept, in whichever order the rows stand."""
    columns = struct_of(_id="string", timestamp="timestamp", n="integer")
    wanted = EventList(
        columns=columns, ingested_after=None, ingested_before=None, max_per_profile=1
    )
    schema = table_ddl(struct_of(person="string", place="integer", time="long", event=columns))
    for order in ((0, 1, 2), (2, 1, 0)):
        rows = [("p", place, 5, ("e", WHEN, -place)) for place in order]
        frame = spark.createDataFrame(rows, schema)
        (row,) = events.grouped(frame, wanted=wanted, too_many=too_many).collect()
        assert [event["n"] for event in row["timeSeriesEvents"]] == [-2]


@pytest.mark.parametrize(
    ("status", "winner", "loser"),
    [
        pytest.param("realized", ("y", None), ("x", None), id="a value"),
        pytest.param("realized", (None, "x"), ("x", None), id="where a null stands"),
        pytest.param("unheard of", ("x", None), (None, "x"), id="of a status of no rank"),
    ],
)
def test_entries_of_namespaces_that_differ_by_case(
    spark: SparkSession,
    status: str,
    winner: tuple[str | None, str | None],
    loser: tuple[str | None, str | None],
) -> None:
    """S13: one record has both; the winner is arbitrary, and the same on every engine."""
    entry = struct_of(**dict(ENTRY.leaves()), a="string", b="string")
    source = dataset(segmentMembership=Map("string", Map("string", entry)))
    kept = set()
    for first, second in ((winner, loser), (loser, winner)):
        entries = {"UPS": {"s": (status, WHEN, None, *first)}}
        entries |= {"ups": {"s": (status, WHEN, None, *second)}}
        frame = spark.createDataFrame([("1", None, entries)], table_ddl(source.columns))
        wide = load_wide.fragments(
            frame,
            keys=keys(spark, "1"),
            source=source,
            asked=(),
            leaves=struct_of(),
            entry=entry,
            ranked=False,
        )
        records = wide.transform(membership_map.entries, place=0)
        (row,) = membership_map.merged(records).collect()
        merged = row["segmentMembership"]["ups"]["s"]
        kept.add((merged["a"], merged["b"]))
    assert kept == {winner}
