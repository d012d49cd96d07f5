"""Every exported leaf: which record won it, over which others, and by what (S11)."""

from collections.abc import Mapping, Sequence
from typing import cast

from profile_export.explained.account import MOST, Leaf, Value
from profile_export.explained.cells import Row, source_of, whole, whole_or_null
from profile_export.explained.reasons import By, Origin, value_lost_by, won_by
from profile_export.explained.values import identity, iso_micros, plain
from profile_export.outputs import SYSTEM_FIELDS
from profile_export.plan import ExportPlan


def leaves(plan: ExportPlan, current: Sequence[Row], winners: Mapping[str, Row]) -> list[Leaf]:
    """The leaves of the output's attributes, in its order.

    Args:
        plan: Of the job.
        current: The person's current records, as ``what.current_records`` gives them.
        winners: The row's lineage: leaf path -> the record that the stage took.
    """
    paths = [path for path, _ in plan.output.without(*SYSTEM_FIELDS).leaves()]
    return [_leaf(plan, f"c{i}", path, current, winners.get(path)) for i, path in enumerate(paths)]


def _leaf(
    plan: ExportPlan, column: str, path: str, current: Sequence[Row], won: Row | None
) -> Leaf:
    by_order = plan.merge_policy.attribute_merge == "dataSetPrecedence"
    values = [row for row in current if row[column] is not None]
    if won is None:
        return Leaf(path=path, candidates=0, winner=None, losers=(), losers_total=0)
    winner = next(row for row in values if _is_from(plan, row, won))
    first = _origin(plan, winner)
    others = [row for row in values if row is not winner]
    others.sort(key=lambda row: _rank(_origin(plan, row), by_order=by_order), reverse=True)
    lost = [value_lost_by(first, _origin(plan, row), by_order=by_order) for row in others]
    losers = [_value(plan, row, column, by) for row, by in zip(others, lost, strict=True)]
    return Leaf(
        path=path,
        candidates=whole(won, "candidates"),
        winner=_value(plan, winner, column, won_by(lost)),
        losers=tuple(losers[:MOST]),
        losers_total=len(losers),
    )


def _is_from(plan: ExportPlan, row: Row, won: Row) -> bool:
    primary = cast(Row, won["primaryIdentity"])
    key = identity(str(row["pk"]), plan.namespaces)
    is_its = (key.namespace, key.value) == (primary["namespace"], primary["id"])
    return is_its and source_of(row, plan).dataset_id == won["datasetId"]


def _origin(plan: ExportPlan, row: Row) -> Origin:
    source = source_of(row, plan)
    updated = whole_or_null(row, "updated")
    return Origin(source.dataset_id, source.rank, updated, str(row["pk"]))


def _rank(origin: Origin, *, by_order: bool) -> tuple[object, ...]:
    """Only to tell the losers in the order in which they would have won."""
    time = (origin.time is not None, origin.time or 0)
    if by_order:
        return -origin.position, time, origin.pk
    return time, origin.dataset_id, origin.pk


def _value(plan: ExportPlan, row: Row, column: str, by: By) -> Value:
    source = source_of(row, plan)
    return Value(
        value=plain(row[column]),
        dataset_id=source.dataset_id,
        dataset=source.name,
        primary_identity=identity(str(row["pk"]), plan.namespaces),
        update_time=iso_micros(row["updated"]),
        by=by,
    )
