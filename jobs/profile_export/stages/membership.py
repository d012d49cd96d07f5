"""Membership: the union of the entries of a person's current records (S13)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def merged(entries: DataFrame) -> DataFrame:
    """The merged ``segmentMembership`` of each person.

    Args:
        entries: ``person``, ``pk``, ``dataset`` string, ``all_entries`` as ``load.memberships`` gives
            them; one row per current record.

    Returns:
        ``person``, ``segmentMembership`` map<string, map<string, struct>>; persons without entries are
        absent. Of several entries of one segment the greatest time wins (null loses), then the
        status, the dataset id, the primary identity, ``validUntil``. Three groupings, all by person.
    """
    each = entries.select("person", "pk", "dataset", F.explode("all_entries").alias("e"))
    rank = F.struct("e.qualified", "e.status_rank", "dataset", "pk", "e.valid_until")
    best = each.groupBy(
        "person", F.col("e.namespace").alias("namespace"), F.col("e.segment").alias("segment")
    ).agg(F.max_by(F.col("e.entry"), rank).alias("entry"))
    by_namespace = best.groupBy("person", "namespace").agg(
        F.map_from_entries(F.collect_list(F.struct("segment", "entry"))).alias("segments")
    )
    return by_namespace.groupBy("person").agg(
        F.map_from_entries(F.collect_list(F.struct("namespace", "segments"))).alias("segmentMembership")
    )
