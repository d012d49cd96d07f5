"""The merged ``segmentMembership`` map of the output (S13)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def entries(current: DataFrame, *, place: int) -> DataFrame:
    """A dataset's current records as ``person``, ``pk``, ``place``, ``all_entries``."""
    return current.select("person", "pk", F.lit(place).alias("place"), "all_entries")


def merged(records: DataFrame) -> DataFrame:
    """The merged ``segmentMembership`` of each person.

    Args:
        records: ``person``, ``pk``, ``place`` int (of the dataset), ``all_entries`` as
            ``load_wide.fragments`` gives them; one row per current record.

    Returns:
        ``person``, ``segmentMembership`` map<string, map<string, struct>>; persons without entries
        are absent. Of several entries of one segment the greatest time wins (null loses), then the
        status, the dataset id, the primary identity, ``validUntil``, and the content: entries of
        one record, in namespaces that differ by case only. Three groupings by person.
    """
    each = records.select("person", "pk", "place", F.explode("all_entries").alias("e"))
    rank = F.struct("e.qualified", "e.status_rank", "place", "pk", "e.valid_until", "e.content")
    best = each.groupBy(
        "person", F.col("e.namespace").alias("namespace"), F.col("e.segment").alias("segment")
    ).agg(F.max_by(F.col("e.entry"), rank).alias("entry"))
    by_namespace = best.groupBy("person", "namespace").agg(
        F.map_from_entries(F.collect_list(F.struct("segment", "entry"))).alias("segments")
    )
    return by_namespace.groupBy("person").agg(
        F.map_from_entries(F.collect_list(F.struct("namespace", "segments"))).alias(
            "segmentMembership"
        )
    )
