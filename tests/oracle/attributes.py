"""S11 and S22: one row of attributes per person, leaf by leaf, and its system columns."""

from collections.abc import Callable
from typing import Any

from .catalog import Sandbox
from .identities import Row
from .membership import merged_membership
from .persons import Person
from .policy import MergePolicy
from .projection import ProfileUnion
from .spark_types import StructType, leaves
from .values import at, cast, null_empty_structs, nulls_lowest

Rank = Callable[[Row], Any]


def rank_of(policy: MergePolicy) -> Rank:
    """What makes a record win a leaf: greater is better."""
    if policy.merge_type == "timestampOrdered":
        return lambda row: (nulls_lowest(row.updated), row.dataset.id, row.primary)
    place = {dataset_id: -index for index, dataset_id in enumerate(policy.order)}
    return lambda row: (place[row.dataset.id], nulls_lowest(row.updated), row.primary)


def merged_attributes(person: Person, union: ProfileUnion, rank: Rank) -> dict[str, Any]:
    """Every leaf of the union: the best record that has a value for it. Nothing from events."""
    best_first = sorted(person.records, key=rank, reverse=True)
    merged: dict[str, Any] = {}
    for path, _ in leaves(union.attributes):
        values = (at(row.own_values, path) for row in best_first)
        _put(merged, path, next((value for value in values if value is not None), None))
    return merged


def _put(target: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        target = target.setdefault(name, {})
    target[path[-1]] = value


def identity_map(person: Person, sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """S10: namespace as written -> its identities, sorted by id."""
    written: dict[str, list[dict[str, Any]]] = {}
    for (namespace, value), state in sorted(person.states.items()):
        entry = {
            "id": value,
            "authenticatedState": state,
            "primary": (namespace, value) in person.primaries,
        }
        written.setdefault(sandbox.write_namespace(namespace), []).append(entry)
    return written


def identities(person: Person, sandbox: Sandbox) -> list[dict[str, Any]]:
    """S22: the same as a list, sorted by (code as written, id)."""
    entries = [
        {
            "id": value,
            "namespace": {"code": sandbox.write_namespace(namespace)},
            "primary": (namespace, value) in person.primaries,
        }
        for namespace, value in person.states
    ]
    return sorted(entries, key=lambda entry: (entry["namespace"]["code"], entry["id"]))


def person_row(
    person: Person, union: ProfileUnion, rank: Rank, output: StructType, sandbox: Sandbox
) -> dict[str, Any]:
    """The projected row. A struct is null if all its projected leaves are (S11)."""
    row = merged_attributes(person, union, rank)
    row["identityMap"] = identity_map(person, sandbox)
    row["identities"] = identities(person, sandbox)
    row["segmentMembership"] = merged_membership(person)
    return null_empty_structs(output, cast(output, row))
