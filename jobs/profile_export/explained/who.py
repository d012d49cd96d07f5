"""Whose identity it is, and the verdict on that person: read with the job's own who phase."""

from dataclasses import dataclass, replace
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export import run
from profile_export.explained.cells import Row, keys_of
from profile_export.explained.values import rows_in
from profile_export.plan import ExportPlan
from profile_export.stages import audience, membership, membership_entries


@dataclass(frozen=True)
class Found:
    """One person as the who phase has it, and what its stages need to go on with it alone."""

    key: str
    rows: tuple[Row, ...]
    """``source``, ``participates``, ``is_record``, ``pk``, ``keys`` (identities), ``ingested``,
    ``entries``, ``rows``: one per dataset and primary identity, in this order."""
    people: DataFrame
    """The ``who`` rows that ``rows`` was read from."""
    decided: run.Decided
    """Of this person only; ``audience`` is empty if it is no candidate."""


def person_of(decided: run.Decided, key: str, *, graph: str) -> Found | None:
    """The person that has an identity; in ``none`` the one whose primary identity it is."""
    columns = ["source", "participates", "is_record", "pk", "ingested", "entries", "rows"]
    people, of_exported = decided.people, decided.rows
    assert people is not None, "whoever explains has the rows kept"
    assert of_exported is not None, "rows are kept of all, or of nobody"
    every = rows_of(people.select("person", *columns, F.col("ids.key").alias("keys")))
    mine = [r for r in every if r["pk"] == key or (graph == "pdg" and key in keys_of(r))]
    if not mine:
        return None
    person = str(mine[0]["person"])
    rows = [row for row in every if row["person"] == person]
    rows.sort(key=lambda row: (not row["is_record"], row["source"], row["pk"]))
    is_person = F.col("person") == person
    its = people.where(is_person)
    only = replace(
        decided,
        rows=of_exported.where(is_person),
        audience=decided.audience.where(is_person),
    )
    return Found(person, tuple(rows), its, only)


def rows_of(frame: DataFrame) -> list[Row]:
    """The rows as Python values, times with their zone, on both engines."""
    return rows_in(frame.toArrow())


def verdict(found: Found, plan: ExportPlan) -> Row | None:
    """The verdict and what it was made of, as ``audience`` has them; None for no candidate.

    ``reason``, ``batches``, ``identities``, ``has_record``, ``updated``.
    """
    numbers = audience.candidates(found.people, plan=plan, exact=True)
    its = rows_of(found.decided.audience.join(numbers, on="person", how="inner"))
    return its[0] if its else None


def items_matched(plan: ExportPlan, found: Found) -> tuple[set[int], set[int]]:
    """Which items of ``filter.segments`` match in status, and which match wholly (S18, S19)."""
    any_time = {"qualified_from": None, "qualified_before": None}
    anytime = plan.model_copy(update={"audience": plan.audience.model_copy(update=any_time)})
    entries = membership_entries.of_who(found.people, plan=plan)
    each = [rows_of(membership.matches(entries, plan=p)) for p in (anytime, plan)]
    in_status, wholly = (set(cast(list[int], e[0]["items"])) if e else set() for e in each)
    return in_status, wholly
