"""What Sail has no name for is told to DataFusion itself, in its words (docs/decisions/0024).

Sail's SQL hands ``SET`` on to the configuration of the session's DataFusion. No documentation of
Sail says so: only what is for speed is told here, and what is refused is done without.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_UNLIMITED = {
    # A side of a join that is so small goes to all cores as one hash table, and the rows of the
    # other side, wide or many, are not moved. A megabyte and 131,072 rows unless told.
    "optimizer.hash_join_single_partition_threshold": 64 * 2**20,
    "optimizer.hash_join_single_partition_threshold_rows": 4_000_000,
}
_AHEAD = "execution.hash_join_buffering_capacity"
_AHEAD_BYTES = 4 * 2**20
MANY = range(100_000, 1_000_000)
"""Persons; with fewer there is little to wait for, and tables of more have row groups enough for
all cores: there reading ahead only takes memory, two thirds more at six million."""


def tell(spark: "SparkSession", *, limited: bool) -> None:
    """Set a new session up; some milliseconds.

    Args:
        spark: A session on Sail.
        limited: Whether its memory is limited: such a hash table could not be spilled.
    """
    _set(spark, {} if limited else _UNLIMITED)


@contextmanager
def reading_ahead(spark: "SparkSession", persons: int) -> Iterator[None]:
    """While it lasts, joins begin to read their other side while the first one is read.

    A table of two row groups keeps one core waiting when they are not alike, and joins wait for one
    table after the other.

    Args:
        spark: A session on Sail, whose memory is not limited.
        persons: How many are joined.
    """
    if persons not in MANY:
        yield
        return
    _set(spark, {_AHEAD: _AHEAD_BYTES})
    try:
        yield
    finally:
        _set(spark, {_AHEAD: 0})


def _set(spark: "SparkSession", settings: Mapping[str, int]) -> None:
    from pyspark.errors import PySparkException

    for name, value in settings.items():
        try:
            spark.sql(f"SET datafusion.{name} = {value}")
        except PySparkException:
            continue
