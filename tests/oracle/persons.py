"""S6-S8 and S10: which rows are one person, and what identities that person has."""

from dataclasses import dataclass, field

import networkx

from .catalog import EVENT, PROFILE, Dataset, Sandbox
from .identities import Identity, Row, current_records, read_rows, stronger


@dataclass
class Inputs:
    """Every dataset of the sandbox: its current records, or all of its events."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    without_identity: dict[str, int] = field(default_factory=dict)


@dataclass
class Person:
    """A candidate: a person with a participating current record or event."""

    key: Identity
    records: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    identity_count: int = 0

    @property
    def states(self) -> dict[Identity, str]:
        """The identities of its participating rows, each with the strongest state seen (S10)."""
        seen: dict[Identity, str] = {}
        for row in self.records + self.events:
            for known, state in row.states.items():
                seen[known] = stronger(seen.get(known), state)
        return seen

    @property
    def primaries(self) -> set[Identity]:
        return {row.primary for row in self.records + self.events}


def read_inputs(sandbox: Sandbox) -> Inputs:
    inputs = Inputs()
    for dataset in sandbox.datasets:
        rows, missing = read_rows(dataset)
        inputs.rows[dataset.id] = current_records(rows) if dataset.kind == PROFILE else rows
        inputs.without_identity[dataset.id] = missing
    return inputs


def components(inputs: Inputs) -> dict[Identity, set[Identity]]:
    """Each identity's component, over the rows of ALL datasets, whatever takes part."""
    graph = networkx.Graph()
    for rows in inputs.rows.values():
        for row in rows:
            graph.add_node(row.primary)
            graph.add_edges_from((row.primary, other) for other in row.states)
    return {
        member: component
        for component in networkx.connected_components(graph)
        for member in component
    }


def candidates(inputs: Inputs, graph_type: str, participating: list[Dataset]) -> list[Person]:
    component_of = components(inputs) if graph_type == "pdg" else {}
    found: dict[Identity, Person] = {}
    for dataset in participating:
        for row in inputs.rows[dataset.id]:
            key = min(component_of.get(row.primary, {row.primary}))
            person = found.setdefault(key, Person(key))
            (person.events if dataset.kind == EVENT else person.records).append(row)
    for person in found.values():
        # S7: of the whole component in pdg, else those of S10.
        person.identity_count = len(component_of.get(person.key, person.states))
    return sorted(found.values(), key=lambda person: person.key)
