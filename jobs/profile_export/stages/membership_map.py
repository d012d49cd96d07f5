"""The merged ``segmentMembership`` map of the output (S13)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.frames import first_of_each


def entries(current: DataFrame, *, place: int) -> DataFrame:
    """A dataset's current records as ``person``, ``pk``, ``place``, ``all_entries``. No shuffle."""
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
    entries = each.select("person", "pk", "place", "e.*")
    rank = map(F.col, ("qualified", "status_rank", "place", "pk", "valid_until", "content"))
    best = entries.transform(first_of_each, by=("person", "namespace", "segment"), rank=rank)
    by_namespace = best.groupBy("person", "namespace").agg(
        F.map_from_entries(F.collect_list(F.struct("segment", "entry"))).alias("segments")
    )
    return by_namespace.groupBy("person").agg(
        F.map_from_entries(F.collect_list(F.struct("namespace", "segments"))).alias(
            "segmentMembership"
        )
    )
