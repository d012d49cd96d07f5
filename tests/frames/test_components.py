"""Components of the identity graph against networkx, both ways (S6, S8)."""

from collections.abc import Callable
from itertools import pairwise
from random import Random

import networkx as nx
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from profile_export.errors import JobFailed
from profile_export.phases import components

Edges = list[tuple[str, str]]
Persons = dict[str, tuple[str, int]]


def expected(edges: Edges) -> Persons:
    """Key -> (smallest key of its component, number of its keys), by networkx."""
    groups = nx.connected_components(nx.Graph(edges))
    return {key: (min(group), len(group)) for group in groups for key in group}


def by_driver(edges: Edges) -> Persons:
    left, right = zip(*edges, strict=True) if edges else ((), ())
    table = pa.table({"left": pa.array(left, pa.string()), "right": pa.array(right, pa.string())})
    found = components.on_driver(table)
    columns = [found[name].to_pylist() for name in ("key", "person", "identities")]
    return {key: (person, size) for key, person, size in zip(*columns, strict=True)}


def random_edges(seed: int) -> Edges:
    """Chains, stars and dense knots in one graph; repeated and turned edges among them."""
    rng = Random(seed)
    edges = [(f"k{rng.randrange(60)}", f"k{rng.randrange(60)}") for _ in range(rng.randrange(50))]
    chain = [f"chain{i:02d}" for i in rng.sample(range(30), 20)]
    edges += list(pairwise(chain))
    edges += [("hub", f"spoke{i}") for i in range(15)]
    edges += [(right, left) for left, right in edges if rng.random() < 0.2]
    return [(left, right) for left, right in edges if left != right]


@pytest.mark.parametrize("seed", range(20))
def test_the_driver_finds_what_networkx_finds(seed: int) -> None:
    edges = random_edges(seed)
    assert by_driver(edges) == expected(edges)


def test_no_edges_no_persons() -> None:
    assert by_driver([]) == {}


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3))), st.randoms())
def test_order_direction_and_repetition_change_nothing(edges: Edges, rng: Random) -> None:
    edges = [(left, right) for left, right in edges if left != right]
    other = [(right, left) for left, right in edges] + edges
    rng.shuffle(other)
    assert by_driver(edges) == by_driver(other) == expected(edges)


@pytest.fixture
def materialise(spark: SparkSession) -> Callable[[DataFrame, str], DataFrame]:
    """Cuts the lineage of a round through the driver: the graphs here are small."""

    def cut(frame: DataFrame, name: str) -> DataFrame:
        rows = [tuple(row) for row in frame.collect()]
        assert name.startswith("edges-")
        return spark.createDataFrame(rows, "left string, right string")

    return cut


@pytest.mark.parametrize("seed", range(4))
def test_the_loop_finds_what_networkx_finds(
    seed: int, spark: SparkSession, materialise: Callable[[DataFrame, str], DataFrame]
) -> None:
    edges = random_edges(seed)
    frame = spark.createDataFrame(edges, "left string, right string")
    found = components.by_loop(frame, materialise=materialise).collect()
    assert {r["key"]: (r["person"], r["identities"]) for r in found} == expected(edges)


def test_the_loop_says_when_its_bound_is_too_small(
    spark: SparkSession, materialise: Callable[[DataFrame, str], DataFrame]
) -> None:
    frame = spark.createDataFrame([("a", "b"), ("b", "c")], "left string, right string")
    with pytest.raises(JobFailed, match="was not resolved in 1 rounds"):
        components.by_loop(frame, materialise=materialise, rounds=1)
