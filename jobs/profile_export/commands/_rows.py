"""A few rows of an export, read with deltalake as anyone can, and shown short."""

import json
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from profile_export.outputs import BATCH_COLUMN

if TYPE_CHECKING:
    from profile_export.commands._export import DoneJob

Row = Mapping[str, object]
_SHOWN = 1
"""Members of an array; the rest is only counted."""


def of_first_batch(done: "DoneJob", *, count: int) -> list[Row]:
    """The first rows of the job's first batch that has some, by their first identity."""
    from deltalake import DeltaTable

    table = DeltaTable(done.location)
    for batch in done.plan.batches:
        only = [(BATCH_COLUMN, "=", batch.batch_id)]
        rows = cast(list[Row], table.to_pyarrow_table(partitions=only).to_pylist())
        if rows:
            return sorted(rows, key=lambda row: identities(row)[:1])[:count]
    return []


def identities(row: Row) -> list[tuple[str, str]]:
    """(namespace, value) of a row's ``identityMap``, in order."""
    entries = cast("Sequence[tuple[str, Sequence[Row]]]", row.get("identityMap") or ())
    return sorted((namespace, str(entry["id"])) for namespace, ids in entries for entry in ids)


def an_identity(rows: Sequence[Row]) -> str:
    """``NAMESPACE:VALUE`` of somebody in the rows."""
    found = next((pair for row in rows for pair in identities(row)), ("NAMESPACE", "VALUE"))
    return ":".join(found)


def compact(row: Row) -> str:
    """A row as JSON without nulls, long arrays cut, as lines of the terminal's width."""
    shown = {name: value for name, value in row.items() if name != BATCH_COLUMN}
    if "identityMap" in shown:
        shown["identityMap"] = _by_namespace(identities(row))
    text = json.dumps(_short(shown), ensure_ascii=False, default=str)
    return textwrap.fill(
        text,
        width=max(40, shutil.get_terminal_size().columns),
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _by_namespace(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for namespace, value in pairs:
        made.setdefault(namespace, []).append(value)
    return made


def _short(value: object) -> object:
    if isinstance(value, dict):
        return {name: _short(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        shown = [_short(part) for part in value[:_SHOWN]]
        return [*shown, f"and {len(value) - _SHOWN} more"] if len(value) > _SHOWN else shown
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
