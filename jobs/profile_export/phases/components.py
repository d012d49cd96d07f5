"""Connected components of the identity graph, two ways with one result (S6, S8).

On the driver by scipy for graphs that fit there, and by a DataFrame loop for larger ones. Exact
both: no missed joins, no unrelated people glued.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.engines import Workspace
from profile_export.errors import JobFailed

PERSONS_DDL = "key string, person string, identities bigint"


def find(edges: DataFrame, *, bound: DataFrame, work: Workspace) -> DataFrame:
    """The components of a graph, by the way that its size asks for.

    Args:
        edges: ``left``, ``right`` strings, distinct.
        bound: One row, ``edges`` long: at most how many there are.
        work: Materialises the rounds, and says how many edges the driver may hold.

    Returns:
        The columns of :data:`PERSONS_DDL`.
    """
    (row,) = bound.collect()
    if int(row["edges"]) > work.driver_edges:
        return by_loop(edges, materialise=work.materialise)
    return work.local_frame(on_driver(edges.toArrow()), PERSONS_DDL)


def on_driver(edges: pa.Table) -> dict[str, pa.Array]:
    """Connected components by scipy, over Arrow.

    Args:
        edges: ``left``, ``right`` strings; any order, repetition allowed.

    Returns:
        The columns of :data:`PERSONS_DDL`: every identity of an edge, the smallest key of its
        component, and the component's number of identities.
    """
    # Imported late: that takes a quarter of a second, and most jobs have no graph.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sides = [edges["left"], edges["right"]]
    both = pa.chunked_array(
        [chunk.cast(pa.large_string()) for side in sides for chunk in side.chunks],
        type=pa.large_string(),
    )
    encoded = both.combine_chunks().dictionary_encode()
    keys, codes = encoded.dictionary, encoded.indices.to_numpy()
    ends = tuple(np.split(codes, 2))
    graph = coo_array((np.ones(edges.num_rows, dtype=np.int8), ends), shape=(len(keys), len(keys)))
    _, label = connected_components(graph, directed=False)
    # The smallest of each component by Arrow: sorting all keys for it takes twice as long.
    labelled = pa.table({"label": label, "key": keys}).group_by("label")
    found = labelled.aggregate([("key", "min"), ("key", "count")]).sort_by("label")
    component = pa.array(label)
    return {
        "key": keys,
        "person": found["key_min"].take(component),
        "identities": found["key_count"].take(component),
    }


def by_loop(
    edges: DataFrame, *, materialise: Callable[[DataFrame, str], DataFrame], rounds: int = 60
) -> DataFrame:
    """Connected components by alternating large-star and small-star, each round materialised.

    Kiveris et al., "Connected Components in MapReduce and Beyond" (SoCC 2014): every round moves
    each identity nearer to the smallest one it knows, and the edges converge to stars around the
    smallest key of each component. The paper proves O(log² n) rounds for n identities;
    each takes two shuffles.

    Args:
        edges: ``left``, ``right`` strings.
        materialise: Cuts the lineage of a round.
        rounds: Bound on the number of rounds.

    Returns:
        The columns of :data:`PERSONS_DDL`.

    Raises:
        JobFailed: ``components``: the bound did not suffice.
    """
    stars = materialise(edges.select("left", "right").distinct(), "edges-0")
    shape: tuple[int, int] | None = None
    for number in range(1, rounds + 1):
        stars = materialise(_small_star(_large_star(stars)), f"edges-{number}")
        now = _fingerprint(stars)
        if now == shape:
            return _named(stars)
        shape = now
    raise JobFailed(
        f"The identity graph was not resolved in {rounds} rounds, which no graph should take."
        " Please report it; a merge policy without a graph needs none.",
        code="components",
    )


def _neighbours(edges: DataFrame) -> DataFrame:
    return edges.unionByName(
        edges.select(F.col("right").alias("left"), F.col("left").alias("right"))
    )


def _large_star(edges: DataFrame) -> DataFrame:
    """Every greater neighbour of a node is joined to the smallest of its neighbourhood."""
    return _stars(_neighbours(edges), F.col("right") > F.col("node"))


def _small_star(edges: DataFrame) -> DataFrame:
    """Every smaller neighbour of a node, and the node itself, is joined to the smallest of them."""
    downward = edges.select(
        F.greatest("left", "right").alias("left"), F.least("left", "right").alias("right")
    )
    with_self = downward.unionByName(downward.select("left", F.col("left").alias("right")))
    return _stars(with_self, F.lit(True))


def _stars(pairs: DataFrame, keep: Column) -> DataFrame:
    smallest = pairs.groupBy(F.col("left").alias("node")).agg(
        F.min(F.least("left", "right")).alias("centre")
    )
    named = pairs.select(F.col("left").alias("node"), "right")
    joined = named.join(smallest, on="node", how="inner").where(keep)
    linked = joined.select(F.col("right").alias("left"), F.col("centre").alias("right"))
    return linked.where(F.col("left") != F.col("right")).distinct()


def _fingerprint(edges: DataFrame) -> tuple[int, int]:
    row = edges.agg(
        F.count(F.lit(1)).alias("edges"),
        F.coalesce(F.bit_xor(F.xxhash64("left", "right")), F.lit(0)).alias("hash"),
    ).first()
    assert row is not None, "an aggregate without keys has one row"
    return int(row["edges"]), int(row["hash"])


def _named(stars: DataFrame) -> DataFrame:
    members = stars.select(F.col("left").alias("key"), F.col("right").alias("person"))
    centres = members.select(F.col("person").alias("key"), "person").distinct()
    everyone = members.unionByName(centres)
    sizes = everyone.groupBy("person").agg(F.count(F.lit(1)).alias("identities"))
    return everyone.join(sizes, on="person", how="inner").select("key", "person", "identities")
