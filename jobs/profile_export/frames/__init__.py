"""DataFrames together, and apart from their scans."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def union(frames: Iterable[DataFrame]) -> DataFrame:
    """Rows of all, by name. A balanced tree: the plan of many datasets stays shallow (Connect
    bounds its depth).
    """
    several = list(frames)
    while len(several) > 1:
        pairs = zip_longest(several[::2], several[1::2])
        several = [left if right is None else left.unionByName(right) for left, right in pairs]
    return several[0]


def qualified(frame: DataFrame) -> DataFrame:
    """The same rows and columns, for selects of many columns from a deep plan.

    To each column without a qualifier that a select names, DataFusion walks through all expressions
    of the plan below (it looks for joins by ``USING``): the third power of the leaves, half of the
    time that Sail took for 600 (docs/decisions/0030). To Spark it is nothing. Not for tables as
    read: a column of the user's may have the qualifier's name.
    """
    return frame.alias("t")


def first_of_each(
    rows: DataFrame, *, by: Sequence[str], rank: Iterable[Column], most: int = 1
) -> DataFrame:
    """Of the rows of equal ``by`` the first ``most`` by ``rank``, greatest first, nulls last.

    By numbering them: ``max_by`` of a struct takes Sail ten times as long (docs/decisions/0020).
    One shuffle by ``by``, before which Spark already drops in each task what is too much.
    """
    order = Window.partitionBy(*by).orderBy(*(column.desc_nulls_last() for column in rank))
    return (
        rows.withColumn("nth", F.row_number().over(order)).where(F.col("nth") <= most).drop("nth")
    )


def to_be_hashed(frame: DataFrame, column: Column) -> DataFrame:
    """All rows, by a filter that is true of each, so that what follows is not computed in a scan.

    In a scan Sail 0.7.2 takes a column that has one value in a whole file for a literal, by the
    file's statistics or since it is its partition, and its ``xxhash64`` of literals alone panics.
    Nested columns have neither. A filter for nulls would not do: of partitions the scan does it.

    Args:
        frame: A table as read.
        column: One of its columns that are hashed.
    """
    return frame.where(column.isNull().cast("int") >= 0)
