"""An identity that nobody has: what can be said of it."""

from collections.abc import Sequence

from profile_export.errors import NotFound, nearest
from profile_export.explained.values import identity
from profile_export.plan import ExportPlan

MOST_CARRIERS = 5


def nobody(plan: ExportPlan, key: str, carriers: Sequence[tuple[int, str]]) -> NotFound:
    """Why an identity is nobody's, as far as the rows that carry it tell.

    Args:
        plan: Of the job.
        key: The identity.
        carriers: Rows with it: position of the dataset, primary identity key.
    """
    asked, policy = identity(key, plan.namespaces), plan.merge_policy
    rows = ", ".join(
        f"{identity(pk, plan.namespaces)} of {plan.inputs[index].name}" for index, pk in carriers
    )
    if not carriers:
        told = _unknown(plan, key)
    elif policy.graph == "none":
        told = (
            f"{asked} is nobody's primary identity, and under merge policy {policy.id} (identity"
            f" graph none) a person is a primary identity. Rows that carry it: {rows}. Explain one"
            " of these."
        )
    else:
        told = (
            f"Nobody has the identity {asked} any more: only records carry it that newer ones have"
            f" replaced (S4): {rows}. Explain one of these."
        )
    return NotFound(told, code="unknown-identity")


def _unknown(plan: ExportPlan, key: str) -> str:
    asked = identity(key, plan.namespaces)
    names = ", ".join(source.name for source in plan.inputs)
    told = f"Nobody has the identity {asked}: no row of {names} carries it."
    if asked.namespace in plan.namespaces.values():
        return f"{told} Check the value: it compares exactly, with its case."
    known = nearest(asked.namespace, plan.namespaces.values())
    return f"{told} The sandbox declares no namespace {asked.namespace!r}. {known}"
