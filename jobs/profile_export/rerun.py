"""A finished export once more: the same request, input versions and creation time (S28, S29).

``job.json`` carries the whole plan. Only two things are taken from elsewhere: where the tables lie,
from a sandbox file and by dataset id, so that a sandbox that was moved can be rerun; and new ids.
"""

import secrets
from collections.abc import Callable, Iterator
from uuid import uuid4

from profile_export.catalog import Dataset, Sandbox
from profile_export.errors import Problem, Refused, nearest
from profile_export.pins import pin_problems
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.planning import LARGEST_ID
from profile_export.tables import TableInfo

SANDBOX = "--sandbox"


def relocated(
    plan: ExportPlan,
    sandbox: Sandbox,
    *,
    locate: Callable[[TableRef], str],
    table_info: Callable[[TableRef], TableInfo],
) -> ExportPlan:
    """The plan with its tables where a sandbox has them now, every pinned version still there.

    Reads logs and footers, no row. Nothing is written.

    Args:
        plan: Of a finished job.
        sandbox: Where datasets lie now.
        locate: The location of a Delta table that is known by name only.
        table_info: What any table is now.

    Raises:
        Refused: with every problem: another sandbox, a dataset that is missing or of another class,
            an input whose pinned version or file is gone, or whose columns are others now.
    """
    problems = list(_of_sandbox(plan, sandbox))
    for source in plan.inputs:
        dataset = sandbox.dataset(source.dataset_id)
        found = list(_of_dataset(source.dataset_id, source.name, source.kind, sandbox))
        if dataset is not None and not found:
            found = list(_of_format(source, dataset))
        if dataset is not None and not found:
            moved = source.model_copy(update={"table": dataset.table})
            found = list(pin_problems(moved, locate=locate, table_info=table_info))
        problems += found
    target = plan.target
    problems += _of_dataset(target.dataset_id, target.name, "export", sandbox)
    if problems:
        raise Refused(problems)
    return plan.model_copy(
        update={
            "inputs": tuple(_moved(source, sandbox) for source in plan.inputs),
            "target": target.model_copy(
                update={"table": _dataset(sandbox, target.dataset_id).table}
            ),
        }
    )


def as_new_job(plan: ExportPlan) -> ExportPlan:
    """The plan under a new job id, with new batch ids: a job that appends its own batches (S30)."""
    batches = tuple(b.model_copy(update={"batch_id": uuid4().hex}) for b in plan.batches)
    job_id = secrets.randbelow(LARGEST_ID) + 1
    return plan.model_copy(update={"job_id": job_id, "batches": batches})


def not_pinned(plan: ExportPlan) -> list[str]:
    """What to tell of inputs without versions: they are read as they are, not as they were."""
    return [
        f"Dataset {source.name} ({source.dataset_id}) is Parquet, which has no versions:"
        f" {'its' if source.files is None else 'the same'} files are read as"
        " they are now. If they have changed since, the rows may differ."
        for source in plan.inputs
        if source.version is None
    ]


def _of_sandbox(plan: ExportPlan, sandbox: Sandbox) -> Iterator[Problem]:
    here, there = (sandbox.ims_org_id, sandbox.name), (plan.ims_org_id, plan.sandbox)
    if here != there:
        detail = (
            f"The job is of sandbox {there[1]} of {there[0]}, the file describes sandbox {here[1]}"
            f" of {here[0]}. Name the file of the job's own sandbox."
        )
        yield Problem("other-sandbox", detail, parameter=SANDBOX)


def _of_dataset(dataset_id: str, name: str, kind: str, sandbox: Sandbox) -> Iterator[Problem]:
    dataset = sandbox.dataset(dataset_id)
    if dataset is None:
        known = [d.id for d in sandbox.datasets if d.kind == kind]
        detail = (
            f"The job needs dataset {dataset_id} ({name}), which the sandbox file does not have."
            f" {nearest(dataset_id, known)}"
        )
        yield Problem("unknown-dataset", detail, parameter=SANDBOX)
    elif dataset.kind != kind:
        detail = f"Dataset {dataset.label} is of class {dataset.kind} now; in the job it is {kind}."
        yield Problem("other-class", detail, parameter=SANDBOX, source=dataset.source)


def _of_format(source: Input, dataset: Dataset) -> Iterator[Problem]:
    """A Delta table's folder read as plain Parquet has the rows of all its versions in it."""
    then, now = source.table.format, dataset.table.format
    if then != now:
        detail = (
            f"Dataset {dataset.label} is of format {now} now; in the job it is {then}. Describe it"
            " as it was then."
        )
        yield Problem("input-changed", detail, parameter=SANDBOX, source=dataset.source)


def _moved(source: Input, sandbox: Sandbox) -> Input:
    return source.model_copy(update={"table": _dataset(sandbox, source.dataset_id).table})


def _dataset(sandbox: Sandbox, dataset_id: str) -> Dataset:
    dataset = sandbox.dataset(dataset_id)
    assert dataset is not None
    return dataset
