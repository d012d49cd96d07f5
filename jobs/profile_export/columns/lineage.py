"""Which record each leaf of a person comes from, as columns (S11)."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.columns import key_namespace, key_value, written_namespace
from profile_export.outputs import LINEAGE_TYPE
from profile_export.plan import ExportPlan
from profile_export.schema import DataType, ddl


def lineage_of(named: list[tuple[str, DataType]], plan: ExportPlan) -> Column:
    """Dotted leaf path -> the record that its value comes from, absent for null leaves.

    Over the winner of each leaf of ``named``, ``w0, w1, ...`` struct<value, precedence, pk,
    updated>, and ``n0, n1, ...``, how many records had a value.
    """
    by_precedence = {plan.precedence(source): source.dataset_id for source in plan.records}
    if not named or not by_precedence:
        return F.lit(None).cast(ddl(LINEAGE_TYPE)).alias("lineage")
    entries = F.array(
        *(_origin(i, path, by_precedence, plan.namespaces) for i, (path, _) in enumerate(named))
    )
    present = F.filter(entries, lambda entry: entry["value"].isNotNull())
    return F.map_from_entries(present).alias("lineage")


def _origin(i: int, path: str, dataset_ids: dict[int, str], namespaces: dict[str, str]) -> Column:
    winner = f"w{i}"
    (first, first_id), *others = dataset_ids.items()
    dataset = F.when(F.col(f"{winner}.precedence") == first, F.lit(first_id))
    for number, dataset_id in others:
        dataset = dataset.when(F.col(f"{winner}.precedence") == number, F.lit(dataset_id))
    key = F.col(f"{winner}.pk")
    identity = F.struct(
        written_namespace(key_namespace(key), namespaces).alias("namespace"),
        key_value(key).alias("id"),
    )
    origin = F.struct(
        dataset.alias("datasetId"),
        identity.alias("primaryIdentity"),
        F.timestamp_micros(F.col(f"{winner}.updated")).alias("updateTime"),
        F.col(f"n{i}").alias("candidates"),
    )
    is_known = F.col(winner).isNotNull()
    return F.struct(F.lit(path).alias("key"), F.when(is_known, origin).alias("value"))
