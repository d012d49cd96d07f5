"""Merge by joins, where every dataset has at most one record of a person (S11)."""

from collections.abc import Callable, Mapping
from functools import partial, reduce
from itertools import combinations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export.columns import known
from profile_export.frames import qualified
from profile_export.frames.winners import in_structs, winner
from profile_export.plan import ExportPlan, Input
from profile_export.schema import DataType, Struct
from profile_export.union import attribute_columns

MOST = 8
"""Datasets."""


def can_join(plan: ExportPlan) -> bool:
    """Whether :func:`joined` can take the place of ``merge.attributes`` for uncrowded persons.

    Expressions grow with datasets times leaves, so many datasets are left to the aggregate.
    """
    return len(plan.records) <= MOST


def joined(
    members: DataFrame, current: Mapping[Input, DataFrame], *, leaves: Struct, plan: ExportPlan
) -> DataFrame:
    """As ``merge.attributes``, by one join for each dataset, where :func:`can_join` says so (S11).

    Less than half the time of the aggregate for 33 leaves (docs/decisions/0013, 0018).

    Args:
        members: ``person`` of the audience, none of them ``merge.crowded``.
        current: Each dataset's current records: ``person`` (unique), ``updated``, its leaves.
        leaves: The attributes of the output, nested.
        plan: The job's plan.

    Returns:
        ``person`` and ``a0, a1, ...`` for every member, nulls for one without a record, and
        ``lineage`` where asked. One shuffle of each dataset's records by ``person``.
    """
    named = list(leaves.leaves())
    # A dataset that has none of the leaves has nothing to give, and is not read.
    current = {
        source: frame
        for source, frame in current.items()
        if any(attribute_columns(source).at(path) is not None for path, _ in named)
    }
    holders = _holders(named, current)
    rows = _side_by_side(members, list(current.values()), holders)
    ranks = [plan.precedence(source) for source in current]
    value = partial(_traced, ranks=ranks) if plan.lineage else _plain
    if plan.merge_policy.attribute_merge == "dataSetPrecedence":
        in_order = sorted(range(len(ranks)), key=lambda k: -ranks[k])
        winners = {
            i: F.coalesce(*(value(k, i) for k in in_order if k in holders[i])) for i in holders
        }
    else:
        rows = qualified(rows).select("*", *_duels(ranks))
        winners = {i: _newest(i, holders[i], value) for i in holders}
    counts = [_count(i, holders[i]).alias(f"n{i}") for i in holders if plan.lineage]
    columns = (column.alias(f"w{i}") for i, column in winners.items())
    won = qualified(rows).select("person", *columns, *counts)
    return in_structs(won, leaves=leaves, plan=plan)


def _side_by_side(
    members: DataFrame, records: list[DataFrame], holders: dict[int, list[int]]
) -> DataFrame:
    """The records of a person as one row: of the dataset in place ``k`` leaf ``i`` as ``c{k}_{i}``,
    and ``pk{k}``, ``updated{k}``, ``u{k}`` (``updated``, known where there is a record)."""
    rows = members.select("person")
    for k, frame in enumerate(records):
        mine = [F.col(f"c{i}").alias(f"c{k}_{i}") for i in holders if k in holders[i]]
        origin = [F.col(name).alias(f"{name}{k}") for name in ("pk", "updated")]
        at = known(F.col("updated")).alias(f"u{k}")
        # From the right: Sail then makes the hash table of the records, and the members, of whom
        # each is there, pass it on all cores (docs/decisions/0026).
        each = qualified(frame).select(F.col("person").alias(f"p{k}"), at, *origin, *mine)
        rows = each.join(rows, on=F.col(f"p{k}") == F.col("person"), how="right")
    return rows


def _plain(k: int, i: int) -> Column:
    """The value of leaf ``i`` in the record of the dataset in place ``k``."""
    return F.col(f"c{k}_{i}")


def _traced(k: int, i: int, *, ranks: list[int]) -> Column:
    """As :func:`_plain`, with where it comes from."""
    value, origin = _plain(k, i), {name: F.col(f"{name}{k}") for name in ("pk", "updated")}
    return F.when(value.isNotNull(), winner(value, precedence=F.lit(ranks[k]), **origin))


def _count(i: int, holders: list[int]) -> Column:
    """How many of the person's records have a value of leaf ``i``."""
    has = (F.when(_plain(k, i).isNotNull(), F.lit(1)).otherwise(F.lit(0)) for k in holders)
    count = sum(has, F.lit(0)).cast("bigint")
    # Null for none, so that it may be null, as Sail's union with those of the aggregate wants it.
    return F.when(count > 0, count)


def _holders(
    named: list[tuple[str, DataType]], current: Mapping[Input, DataFrame]
) -> dict[int, list[int]]:
    """Leaf -> the datasets that have it, both by position."""
    columns = [attribute_columns(source) for source in current]
    return {
        i: [k for k, mine in enumerate(columns) if mine.at(path) is not None]
        for i, (path, _) in enumerate(named)
    }


def _duels(ranks: list[int]) -> list[Column]:
    """``b{a}_{b}`` for each two datasets: whether the record of the one in place ``a`` beats that
    of the one in place ``b``; null where either is not there."""
    return [
        _beats(F.col(f"u{a}"), F.col(f"u{b}"), greater=ranks[a] > ranks[b]).alias(f"b{a}_{b}")
        for a, b in combinations(range(len(ranks)), 2)
    ]


def _beats(mine: Column, other: Column, *, greater: bool) -> Column:
    return mine >= other if greater else mine > other


def _newest(i: int, holders: list[int], value: Callable[[int, int], Column]) -> Column:
    """The value of leaf ``i`` in the newest record that has one.

    Each is held against those after it only: when its turn comes, those before it have been beaten.
    """
    *firsts, last = holders
    chosen: Column | None = None
    for n, k in enumerate(firsts):
        beaten = (_plain(other, i).isNull() | F.col(f"b{k}_{other}") for other in holders[n + 1 :])
        wins = reduce(lambda both, one: both & one, beaten, _plain(k, i).isNotNull())
        chosen = (F if chosen is None else chosen).when(wins, value(k, i))
    return value(last, i) if chosen is None else chosen.otherwise(value(last, i))
