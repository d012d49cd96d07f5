"""The manifest of an export and its job document: what was written, for those who check it."""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from profile_export.commit import batch_ids
from profile_export.engines import Written, WrittenFile
from profile_export.errors import JobFailed
from profile_export.plan import ExportPlan
from profile_export.storage import Folder

MANIFEST_VERSION = 1
MANIFEST = "manifest.json"
JOB = "job.json"
ROOT = "_profile_export"
"""Below a dataset: a folder for each job's papers."""


def papers_folder(location: str, job_id: int) -> Folder:
    """Where the papers of a job lie, below its target."""
    return papers_in(Folder(location), job_id)


def papers_in(target: Folder, job_id: int) -> Folder:
    """As :func:`papers_folder`, of a target at hand."""
    return target.at(f"{ROOT}/{job_id}")


def manifest(
    plan: ExportPlan,
    written: Written,
    counts: Mapping[str, object],
    *,
    engine: tuple[str, str],
    created_at: datetime,
) -> dict[str, object]:
    """The manifest (4-architecture.md), batches in the order of the job document.

    Args:
        plan: Of the job.
        written: What its commit holds.
        counts: ``candidates``, ``exclusions``, ``events_truncated``, ``rows_without_identity``.
        engine: Name and version of what wrote the files.
        created_at: Now, UTC.
    """
    return {
        "manifestVersion": MANIFEST_VERSION,
        "jobId": plan.job_id,
        "datasetId": plan.target.dataset_id,
        "deltaVersion": written.delta_version,
        "createdAt": created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "engine": {"name": engine[0], "version": engine[1]},
        "request": plan.request,
        "plan": _pinned(plan),
        "candidates": counts["candidates"],
        "exclusions": counts["exclusions"],
        "eventsTruncated": counts["events_truncated"],
        "rowsWithoutIdentity": counts["rows_without_identity"],
        "batches": _batches(plan, written),
    }


def _pinned(plan: ExportPlan) -> dict[str, object]:
    """Policy, time and input versions: what the rows follow from, with the request."""
    dumped = plan.model_dump(mode="json", by_alias=True, include={"merge_policy", "as_of"})
    inputs = [
        {"datasetId": i.dataset_id, "table": i.table.display, "version": i.version}
        for i in plan.inputs
    ]
    return {"mergePolicy": dumped["mergePolicy"], "asOf": dumped["asOf"], "inputs": inputs}


def _batches(plan: ExportPlan, written: Written) -> list[dict[str, object]]:
    rows = {batch.batch_id: batch for batch in written.batches}
    segments = {batch.batch_id: batch.segment for batch in plan.batches}
    files: defaultdict[str, list[WrittenFile]] = defaultdict(list)
    for file in written.files:
        files[file.batch_id].append(file)
    return [
        {
            "batchId": batch_id,
            "segment": segments[batch_id],
            "recordCount": rows[batch_id].records,
            "eventCount": rows[batch_id].events,
            "bytes": sum(file.bytes for file in files[batch_id]),
            "rowSetHash": rows[batch_id].row_set_hash,
            "files": [_file(file) for file in files[batch_id]],
        }
        for batch_id in batch_ids(plan)
    ]


def _file(file: WrittenFile) -> dict[str, object]:
    return {"path": file.path, "bytes": file.bytes, "rows": file.rows, "sha256": file.sha256}


def job_with_plan(document: Mapping[str, object], plan: ExportPlan) -> dict[str, object]:
    """``job.json``: the job document, and the whole plan so that ``rerun`` needs nothing else."""
    return {**document, "plan": plan_json(plan)}


def plan_json(plan: ExportPlan) -> dict[str, object]:
    return plan.model_dump(mode="json", by_alias=True)


def write_json(folder: Folder, name: str, content: Mapping[str, object]) -> None:
    """Write a document whole or not at all."""
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=False)
    folder.write(name, text.encode() + b"\n")


def read_json(folder: Folder, name: str) -> dict[str, object] | None:
    """A document, or None where there is none.

    Raises:
        JobFailed: ``papers-unreadable``: it is no JSON object.
    """
    try:
        content = json.loads(folder.read(name))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise unreadable(name, "no JSON document")
    return content


def unreadable(name: str, what: str) -> JobFailed:
    """The error of a paper that nothing can be made of."""
    return JobFailed(
        f"The job's {name} is {what}, or was damaged or changed. Restore it, or export under"
        " another job id.",
        code="papers-unreadable",
    )
