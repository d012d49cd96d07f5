"""What Sail has no name for is told to DataFusion itself, in its words (docs/decisions/0024).

Sail's SQL hands ``SET`` on to the configuration of the session's DataFusion. No documentation of
Sail says so: only what is for speed is told here, and what is refused is done without.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_UNLIMITED = {
    # A side of a join that is so small goes to all cores as one hash table, and the rows of the
    # other side, wide or many, are not moved. A megabyte and 131,072 rows unless told.
    "optimizer.hash_join_single_partition_threshold": 64 * 2**20,
    "optimizer.hash_join_single_partition_threshold_rows": 4_000_000,
}


def tell(spark: "SparkSession", *, limited: bool) -> None:
    """Set a new session up; some milliseconds.

    Args:
        spark: A session on Sail.
        limited: Whether its memory is limited: such a hash table could not be spilled.
    """
    from pyspark.errors import PySparkException

    for name, value in ({} if limited else _UNLIMITED).items():
        try:
            spark.sql(f"SET datafusion.{name} = {value}")
        except PySparkException:
            continue
