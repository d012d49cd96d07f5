"""What Sail has no name for is told to DataFusion itself, in its words (docs/decisions/0024).

Sail's SQL hands ``SET`` on to the configuration of the session's DataFusion. No documentation of
Sail says so, so that what is for speed is done without where it is refused.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_WHOLE = {
    # A side of a join that is so small goes to all cores as one hash table, and the rows of the
    # other side, wide or many, are not moved. A megabyte and 131,072 rows unless told.
    "optimizer.hash_join_single_partition_threshold": 64 * 2**20,
    "optimizer.hash_join_single_partition_threshold_rows": 4_000_000,
}
_AHEAD = {
    # Joins begin to read their other side while the first one is read: a table of two row groups
    # keeps one core waiting when they are not alike, and joins wait for one table after the other.
    "execution.hash_join_buffering_capacity": 4 * 2**20,
}
_UNTOLD = {
    "optimizer.hash_join_single_partition_threshold": 2**20,
    "optimizer.hash_join_single_partition_threshold_rows": 128 * 2**10,
    "execution.hash_join_buffering_capacity": 0,
}
MANY = range(100_000, 1_000_000)
"""Persons; with fewer there is little to wait for, and tables of more have row groups enough for
all cores: there reading ahead only takes memory, two thirds more at six million."""


@contextmanager
def set_up_for_writing(spark: "SparkSession", persons: int) -> Iterator[None]:
    """Set the session up for the joins of a few keys with wide rows; some milliseconds.

    Only while it lasts: of an outer join whose outer side is the one table, one core alone would
    go on with what has found nothing, and the who phase has such (docs/decisions/0025).

    Args:
        spark: A session on Sail, whose memory is not limited: such a table cannot be spilled.
        persons: How many are written.
    """
    _set(spark, _WHOLE | (_AHEAD if persons in MANY else {}))
    try:
        yield
    finally:
        _set(spark, _UNTOLD)


def with_statistics(spark: "SparkSession", *, wanted: bool) -> None:
    """Whether the statistics of Parquet files are looked at, as they are unless told.

    Raises:
        PySparkException: it cannot be told.
    """
    spark.sql(f"SET datafusion.execution.collect_statistics = {str(wanted).lower()}")


def _set(spark: "SparkSession", settings: Mapping[str, int]) -> None:
    from pyspark.errors import PySparkException

    for name, value in settings.items():
        try:
            spark.sql(f"SET datafusion.{name} = {value}")
        except PySparkException:
            continue
