"""A person's events by either way: all listed and then cut, or cut before they are listed (S25)."""

import random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from profile_export.outputs import EVENTS_COLUMN
from profile_export.plan import EventList
from profile_export.schema import struct_of
from profile_export.stages import events

COLUMNS = struct_of(_id="string", timestamp="long", note="string")
DDL = "person string, place int, time bigint, event struct<_id:string,timestamp:bigint,note:string>"


def rows(seed: int) -> list[Any]:
    """Few times, ids and notes, and nulls among them, so that all is tied now and then."""
    chance = random.Random(seed)
    made = {}
    for _ in range(60):
        id_ = chance.choice(["a", "b", "c", "", "é", None])
        place, time = chance.randrange(2), chance.choice([None, -5, 0, 7])
        key = (chance.choice("pqr"), place, id_ if id_ is not None else chance.random())
        made[key] = (key[0], place, time, (id_, time, chance.choice([None, "", "n", "o"])))
    return list(made.values())


def by_person(frame: DataFrame) -> dict[str, Any]:
    return {row["person"]: row[EVENTS_COLUMN] for row in frame.collect()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("most", [1, 3, 1000])
def test_both_ways_keep_the_same(spark: SparkSession, most: int, seed: int) -> None:
    """S23, S25: each event once, in order, the newest of them."""
    wanted = EventList(
        columns=COLUMNS, ingested_after=None, ingested_before=None, max_per_profile=most
    )
    frame = spark.createDataFrame(rows(seed), DDL)
    listed = by_person(events.grouped(frame, wanted=wanted, too_many=False))
    cut = by_person(events.grouped(frame.repartition(5), wanted=wanted, too_many=True))
    assert listed == cut
    persons = [row[0] for row in rows(seed)]
    assert {name: len(kept) for name, kept in cut.items()} == {
        name: min(most, persons.count(name)) for name in set(persons)
    }
