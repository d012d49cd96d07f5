"""Project: the output's columns, and one row for each batch a person is in (S20-S22, S26)."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns import conform, key_namespace, key_value, written_namespace
from profile_export.columns.identity import AUTHENTICATED, LOGGED_OUT
from profile_export.frames import qualified
from profile_export.outputs import (
    BATCH_COLUMN,
    EVENTS_COLUMN,
    IDENTITIES_TYPE,
    IDENTITY_MAP_TYPE,
    LINEAGE_COLUMN,
    LINEAGE_TYPE,
    membership_map,
)
from profile_export.plan import ExportPlan
from profile_export.schema import Array, DataType, Map, ddl, struct_of


def identity_map(listed: DataFrame, *, namespaces: dict[str, str]) -> DataFrame:
    """``identityMap`` of each person (S10).

    Columns in: ``person``, ``key``, ``auth``, ``primary``. Columns out: ``person``,
    ``identityMap``: namespace as written -> array sorted by id. Two groupings by person.
    """
    state = (
        F.when(F.col("auth") == AUTHENTICATED, F.lit("authenticated"))
        .when(F.col("auth") == LOGGED_OUT, F.lit("loggedOut"))
        .otherwise(F.lit("ambiguous"))
    )
    entry = F.struct(
        key_value(F.col("key")).alias("id"), state.alias("authenticatedState"), "primary"
    )
    written = written_namespace(key_namespace(F.col("key")), namespaces)
    named = listed.select("person", written.alias("namespace"), entry.alias("entry"))
    per_namespace = named.groupBy("person", "namespace").agg(
        F.sort_array(F.collect_list("entry")).alias("entries")
    )
    pairs = F.collect_list(F.struct("namespace", "entries"))
    return per_namespace.groupBy("person").agg(F.map_from_entries(pairs).alias("identityMap"))


def identities(listed: DataFrame, *, namespaces: dict[str, str]) -> DataFrame:
    """``identities`` of each person, for older clients (S22).

    Columns in: as :func:`identity_map`. Columns out: ``person``, ``identities``: array of
    {id, namespace{code}, primary} sorted by (code, id). One grouping by person.
    """
    code = written_namespace(key_namespace(F.col("key")), namespaces)
    entry = F.struct(code.alias("code"), key_value(F.col("key")).alias("id"), "primary")
    sorted_entries = F.sort_array(F.collect_list(entry))
    shaped = F.transform(
        sorted_entries,
        lambda e: F.struct(
            e["id"].alias("id"),
            F.struct(e["code"].alias("code")).alias("namespace"),
            e["primary"].alias("primary"),
        ),
    )
    return listed.groupBy("person").agg(shaped.alias("identities"))


def rows(members: DataFrame, *, parts: Mapping[str, DataFrame], plan: ExportPlan) -> DataFrame:
    """The output: one row for each batch that an exported person is in (S20, S21, S26).

    Args:
        members: ``person``, ``batches`` array<int>; one row per exported person.
        parts: What is known of persons, by name: ``attributes`` (columns ``a0, a1, ...`` in the
            order of the plan's attributes, ``lineage``), ``identityMap``, ``identities``,
            ``segmentMembership``, ``timeSeriesEvents``; ``person`` is unique in each. A name may be
            absent: nobody has any.
        plan: The job's plan.

    Returns:
        The output columns in the order of the plan, and ``_ACP_BATCHID``. A person without a part
        has nulls there, and empty maps and arrays for the system fields (S13, S15, S23). One join
        by ``person`` for each part.
    """
    joined = members.select("person", "batches")
    for part in parts.values():
        # From the right, as in ``merge_joined``: members pass the hash table on all cores.
        joined = part.join(joined, on="person", how="right")
    columns = {**_fields(parts, plan), **_extras(parts, plan)}
    # Positional names until the last select: a field of the output may be called anything.
    numbered = [column.alias(f"o{i}") for i, column in enumerate(columns.values())]
    exploded = qualified(joined).select(F.explode("batches").alias("batch"), *numbered)
    ids = F.array(*(F.lit(batch.batch_id) for batch in plan.batches))
    return qualified(exploded).select(
        *(F.col(f"o{i}").alias(name) for i, name in enumerate(columns)),
        F.element_at(ids, F.col("batch") + 1).alias(BATCH_COLUMN),
    )


def _fields(parts: Mapping[str, DataFrame], plan: ExportPlan) -> dict[str, Column]:
    full: dict[str, DataType] = {
        "identityMap": IDENTITY_MAP_TYPE,
        "identities": IDENTITIES_TYPE,
        "segmentMembership": membership_map(plan.membership),
    }
    attributes = plan.output.without(*full).names()
    columns = {}
    for field in plan.output.fields:
        if field.name in full:
            whole = _or_empty(field.name, full[field.name], known=field.name in parts)
            columns[field.name] = conform(whole, full[field.name], field.type)
        elif "attributes" in parts:
            columns[field.name] = F.col(f"a{attributes.index(field.name)}")
        else:
            columns[field.name] = F.lit(None).cast(ddl(field.type))
    return columns


def _extras(parts: Mapping[str, DataFrame], plan: ExportPlan) -> dict[str, Column]:
    columns = {}
    if plan.events is not None:
        element = Array(plan.events.columns)
        columns[EVENTS_COLUMN] = _or_empty(EVENTS_COLUMN, element, known=EVENTS_COLUMN in parts)
    if plan.lineage:
        columns[LINEAGE_COLUMN] = _or_empty("lineage", LINEAGE_TYPE, known="attributes" in parts)
    return columns


def _or_empty(name: str, type_: DataType, *, known: bool) -> Column:
    """The column with a missing map or array as an empty one of its type."""
    if isinstance(type_, Map):
        pair = Array(struct_of(key=type_.key, value=type_.value))
        empty = F.map_from_entries(F.array().cast(ddl(pair)))
    else:
        empty = F.array().cast(ddl(type_))
    return F.coalesce(F.col(name), empty) if known else empty
