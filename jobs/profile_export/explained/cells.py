"""Rows as the engine gives them, and their cells with the types that the stages give these."""

from collections.abc import Mapping
from typing import TypeAlias, cast

from profile_export.plan import ExportPlan, Input

Row: TypeAlias = Mapping[str, object]


def whole(row: Row, name: str) -> int:
    """A whole number that is always there."""
    return cast(int, row[name])


def whole_or_null(row: Row, name: str) -> int | None:
    return cast("int | None", row[name])


def text_or_null(row: Row, name: str) -> str | None:
    return cast("str | None", row[name])


def keys_of(row: Row) -> list[str]:
    """The identities that a who row joins, as keys."""
    return cast(list[str], row["keys"])


def source_of(row: Row, plan: ExportPlan) -> Input:
    """The dataset that a row is of."""
    return plan.inputs[whole(row, "source")]
