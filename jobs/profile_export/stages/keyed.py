"""Keyed: candidates straight from the tables, where identities are declared by fields (S7, S14).

All that decides about a person but its memberships then fits into numbers: nothing has to be kept
of its single rows, so that no table of them is written (docs/decisions/0016, 0018). Under ``none``
whether S4 has to choose among records is found on the way; a graph asks that first.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns import at, identity_key, identity_value
from profile_export.columns import identity as ids
from profile_export.columns.row import ingested
from profile_export.keyed_plans import namespaces
from profile_export.plan import ExportPlan, IdentityField, Input


def person(source: Input) -> Column:
    """A row's person over the dataset as read: its primary identity, null without one (S3).

    In a graph ``persons.stitched`` makes a component of it.
    """
    primary, *_ = ids.declared(source)
    return ids.declared_key(primary)


def record_rows(frame: DataFrame, *, source: Input, index: int, plan: ExportPlan) -> DataFrame:
    """A row for each record of a dataset.

    Columns out: ``person``, ``orphan`` int (the dataset's position, of a row without a person),
    ``records_at`` and ``events_at`` long µs, ``events`` and ``orphans`` long, ``namespaces`` and
    ``bit`` (the dataset's) long, both null for an orphan. All may be null: where a union has a
    column that may be beside one that may not, Sail plans its type in two ways and refuses them. No
    shuffle.
    """
    primary, *others = ids.declared(source)
    # Of the others nothing but their presence matters: no keys are made of them.
    texts = (identity_value(at(d.field)).alias(f"t{n}") for n, d in enumerate(others))
    staged = frame.select(person(source).alias("person"), *texts, ingested(source).alias("at"))
    bits = _bit(primary, plan)
    for n, d in enumerate(others):
        bits = F.when(F.col(f"t{n}") != "", bits.bitwiseOR(_bit(d, plan))).otherwise(bits)
    nobody = F.col("person").isNull()
    return staged.select(
        "person",
        F.when(nobody, F.lit(index)).alias("orphan"),
        F.col("at").alias("records_at"),
        F.lit(None).cast("bigint").alias("events_at"),
        F.lit(None).cast("bigint").alias("events"),
        F.when(nobody, F.lit(1).cast("bigint")).alias("orphans"),
        F.when(~nobody, bits).alias("namespaces"),
        F.when(~nobody, F.lit(1 << index).cast("bigint")).alias("bit"),
    )


def event_values(frame: DataFrame, *, source: Input) -> DataFrame:
    """Of each event of a dataset the ``value`` of the primary identity, as it stands, and ``at``,
    its ingest time, long µs. No shuffle."""
    declared, *_ = ids.declared(source)
    return frame.select(at(declared.field).alias("value"), ingested(source).alias("at"))


def event_rows(values: DataFrame, *, source: Input, index: int, plan: ExportPlan) -> DataFrame:
    """A row for each of :func:`event_values`, as :func:`record_rows` says.

    ``bit`` is null. One shuffle by ``value``.
    """
    declared, *_ = ids.declared(source)
    namespace = declared.namespace.lower()
    # By the value: a key is then made for each person that has events only.
    newest = values.groupBy("value").agg(
        F.max("at").alias("events_at"), F.count(F.lit(1)).alias("rows")
    )
    keyed = newest.withColumn("person", identity_key(F.lit(namespace), F.col("value")))
    nobody = F.col("person").isNull()
    return keyed.select(
        "person",
        F.when(nobody, F.lit(index)).alias("orphan"),
        F.lit(None).cast("bigint").alias("records_at"),
        "events_at",
        F.when(~nobody, F.col("rows")).alias("events"),
        F.when(nobody, F.col("rows")).alias("orphans"),
        F.when(~nobody, _bit(declared, plan)).alias("namespaces"),
        F.lit(None).cast("bigint").alias("bit"),
    )


def edges(frame: DataFrame, *, source: Input) -> DataFrame:
    """The graph's edges in a profile dataset of which every record is current (S6).

    Columns out: ``left`` (the primary identity), ``right`` (another of the row); not distinct. No
    shuffle.
    """
    primary, *others = map(ids.declared_key, ids.declared(source))
    right = others[0] if len(others) == 1 else F.explode(F.array(*others))
    pairs = frame.select(primary.alias("left"), right.alias("right"))
    return pairs.where(F.col("left") != F.col("right"))


def candidates(rows: DataFrame, *, in_graph: bool = False) -> DataFrame:
    """One row per person, and one per dataset for all rows without one.

    Args:
        rows: Of all participating datasets, as :func:`record_rows` and :func:`event_rows`.
        in_graph: Whether ``persons.stitched`` has made components of their persons.

    Returns:
        As ``audience.candidates``, and ``orphan`` int, ``orphans`` long, ``namespaces`` long,
        ``several`` boolean: a dataset has several records of this person. Under ``none`` S4 then
        has to choose before anything else of this row holds. One shuffle by ``person``.
    """
    grouped = rows.groupBy("person", "orphan").agg(
        F.max("records_at").alias("records_at"),
        F.max("events_at").alias("events_at"),
        F.sum("events").alias("events"),
        F.sum("orphans").alias("orphans"),
        F.bit_or("namespaces").alias("namespaces"),
        F.sum("bit").alias("sum"),
        F.bit_or("bit").alias("sources"),
        *([F.max("identities").alias("identities")] if in_graph else []),
    )
    has_record = F.coalesce(F.col("sources"), F.lit(0)) > 0
    return grouped.select(
        "person",
        has_record.alias("has_record"),
        F.when(has_record, F.col("records_at")).otherwise(F.col("events_at")).alias("updated"),
        F.col("identities") if in_graph else F.lit(1).cast("bigint").alias("identities"),
        "events",
        "orphan",
        "orphans",
        "namespaces",
        # A sum of different bits is their union; a bit that comes twice makes it greater.
        F.coalesce(F.col("sum") > F.col("sources"), F.lit(False)).alias("several"),
    )


def _bit(identity: IdentityField, plan: ExportPlan) -> Column:
    return F.lit(1 << namespaces(plan).index(identity.namespace.lower())).cast("bigint")
