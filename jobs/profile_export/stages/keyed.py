"""Keyed: candidates straight from the tables, where identities are declared by fields (S7, S14).

All that decides about a person but its memberships then fits into numbers: nothing has to be kept
of its single rows, so that no table of them is written (docs/decisions/0016, 0018). Under ``none``
whether S4 has to choose among records is found on the way; a graph asks that first.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export import identity_columns as ids
from profile_export.columns import at, identity_key, identity_value, micros_at
from profile_export.plan import ExportPlan, IdentityField, Input

MOST = 30
"""Datasets, and namespaces: each is a bit of a 64-bit number whose sums must not overflow."""


def fits(plan: ExportPlan) -> bool:
    """Whether the plan's persons can be decided about in this way.

    Not where identities lie in maps, or come with events. Under ``none`` not where a person could
    have more of them than S7 allows, so that they would have to be counted; in a graph, which is of
    all datasets (S6), its components tell.
    """
    in_graph = plan.merge_policy.graph == "pdg"
    theirs = [source for source in plan.inputs if in_graph or source.participates]
    declared = all(s.primary_identity is not None and not s.has_identity_map for s in theirs)
    of_records_only = all(s.kind == "profile" or not s.identities for s in theirs)
    widest = sum(1 + len(source.identities) for source in theirs)
    # A graph that has nothing to join by has no edges to start from, and goes the other way.
    counted = (
        any(s.identities for s in theirs) if in_graph else widest <= plan.audience.max_identities
    )
    return (
        any(source.participates for source in theirs)
        and declared
        and of_records_only
        and counted
        and max(len(plan.inputs), len(namespaces(plan))) <= MOST
    )


def namespaces(plan: ExportPlan) -> list[str]:
    """The lower-cased namespaces of the participating datasets: bit ``n`` stands for the n-th."""
    mine = (source for source in plan.inputs if source.participates)
    return sorted({d.namespace.lower() for source in mine for d in ids.declared(source)})


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
    staged = frame.select(person(source).alias("person"), *texts, _ingested(source))
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


def event_rows(frame: DataFrame, *, source: Input, index: int, plan: ExportPlan) -> DataFrame:
    """A row for each value of the primary identity that has events, as :func:`record_rows` says.

    ``bit`` is null. One shuffle.
    """
    declared, *_ = ids.declared(source)
    namespace = declared.namespace.lower()
    # By the value as it stands: a key is then made for each of its events' persons only.
    rows = frame.select(at(declared.field).alias("value"), _ingested(source))
    newest = rows.groupBy("value").agg(
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
        has to choose before anything else of this row holds. One shuffle.
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


KEPT = ("orphan", "orphans", "namespaces", "several")
"""What of :func:`candidates` goes with the verdicts."""


def settled(verdicts: DataFrame, *, plan: ExportPlan) -> DataFrame:
    """The verdicts that hold: ``person``, ``reason``, ``batches``, ``namespaces``."""
    holds = F.col("person").isNotNull()
    if plan.merge_policy.graph == "none":
        holds = holds & ~F.col("several")
    return verdicts.where(holds).select("person", "reason", "batches", "namespaces")


def crowded(verdicts: DataFrame) -> DataFrame:
    """``person`` of the exported of whom a dataset has several records, in a graph."""
    exported = F.col("several") & F.col("reason").isNull() & F.col("person").isNotNull()
    return verdicts.where(exported).select("person")


def repeated(verdicts: DataFrame) -> DataFrame:
    """``pk`` of the persons about whom is to be decided anew, after S4."""
    return verdicts.where(F.col("several")).select(F.col("person").alias("pk"))


def unsettled(verdicts: DataFrame) -> DataFrame:
    """Of what does not hold, in few rows: ``orphan``, ``several``, ``orphans`` long (their sum)."""
    rest = verdicts.where(F.col("several") | F.col("orphan").isNotNull())
    return rest.groupBy("orphan", "several").agg(F.sum("orphans").alias("orphans"))


def by_namespace(counts: Mapping[int, int], *, plan: ExportPlan) -> dict[str, int]:
    """Persons by namespace (S10), from persons by ``namespaces``."""
    found = {}
    for n, name in enumerate(namespaces(plan)):
        persons = sum(count for bits, count in counts.items() if bits >> n & 1)
        if persons:
            found[name] = persons
    return found


def _bit(identity: IdentityField, plan: ExportPlan) -> Column:
    return F.lit(1 << namespaces(plan).index(identity.namespace.lower())).cast("bigint")


def _ingested(source: Input) -> Column:
    return micros_at(source.columns, source.ingest_time).alias("at")
