"""The outcome of the who phase: frames that read materialised tables, and the counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row

from profile_export import keyed_plans
from profile_export.plan import ExportPlan
from profile_export.stages import audience


@dataclass(frozen=True)
class Counts:
    """Who was considered, and what became of them (S14-S19).

    ``batches`` has the exported persons of each batch of the plan, in order. ``exclusions`` names
    every reason, zeros too. ``namespaces``: exported persons by identity namespace (as written).
    """

    candidates: int
    exclusions: dict[str, int]
    batches: tuple[int, ...]
    exported: int
    namespaces: dict[str, int]
    rows_without_identity: dict[str, int]


@dataclass(frozen=True)
class Decided:
    """Who is exported, and into which batches."""

    rows: DataFrame | None
    """``who`` rows with ``person`` of the exported persons, one per dataset and primary identity.
    None where no rows were kept (``phases/keyed.py``)."""
    audience: DataFrame
    """``person``, ``reason``, ``batches``; one per candidate."""
    counts: Counts
    suspects: Mapping[str, DataFrame]
    """Dataset id -> primary identities of several records, so that S4 has to choose."""
    persons: DataFrame | None = None
    """``key``, ``person`` of a graph's components, where no rows were kept."""
    crowded: DataFrame | None = None
    """``person`` of whom a dataset has several current records, where no rows were kept; None if
    there are none."""
    eventful: DataFrame | None = None
    """As ``audience.eventful`` gives them."""
    people: DataFrame | None = None
    """As ``rows``, of everybody and not materialised, with all columns: for who explains."""


@dataclass(frozen=True)
class Exported:
    """The exported persons as the what phase has them: by numbers (docs/decisions/0026)."""

    decided: Decided
    members: DataFrame
    """``key`` (what the who phase names ``person``), ``person`` long, ``batches``; materialised."""
    keys: DataFrame
    """``pk``, ``person`` (the number): their primary identities, each once; materialised."""


class Tally:
    """Adds up what the engine has counted, to :class:`Counts`."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan = plan
        self._candidates = 0
        self._exclusions = dict.fromkeys(audience.REASONS, 0)
        self._batches = [0] * len(plan.batches)
        self._namespaces: dict[str, int] = {}
        self._orphans: Mapping[int, int] = {}

    def add_verdicts(self, rows: Iterable[Row]) -> None:
        """Rows of ``tallies.of_verdicts``, by ``namespaces`` where it was told."""
        by_bits: dict[int, int] = {}
        for row in rows:
            persons = int(row["persons"])
            if row["batch"] is not None:
                self._batches[row["batch"]] += persons
                continue
            self._candidates += persons
            if row["reason"] is not None:
                self._exclusions[row["reason"]] += persons
            elif "namespaces" in row:
                by_bits[row["namespaces"]] = by_bits.get(row["namespaces"], 0) + persons
        self._add(keyed_plans.by_namespace(by_bits, plan=self._plan))

    def add_namespaces(self, rows: Iterable[Row]) -> None:
        """Rows of ``tallies.of_namespaces``."""
        self._add({row["namespace"]: int(row["persons"]) for row in rows})

    def add_orphans(self, by_source: Mapping[int, int]) -> None:
        """Rows without an identity, by the position of their dataset."""
        self._orphans = by_source

    def counts(self) -> Counts:
        written = self._plan.namespaces
        return Counts(
            candidates=self._candidates,
            exclusions=dict(self._exclusions),
            batches=tuple(self._batches),
            exported=self._candidates - sum(self._exclusions.values()),
            namespaces={written.get(name, name): n for name, n in self._namespaces.items()},
            rows_without_identity={
                source.dataset_id: self._orphans.get(index, 0)
                for index, source in enumerate(self._plan.inputs)
                if source.participates
            },
        )

    def _add(self, namespaces: Mapping[str, int]) -> None:
        for name, persons in namespaces.items():
            self._namespaces[name] = self._namespaces.get(name, 0) + persons
