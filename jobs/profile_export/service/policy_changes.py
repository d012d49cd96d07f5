"""A merge policy as a document, and what POST, PUT and PATCH make of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from profile_export.catalog import MergePolicy, Sandbox
from profile_export.catalog.file import MergePart
from profile_export.catalog.rules import merge_problems
from profile_export.catalog.well_formed import well_formed
from profile_export.errors import Problem
from profile_export.service.catalog_models import MergePolicyIn

_ORDER = "/attributeMerge/order"


def document(policy: MergePolicy) -> dict[str, Any]:
    """The members of a policy that a client may change."""
    merge: dict[str, object] = {"type": policy.attribute_merge}
    if policy.attribute_merge == "dataSetPrecedence":
        merge["order"] = list(policy.order)
    return {
        "name": policy.name,
        "schema": {"name": policy.schema_name},
        "identityGraph": {"type": policy.graph},
        "attributeMerge": merge,
        "isActiveOnEdge": policy.is_active_on_edge,
        "default": policy.default,
    }


def policy_of(asked: MergePolicyIn, policy_id: str) -> MergePolicy:
    """The policy that a body describes; its version is the store's to give."""
    merge = asked.attribute_merge
    return MergePolicy(
        id=policy_id,
        name=asked.name,
        version=1,
        graph=asked.identity_graph.type,
        attribute_merge=merge.type,
        order=merge.order if merge.type == "dataSetPrecedence" else (),
        default=asked.default,
        schema_name=asked.schema_.name,
        is_active_on_edge=asked.is_active_on_edge,
    )


def order_faults(catalog: Sandbox) -> Callable[[Mapping[str, object]], Iterable[Problem]]:
    """What is wrong with the order in a body, told beside what is wrong with its shape."""
    known = frozenset(dataset.id for dataset in catalog.datasets)
    exports = frozenset(d.id for d in catalog.datasets if d.kind == "export")

    def faults(body: Mapping[str, object]) -> Iterable[Problem]:
        merge = well_formed(MergePart, body.get("attributeMerge"))
        return () if merge is None else merge_problems(merge, known, exports, _ORDER)

    return faults
