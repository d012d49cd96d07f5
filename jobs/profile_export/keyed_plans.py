"""Plans whose persons can be decided about straight from the tables, and the bits that stand for
their namespaces (S7, S10)."""

from collections.abc import Mapping

from profile_export.columns import identity as ids
from profile_export.plan import ExportPlan

MOST = 30
"""Datasets, and namespaces: each is a bit of a 64-bit number whose sums must not overflow."""


def fits(plan: ExportPlan) -> bool:
    """Whether the plan's persons can be decided about in this way.

    Not where identities lie in maps, or come with events. Under ``none`` not where a person could
    have more of them than S7 allows, so that they would have to be counted; in a graph, which is of
    all datasets (S6), its components tell.
    """
    in_graph = plan.merge_policy.graph == "pdg"
    theirs = [source for source in plan.inputs if in_graph or source.participates]
    declared = all(s.primary_identity is not None and not s.has_identity_map for s in theirs)
    of_records_only = all(s.kind == "profile" or not s.identities for s in theirs)
    widest = sum(1 + len(source.identities) for source in theirs)
    # A graph that has nothing to join by has no edges to start from, and goes the other way.
    counted = (
        any(s.identities for s in theirs) if in_graph else widest <= plan.audience.max_identities
    )
    return (
        any(source.participates for source in theirs)
        and declared
        and of_records_only
        and counted
        and max(len(plan.inputs), len(namespaces(plan))) <= MOST
    )


def namespaces(plan: ExportPlan) -> list[str]:
    """The lower-cased namespaces of the participating datasets: bit ``n`` stands for the n-th."""
    mine = (source for source in plan.inputs if source.participates)
    return sorted({d.namespace.lower() for source in mine for d in ids.declared(source)})


def by_namespace(counts: Mapping[int, int], *, plan: ExportPlan) -> dict[str, int]:
    """Persons by namespace (S10), from persons by ``namespaces``."""
    found = {}
    for n, name in enumerate(namespaces(plan)):
        persons = sum(count for bits, count in counts.items() if bits >> n & 1)
        if persons:
            found[name] = persons
    return found
