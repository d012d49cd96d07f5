"""The job document of the REST API (2-api.md): one function for each step of a job's life.

Every function returns a new document and leaves its argument alone. Times are epoch milliseconds.
``fields``, ``filter``, ``additionalFields`` and ``schema`` are echoed as sent; one that was not
sent is left out, so that the document says what was asked and no more. ``errors`` is always there.
"""

import secrets
import string
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import uuid4

from profile_export.plan import ExportPlan

Document: TypeAlias = dict[str, object]

STATUSES = ("NEW", "PROCESSING", "SUCCEEDED", "FAILED", "CANCELLING", "CANCELLED")
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
_ECHOED = ("fields", "schema", "filter", "additionalFields")
_ALPHANUMERIC = string.ascii_letters + string.digits


def new(plan: ExportPlan, *, at: datetime | None = None, request_id: str | None = None) -> Document:
    """The document of a job that was just accepted: batch ids assigned, nothing measured.

    Args:
        plan: What will be done. Its ``as_of`` is the creation time.
        at: When the clock of ``totalTime`` starts; the creation time unless given (``--as-of``).
        request_id: 32 letters and digits; new ones unless given.
    """
    created = epoch_ms(plan.as_of)
    echoed = {name: plan.request[name] for name in _ECHOED if name in plan.request}
    return deepcopy(
        {
            "id": plan.job_id,
            "profileInstanceId": "ups",
            "jobType": "BATCH",
            "imsOrgId": plan.ims_org_id,
            "requestId": request_id or "".join(secrets.choice(_ALPHANUMERIC) for _ in range(32)),
            "status": "NEW",
            **echoed,
            "mergePolicy": {"id": plan.merge_policy.id, "version": plan.merge_policy.version},
            "destination": _destination(plan),
            "computeGatewayJobId": {},
            "metrics": {"totalTime": {"startTimeInMs": created if at is None else epoch_ms(at)}},
            "errors": [],
            "creationTime": created,
            "updateTime": created if at is None else epoch_ms(at),
        }
    )


def _destination(plan: ExportPlan) -> Document:
    target = plan.target.dataset_id
    shown: Document = {
        "datasetId": target,
        "dataSetId": target,
        "segmentPerBatch": plan.segment_per_batch,
    }
    if plan.segment_per_batch:
        shown["batches"] = [{**batch.segment, "batchId": batch.batch_id} for batch in plan.batches]
    else:
        shown["batchId"] = plan.batches[0].batch_id
    return shown


def processing(document: Document, *, at: datetime) -> Document:
    """The document of a job that a worker took; taken again, it keeps its compute ids."""
    return _started(_step(document, "PROCESSING", at))


def progressed(document: Document, stage: str, fraction: float, *, at: datetime) -> Document:
    """The document with ``metrics.progress``: where the job is, what part is done (0..1)."""
    made = _step(document, str(document["status"]), at)
    _metrics(made)["progress"] = {
        "stage": stage,
        "fraction": round(min(max(fraction, 0.0), 1.0), 4),
    }
    return made


def succeeded(
    document: Document,
    counts: Mapping[str, object],
    *,
    export_time: tuple[datetime, datetime],
    write_time: tuple[datetime, datetime],
    at: datetime,
) -> Document:
    """The document of a job whose commit was made.

    Args:
        document: As it was.
        counts: As in ``dataclasses.asdict`` of :class:`profile_export.run.Counts`; used are
            ``candidates``, ``exclusions``, ``batches`` (rows of each), ``namespaces`` and
            ``events_truncated``.
        export_time: From the first read to the last file written.
        write_time: Of the commit.
        at: When the job ended.
    """
    made = _started(_step(document, "SUCCEEDED", at))
    metrics, rows = _metrics(made), counts["batches"]
    assert isinstance(rows, list | tuple)
    metrics.update(
        deepcopy(
            {
                "totalTime": _ended(metrics, at),
                "profileExportTime": _span(*map(epoch_ms, export_time)),
                "aCPDatasetWriteTime": _span(*map(epoch_ms, write_time)),
                "totalExportedProfileCounter": sum(rows),
                "exportedProfileByNamespaceCounter": counts["namespaces"],
                "candidates": counts["candidates"],
                "exclusions": counts["exclusions"],
                "eventsTruncated": counts["events_truncated"],
                "progress": {"stage": "done", "fraction": 1.0},
            }
        )
    )
    return made


def left_open(document: Document, code: str, message: str, *, at: datetime) -> Document:
    """The document of a job that has committed, or may have, and was not completed: it has not
    failed. Why it was not is in ``errors``."""
    return {**processing(document, at=at), "errors": [_error(code, message)]}


def failed(document: Document, code: str, message: str, *, at: datetime) -> Document:
    """The document of a job that could not be done: an error, no batch, nothing of the write.

    ``message`` says what to do.
    """
    made = _started(_step(document, "FAILED", at))
    metrics = _metrics(made)
    metrics.pop("aCPDatasetWriteTime", None)
    metrics["totalTime"] = _ended(metrics, at)
    made["errors"] = [_error(code, message)]
    destination = made["destination"]
    assert isinstance(destination, dict)
    for batch in destination.get("batches", [destination]):
        batch["batchId"] = ""
    return made


def cancelling(document: Document, *, at: datetime) -> Document:
    """The document of a job that was asked to stop and has not stopped yet."""
    return _step(document, "CANCELLING", at)


def cancelled(document: Document, *, at: datetime) -> Document:
    """The document of a job that stopped: it keeps its batch ids, whose batches are aborted."""
    made = _step(document, "CANCELLED", at)
    metrics = _metrics(made)
    metrics.pop("aCPDatasetWriteTime", None)
    metrics["totalTime"] = _ended(metrics, at)
    return made


def _error(code: str, message: str) -> Document:
    """``callStack`` is there for old clients, empty: no trace leaves us."""
    return {"code": code, "msg": message, "callStack": ""}


def _step(document: Document, status: str, at: datetime) -> Document:
    return {**deepcopy(document), "status": status, "updateTime": epoch_ms(at)}


def _started(document: Document) -> Document:
    """With two compute ids, once there is or was a run (they are empty while NEW)."""
    ids = document["computeGatewayJobId"] or {"exportJob": str(uuid4()), "pushJob": str(uuid4())}
    return {**document, "computeGatewayJobId": ids}


def _metrics(document: Document) -> Document:
    metrics = document["metrics"]
    assert isinstance(metrics, dict)
    return metrics


def _ended(metrics: Document, at: datetime) -> dict[str, int]:
    total = metrics["totalTime"]
    assert isinstance(total, dict)
    return _span(int(total["startTimeInMs"]), epoch_ms(at))


def _span(start: int, end: int) -> dict[str, int]:
    """From the start to the end, or to the start where another clock is behind."""
    end = max(start, end)
    return {"startTimeInMs": start, "endTimeInMs": end, "totalTimeInMs": end - start}


def epoch_ms(at: datetime) -> int:
    """Epoch milliseconds, exactly: a float of seconds would lose some."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
