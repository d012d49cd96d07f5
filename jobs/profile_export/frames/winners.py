"""Each leaf's winner, however it was found, as a profile (S11)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns.lineage import lineage_of
from profile_export.frames import qualified
from profile_export.frames.structs import assembled
from profile_export.plan import ExportPlan
from profile_export.schema import Struct


def winner(value: Column, *, precedence: Column, pk: Column, updated: Column) -> Column:
    """A leaf's value with the record that it comes from, for plans that ask for lineage."""
    return F.struct(
        value.alias("value"),
        precedence.alias("precedence"),
        pk.alias("pk"),
        updated.alias("updated"),
    )


def in_structs(winners: DataFrame, *, leaves: Struct, plan: ExportPlan) -> DataFrame:
    """Winners in structs again, and where they come from.

    Args:
        winners: ``person``, and for each leaf of ``leaves`` its value as ``w0, w1, ...``; with
            lineage as :func:`winner` makes it, and ``n0, n1, ...``: how many records had a value.
        leaves: The attributes of the output, nested.
        plan: The job's plan.

    Returns:
        ``person``, the attributes in their order as ``a0, a1, ...``, and ``lineage`` where asked.
        No shuffle.
    """
    if not plan.lineage:
        return assembled(winners, schema=leaves, leaves="w", keep=["person"])
    named = list(leaves.leaves())
    values = [F.col(f"w{i}.value").alias(f"v{i}") for i in range(len(named))]
    traced = qualified(winners).select("person", *values, lineage_of(named, plan))
    return assembled(traced, schema=leaves, leaves="v", keep=["person", "lineage"])
