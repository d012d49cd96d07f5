"""Membership: the union of the entries of a person's current records (S13)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def entries(current: DataFrame, *, dataset_id: str) -> DataFrame:
    """A dataset's current records as ``person``, ``pk``, ``dataset``, ``all_entries``."""
    return current.select("person", "pk", F.lit(dataset_id).alias("dataset"), "all_entries")


def merged(records: DataFrame) -> DataFrame:
    """The merged ``segmentMembership`` of each person.

    Args:
        records: ``person``, ``pk``, ``dataset`` string, ``all_entries`` as ``load.fragments`` gives
            them; one row per current record.

    Returns:
        ``person``, ``segmentMembership`` map<string, map<string, struct>>; persons without entries
        are absent. Of several entries of one segment the greatest time wins (null loses), then the
        status, the dataset id, the primary identity, ``validUntil``, and the content: entries of
        one record, in namespaces that differ by case only. Three groupings by person.
    """
    each = records.select("person", "pk", "dataset", F.explode("all_entries").alias("e"))
    rank = F.struct("e.qualified", "e.status_rank", "dataset", "pk", "e.valid_until", "e.content")
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
