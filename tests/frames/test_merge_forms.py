"""S11 in two forms, joins and an aggregate: the same rows from the same records."""

import random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from frames.frames import dataset
from profile_export.plan import ExportPlan, Input, MergePolicyPin
from profile_export.schema import struct_of
from profile_export.stages import merge, merge_joined

LEAVES = struct_of(name="string", only_here="long", address=struct_of(city="string", zip="long"))
COLUMNS = {
    "b": LEAVES,
    "a": struct_of(name="string", address=struct_of(city="string", zip="long")),
    "c": struct_of(address=struct_of(zip="long")),
}
TIMES = (None, -1, 0, 0, 1)


def source(dataset_id: str, rank: int) -> Input:
    columns = {field.name: field.type for field in COLUMNS[dataset_id].fields}
    return dataset(**columns).model_copy(update={"dataset_id": dataset_id, "rank": rank})


def plan_of(how: str, sources: list[Input], *, lineage: bool) -> ExportPlan:
    policy = MergePolicyPin.model_validate(
        {"id": "p", "version": 1, "graph": "none", "attributeMerge": how, "order": ()}
    )
    told = {"merge_policy": policy, "inputs": tuple(sources), "lineage": lineage, "namespaces": {}}
    return ExportPlan.model_construct(**told)


def value(dataset_id: str, person: int, type_: object, chance: random.Random) -> object:
    if chance.random() < 0.5:
        return None
    return f"{dataset_id}{person}" if type_ == "string" else ord(dataset_id) * 100 + person


def records(spark: SparkSession, dataset_id: str, chance: random.Random) -> DataFrame:
    """Some of forty persons, with times that tie and values that are missing."""
    mine = [path for path, _ in COLUMNS[dataset_id].leaves()]
    named = [(f"c{i}", path, type_) for i, (path, type_) in enumerate(LEAVES.leaves())]
    here = [(name, type_) for name, path, type_ in named if path in mine]
    rows: list[tuple[Any, ...]] = []
    for person in range(40):
        if chance.random() < 0.7:
            values = [value(dataset_id, person, type_, chance) for _, type_ in here]
            rows.append((f"p{person}", f"p{person}", chance.choice(TIMES), *values))
    types = {"string": "string", "long": "bigint"}
    columns = "".join(f", {name} {types[str(type_)]}" for name, type_ in here)
    return spark.createDataFrame(rows, f"person string, pk string, updated bigint{columns}")


@pytest.mark.parametrize("how", ["timestampOrdered", "dataSetPrecedence"])
@pytest.mark.parametrize("lineage", [False, True], ids=["values", "lineage"])
@pytest.mark.parametrize("seed", range(3))
def test_joins_and_the_aggregate_agree(
    spark: SparkSession, how: str, seed: int, lineage: bool
) -> None:
    chance = random.Random(seed)
    sources = [source("b", 0), source("a", 1), source("c", 2)]
    plan = plan_of(how, sources, lineage=lineage)
    current = {each: records(spark, each.dataset_id, chance) for each in sources}
    members = spark.createDataFrame([(f"p{n}",) for n in range(40)], "person string")
    joined = merge_joined.joined(members, current, leaves=LEAVES, plan=plan)
    ranked = [
        frame.transform(merge.ranked, source=each, leaves=LEAVES, plan=plan)
        for each, frame in current.items()
    ]
    union = ranked[0].unionByName(ranked[1]).unionByName(ranked[2])
    aggregated = merge.attributes(union, leaves=LEAVES, plan=plan)
    somewhere = union.select("person").distinct()
    wanted = aggregated.orderBy("person")
    found = joined.join(somewhere, on="person", how="left_semi").orderBy("person")
    if lineage:
        found, wanted = (_told(frame) for frame in (found, wanted))
    assert_df_equality(found, wanted, ignore_nullable=True)
    alone = joined.join(somewhere, on="person", how="left_anti").where(F.col("a0").isNotNull())
    assert alone.count() == 0


def _told(frame: DataFrame) -> DataFrame:
    return frame.withColumn("lineage", F.to_json(F.array_sort(F.map_entries("lineage"))))


@pytest.mark.parametrize(
    ("datasets", "can"),
    [
        pytest.param(merge_joined.MOST, True, id="one record a dataset"),
        pytest.param(merge_joined.MOST + 1, False, id="too many datasets"),
    ],
)
def test_where_joins_will_do(datasets: int, can: bool) -> None:
    plan = SimpleNamespace(records=(None,) * datasets)
    assert merge_joined.can_join(cast(ExportPlan, plan)) is can


def test_who_is_crowded(spark: SparkSession) -> None:
    """S11 in a graph: several participating records in one dataset, none of them events."""
    rows = [
        ("two records", 0, True, True),
        ("two records", 0, True, True),
        ("one in each", 0, True, True),
        ("one in each", 1, True, True),
        ("events", 2, True, False),
        ("events", 2, True, False),
        ("elsewhere", 3, False, True),
        ("elsewhere", 3, False, True),
    ]
    ddl = "person string, source int, participates boolean, is_record boolean"
    found = merge.crowded(spark.createDataFrame(rows, ddl)).collect()
    assert [row["person"] for row in found] == ["two records"]
