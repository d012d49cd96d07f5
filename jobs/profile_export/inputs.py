"""Which datasets a job reads, how they rank, and what their tables are now (S6, S10, S28)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from profile_export.catalog import Dataset, Sandbox
from profile_export.errors import Problem, Refused
from profile_export.plan import Input, MergePolicyPin, TableRef
from profile_export.tables import TableInfo
from profile_export.tables.checks import column_problems


@dataclass(frozen=True)
class Read:
    """The inputs whose tables could be read, and what was wrong with tables and columns."""

    inputs: tuple[Input, ...]
    problems: tuple[Problem, ...]
    unread: tuple[tuple[Literal["profile", "experienceevent"], str], ...]
    """(class, id) of the participating datasets whose columns are not known."""


def participating(policy: MergePolicyPin, sandbox: Sandbox) -> list[str]:
    """Ids of the datasets that give rows to persons, in the order of their union (S10, S12)."""
    kinds = {dataset.id: dataset.kind for dataset in sandbox.datasets}
    ordered = [dataset_id for dataset_id in policy.order if dataset_id in kinds]
    by_time = policy.attribute_merge == "timestampOrdered"
    records = [i for i in (kinds if by_time else ordered) if kinds[i] == "profile"]
    events = [i for i in ordered if kinds[i] == "experienceevent"]
    return records + (events or [i for i, kind in kinds.items() if kind == "experienceevent"])


def read_inputs(
    policy: MergePolicyPin, sandbox: Sandbox, table_info: Callable[[TableRef], TableInfo]
) -> Read:
    """Every dataset that the job needs, pinned to its newest version (S28).

    A private graph joins the identities of all datasets of the sandbox (S6); otherwise only the
    participating ones are looked at, so that a broken table beside them does not matter.
    """
    chosen = participating(policy, sandbox)
    datasets = {dataset.id: dataset for dataset in sandbox.datasets}
    others = [i for i, d in datasets.items() if d.kind != "export" and i not in chosen]
    wanted = chosen + (others if policy.graph == "pdg" else [])
    inputs: list[Input] = []
    problems: list[Problem] = [] if wanted else [_nothing_to_read(policy, sandbox)]
    unread: list[tuple[Literal["profile", "experienceevent"], str]] = []
    for dataset_id in wanted:
        dataset, takes_part = datasets[dataset_id], dataset_id in chosen
        try:
            info = table_info(dataset.table)
        except Refused as error:
            problems += [dataset.problem(p.code, p.detail, "/table") for p in error.problems]
            if takes_part and dataset.kind != "export":
                unread.append((dataset.kind, dataset.id))
            continue
        problems += column_problems(dataset, info.columns, participates=takes_part)
        rank = _rank(dataset_id, policy, list(datasets))
        inputs.append(_input(dataset, info, participates=takes_part, rank=rank))
    return Read(tuple(inputs), tuple(problems), tuple(unread))


def _nothing_to_read(policy: MergePolicyPin, sandbox: Sandbox) -> Problem:
    if all(dataset.kind == "export" for dataset in sandbox.datasets):
        detail = (
            f"Sandbox {sandbox.name} has no dataset of class profile or experienceevent, so there"
            " is nobody to export. Add one to it."
        )
    else:
        detail = (
            f"The order of merge policy {policy.id} names no dataset of sandbox {sandbox.name}, so"
            " there is nobody to export. Add one to the order, or ask for another policy."
        )
    return Problem("no-inputs", detail)


def _rank(dataset_id: str, policy: MergePolicyPin, ids: list[str]) -> int:
    if dataset_id in policy.order:
        return policy.order.index(dataset_id)
    return len(policy.order) + ids.index(dataset_id)


def _input(dataset: Dataset, info: TableInfo, *, participates: bool, rank: int) -> Input:
    assert dataset.kind != "export"
    return Input(
        dataset_id=dataset.id,
        name=dataset.name,
        kind=dataset.kind,
        table=dataset.table,
        version=info.version,
        columns=info.columns,
        primary_identity=dataset.primary_identity,
        identities=dataset.identities,
        ingest_time=dataset.ingest_time or "",
        last_updated=dataset.last_updated,
        participates=participates,
        rank=rank,
        files=info.files,
        table_id=info.table_id,
    )
