"""S2-S5: the identities and times of a row, and which records are current."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .catalog import Dataset
from .values import at, nulls_lowest, without_path

# (namespace lower-cased, value)
Identity = tuple[str, str]

# The strongest last (S10).
STATES = ["ambiguous", "loggedOut", "authenticated"]


@dataclass(frozen=True, eq=False)
class Row:
    """A row with a primary identity; rows without one take no part."""

    dataset: Dataset
    values: dict[str, Any]
    primary: Identity
    states: dict[Identity, str]
    ingest: datetime | None
    updated: datetime | None

    @property
    def own_values(self) -> dict[str, Any]:
        """Without the column that its own dataset declares as ingest time (S12)."""
        path = self.dataset.ingest_time
        return without_path(self.values, path) if path else self.values


def identity(namespace: Any, value: Any) -> Identity | None:
    """Namespaces compare without case, values exactly after trimming U+0020 and nothing else."""
    if namespace is None or value is None:
        return None
    text = value if isinstance(value, str) else str(int(value))
    text = text.strip(" ")
    return (namespace.lower(), text) if text else None


def stronger(left: str | None, right: str | None) -> str:
    ranks = [STATES.index(state) for state in (left, right) if state in STATES]
    return STATES[max(ranks, default=0)]


def _mapped(values: dict[str, Any]) -> list[tuple[Identity, str | None, bool]]:
    """(identity, state, flagged primary) of every entry of the row's identityMap."""
    found = []
    for namespace, entries in (values.get("identityMap") or {}).items():
        for entry in entries or []:
            known = identity(namespace, entry.get("id")) if entry is not None else None
            if known is not None:
                found.append((known, entry.get("authenticatedState"), bool(entry.get("primary"))))
    return found


def read_row(dataset: Dataset, values: dict[str, Any]) -> Row | None:
    mapped = _mapped(values)
    declared = [identity(namespace, at(values, path)) for namespace, path in dataset.declared]
    if dataset.primary_identity is not None:
        # Never from identityMap, not even when the declared field is null.
        primary = declared[0]
    else:
        primary = min((known for known, _, flagged in mapped if flagged), default=None)
    if primary is None:
        return None
    states: dict[Identity, str] = {known: "ambiguous" for known in declared if known is not None}
    for known, state, _ in mapped:
        states[known] = stronger(states.get(known), state)
    ingest = at(values, dataset.ingest_time) if dataset.ingest_time else None
    updated = at(values, dataset.last_updated) if dataset.last_updated else None
    return Row(dataset, values, primary, states, ingest, ingest if updated is None else updated)


def read_rows(dataset: Dataset) -> tuple[list[Row], int]:
    """The rows that take part, and how many do not for want of a primary identity."""
    rows = [read_row(dataset, values) for values in dataset.rows]
    kept = [row for row in rows if row is not None]
    return kept, len(rows) - len(kept)


def current_records(rows: list[Row]) -> list[Row]:
    """S4: of one dataset's records, the newest per primary identity."""
    newest: dict[Identity, Row] = {}
    for row in rows:
        best = newest.get(row.primary)
        if best is None or _freshness(row) > _freshness(best):
            newest[row.primary] = row
    return list(newest.values())


def _freshness(row: Row) -> tuple[Any, Any]:
    return nulls_lowest(row.ingest), nulls_lowest(row.values.get("_id"))
