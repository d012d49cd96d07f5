"""Totals that outlive the processes which count: rows exported, seconds of each stage, ...

Workers add to them when a job ends, in the transaction that ends it; ``/metrics`` shows them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from profile_export.service.store.database import upsert
from profile_export.service.store.tables import counters

ROWS = "profile_export_rows_total"
BYTES = "profile_export_bytes_total"
STAGE_SECONDS = "profile_export_stage_seconds_total"
EXCLUSIONS = "profile_export_exclusions_total"
JOBS_ENDED = "profile_export_jobs_ended_total"

KNOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    ROWS: ("Rows of committed batches.", ()),
    BYTES: ("Bytes of the files of committed batches.", ()),
    STAGE_SECONDS: ("Seconds that jobs spent in a stage.", ("stage",)),
    EXCLUSIONS: ("Candidates that were not exported, by reason.", ("reason",)),
    JOBS_ENDED: ("Jobs that ended, by status.", ("status",)),
}
"""Name -> what it counts, and its labels."""


@dataclass(frozen=True)
class Counter:
    """A total, for one combination of labels."""

    name: str
    labels: dict[str, str]
    value: float


def add(connection: Connection, name: str, labels: Mapping[str, str], amount: float) -> None:
    """Add to a total.

    Args:
        connection: Of a writing transaction.
        name: One of :data:`KNOWN`.
        labels: A value for each of its labels.
        amount: Not negative.

    Raises:
        ValueError: the counter is not known, has other labels, or would go down.
    """
    if name not in KNOWN or set(labels) != set(KNOWN[name][1]) or amount < 0:
        raise ValueError(f"no counter {name} with labels {sorted(labels)} grows by {amount}")
    text = json.dumps(dict(labels), sort_keys=True, ensure_ascii=False)
    upsert(
        connection,
        counters,
        {"name": name, "labels": text, "value": float(amount)},
        change={"value": counters.c.value + float(amount)},
    )


def totals(connection: Connection) -> list[Counter]:
    """Every total, by name and labels."""
    rows = connection.execute(select(counters).order_by(counters.c.name, counters.c.labels))
    return [Counter(row.name, json.loads(row.labels), row.value) for row in rows]
