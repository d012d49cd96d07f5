"""Entries of asked segments by each way: exploded, by a lambda first, and kept in their row."""

import random
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from frames.frames import dataset
from profile_export.columns import membership
from profile_export.plan import AskedSegment
from profile_export.schema import Map, struct_of, table_ddl
from profile_export.stages import membership_entries

ENTRY = struct_of(status="string", lastQualificationTime="timestamp")
SOURCE = dataset(segmentMembership=Map("string", Map("string", ENTRY)))
AT = datetime(2025, 1, 1, tzinfo=UTC)
NAMESPACES = ("ups", "UPS", "aam", "none of them")


def asked(*names: str) -> tuple[AskedSegment, ...]:
    """Items by ``namespace/id``."""
    pairs = (name.partition("/") for name in names)
    return tuple(
        AskedSegment(segment_id=id_, namespace=n, statuses=("realized",)) for n, _, id_ in pairs
    )


CASES = [
    pytest.param(asked("ups/s1"), id="one"),
    pytest.param(asked("ups/s1", "ups/s2", "ups/s1"), id="of one namespace, one twice"),
    pytest.param(asked("ups/s1", "aam/s2"), id="of two namespaces"),
    pytest.param(asked("ups/nowhere"), id="of nobody"),
    pytest.param(
        asked(*(f"ups/s{n}" for n in range(200)), "aam/s2"), id="more than are looked for"
    ),
]


def maps(seed: int) -> list[Any]:
    """Rows of which now and then the map, the map of a namespace, or an entry is null or empty."""
    chance = random.Random(seed)

    def entry() -> Any:
        return chance.choice([None, ("realized", AT), ("exited", None), (None, AT)])

    def of_namespace() -> Any:
        ids = chance.sample([f"s{n}" for n in range(6)], chance.randrange(5))
        return chance.choice([None, {}, *[{id_: entry() for id_ in ids}] * 5])

    def of_row() -> Any:
        names = chance.sample(NAMESPACES, chance.randrange(4))
        return chance.choice([None, *[{name: of_namespace() for name in names}] * 6])

    return [(f"p{n}", AT, of_row()) for n in range(60)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("segments", CASES)
def test_all_ways_find_the_same_entries(
    spark: SparkSession, segments: tuple[AskedSegment, ...], seed: int
) -> None:
    """S13, S17: each entry that is not null of an asked segment, of its namespace without case."""
    rows = maps(seed)
    frame = spark.createDataFrame(rows, table_ddl(SOURCE.columns))
    records = frame.select(F.col("id").alias("person"), "segmentMembership")
    plan: Any = SimpleNamespace(
        audience=SimpleNamespace(segments=segments), inputs=(SOURCE,), place=lambda _source: 3
    )
    keys = [(a.namespace, a.segment_id) for a in segments]
    positions = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    expected = sorted(
        (id_, positions[name.lower(), segment], entry[0] or "", entry[1] is not None)
        for id_, _, namespaces in rows
        for name, entries in (namespaces or {}).items()
        for segment, entry in (entries or {}).items()
        if entry is not None and (name.lower(), segment) in positions
    )
    assert bool(expected) == any(segment != "nowhere" for _, segment in keys)
    who = records.select(
        "person",
        F.lit("k").alias("pk"),
        F.lit(0).alias("source"),
        F.lit(True).alias("participates"),
        membership.asked_entries(SOURCE, segments).alias("entries"),
    )
    ways = {
        "exploded": membership_entries.of_records(
            records, source=SOURCE, plan=plan, vectorised=False
        ),
        "by a lambda first": membership_entries.of_records(
            records, source=SOURCE, plan=plan, vectorised=True
        ),
        "in their row": membership_entries.of_who(who, plan=plan),
    }
    for way, found in ways.items():
        entries = found.collect()
        got = sorted(
            (r["person"], r["segment"], r["status"] or "", r["qualified"] is not None)
            for r in entries
        )
        assert got == expected, way
        assert {r["place"] for r in entries} <= {3}
