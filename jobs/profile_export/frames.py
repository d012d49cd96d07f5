"""DataFrames together."""

from collections.abc import Iterable
from itertools import zip_longest

from pyspark.sql import DataFrame


def union(frames: Iterable[DataFrame]) -> DataFrame:
    """Rows of all, by name. A balanced tree: the plan of many datasets stays shallow (Connect
    bounds its depth).
    """
    several = list(frames)
    while len(several) > 1:
        pairs = zip_longest(several[::2], several[1::2])
        several = [left if right is None else left.unionByName(right) for left, right in pairs]
    return several[0]
