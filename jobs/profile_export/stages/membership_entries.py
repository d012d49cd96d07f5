"""Entries of the asked segments as rows, for ``membership.matches`` (S13, S17).

An *entry row* is one entry of an asked segment in one current record: ``person``, ``pk``, ``place``
int (of the dataset in the order of ids), ``segment`` int (as ``distinct_segments`` counts),
``status`` string, ``qualified`` and ``valid_until`` long µs or null.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.columns import membership as columns
from profile_export.columns import number_of
from profile_export.plan import AskedSegment, ExportPlan, Input


def of_who(who: DataFrame, *, plan: ExportPlan) -> DataFrame:
    """Entry rows of ``who`` rows: ``person``, ``pk``, ``source``, ``entries``. No shuffle."""
    places = {index: plan.place(source) for index, source in enumerate(plan.inputs)}
    each = who.where("participates").select(
        "person",
        "pk",
        number_of(F.col("source"), places).alias("place"),
        F.explode("entries").alias("e"),
    )
    entry = (F.col(f"e.{name}").alias(name) for name in ("segment", *columns.ENTRY))
    return each.select("person", "pk", "place", *entry)


def of_records(
    records: DataFrame, *, source: Input, plan: ExportPlan, vectorised: bool
) -> DataFrame:
    """Entry rows straight from records, by two explodes.

    Less than half the time of looking through the map row by row (docs/decisions/0016), but a
    record is several rows then: for records among which nothing has to be chosen (S4).

    Args:
        records: ``person`` and ``segmentMembership`` of one dataset's current records.
        source: The dataset; it has the column.
        plan: The job's plan.
        vectorised: As the workspace says. A lambda then drops entries of other segments before the
            explodes copy them (docs/decisions/0025).

    Returns:
        Entry rows without ``pk``. No shuffle.
    """
    asked = plan.audience.segments
    each = _of_asked_ids(records, asked) if vectorised else _every(records)
    names = F.col("namespace"), F.col("id")
    return each.where(columns.is_asked(asked, *names) & F.col("entry").isNotNull()).select(
        "person",
        columns.segment_position(asked, *names).alias("segment"),
        *columns.entry_parts(F.col("entry"), source),
        F.lit(plan.place(source)).alias("place"),
    )


def _every(records: DataFrame) -> DataFrame:
    """``person``, ``namespace`` lower-cased, ``id``, ``entry`` of all entries."""
    outer = records.select("person", F.explode("segmentMembership").alias("namespace", "inner"))
    return outer.where(F.col("inner").isNotNull()).select(
        "person", F.lower("namespace").alias("namespace"), F.explode("inner").alias("id", "entry")
    )


def _of_asked_ids(records: DataFrame, asked: Sequence[AskedSegment]) -> DataFrame:
    """As :func:`_every`, of entries that may be asked for."""
    outer = records.select("person", F.explode(columns.entries_by_namespace(asked)).alias("of"))
    pairs = outer.select(
        "person", F.lower("of.namespace").alias("namespace"), F.explode("of.entries").alias("pair")
    )
    return pairs.select(
        "person", "namespace", F.col("pair.key").alias("id"), F.col("pair.value").alias("entry")
    )
