"""The job document, from NEW to its end (2-api.md)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from catalogs import GOOD, SANDBOX, TABLES, TARGET, reader
from profile_export import document
from profile_export.plan import ExportPlan
from profile_export.planning import make_plan

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
MS = 1_767_225_600_000
SEGMENTS = [{"segmentId": "a"}, {"segmentId": "b", "segmentNs": "AAM", "status": ["exited"]}]
PER_SEGMENT = {
    "filter": {"segments": SEGMENTS},
    "destination": {"datasetId": TARGET, "segmentPerBatch": True},
}
COUNTS: dict[str, object] = {
    "candidates": 25,
    "exclusions": {"notInSegment": 5},
    "batches": (12, 8),
    "exported": 15,
    "namespaces": {"email": 10},
    "rows_without_identity": {"ds-crm": 0},
    "events_truncated": {"profiles": 0, "events": 0},
}


def after(seconds: float) -> datetime:
    return CREATED + timedelta(seconds=seconds)


def plan(**body: object) -> ExportPlan:
    return make_plan(
        {**GOOD, **body}, SANDBOX, table_info=reader(TABLES), job_id=24115, as_of=CREATED
    )


def new(**body: object) -> Any:
    return document.new(plan(**body))


def succeeded(doc: Any) -> Any:
    spans = {"export_time": (after(1), after(3)), "write_time": (after(3), after(3.5))}
    return document.succeeded(doc, COUNTS, at=after(4), **spans)


def test_new() -> None:
    made_of = plan(fields="tier", mergePolicy={"id": "time"})
    doc = document.new(made_of, request_id="r" * 32)
    assert doc == {
        "id": 24115,
        "profileInstanceId": "ups",
        "jobType": "BATCH",
        "imsOrgId": "acme@AcmeOrg",
        "requestId": "r" * 32,
        "status": "NEW",
        "fields": "tier",
        "schema": {"name": "_xdm.context.profile"},
        "mergePolicy": {"id": "time", "version": 2},
        "destination": {
            "datasetId": TARGET,
            "dataSetId": TARGET,
            "segmentPerBatch": False,
            "batchId": made_of.batches[0].batch_id,
        },
        "computeGatewayJobId": {},
        "metrics": {"totalTime": {"startTimeInMs": MS}},
        "errors": [],
        "creationTime": MS,
        "updateTime": MS,
    }


def test_request_ids_are_32_alphanumerics() -> None:
    made = {new()["requestId"] for _ in range(20)}
    assert len(made) == 20
    assert all(len(i) == 32 and i.isascii() and i.isalnum() for i in made)


def test_the_request_is_echoed_as_sent() -> None:
    sent = {"fields": " tier ", "filter": {"segments": []}, "additionalFields": {"eventList": {}}}
    doc = new(**sent)
    assert {name: doc[name] for name in sent} == sent
    assert not {"fields", "filter", "additionalFields"} & new().keys()


def test_s20_one_entry_per_batch_with_its_segment() -> None:
    made_of = plan(**PER_SEGMENT)
    destination: Any = document.new(made_of)["destination"]
    first, second = (batch.batch_id for batch in made_of.batches)
    assert "batchId" not in destination
    assert destination["batches"] == [
        {
            "segmentId": "a",
            "segmentNs": "ups",
            "status": ["realized", "existing"],
            "batchId": first,
        },
        {"segmentId": "b", "segmentNs": "AAM", "status": ["exited"], "batchId": second},
    ]


def test_a_clock_of_its_own_beside_the_creation_time() -> None:
    doc: Any = document.new(plan(), at=after(60))
    assert doc["creationTime"] == MS
    assert doc["metrics"]["totalTime"] == {"startTimeInMs": MS + 60_000}


def test_processing_gives_compute_ids_once() -> None:
    doc: Any = document.processing(new(), at=after(1))
    assert (doc["status"], doc["updateTime"]) == ("PROCESSING", MS + 1000)
    ids = doc["computeGatewayJobId"]
    assert len({ids["exportJob"], ids["pushJob"]}) == 2
    again: Any = document.processing(doc, at=after(2))
    assert again["computeGatewayJobId"] == ids


def test_a_job_that_has_committed_and_is_not_complete_says_why() -> None:
    begun = new()
    doc: Any = document.left_open(begun, "manifest-missing", "Run it again.", at=after(1))
    assert (doc["status"], doc["destination"]) == ("PROCESSING", begun["destination"])
    (error,) = doc["errors"]
    assert error == {"code": "manifest-missing", "msg": "Run it again.", "callStack": ""}


def test_progress() -> None:
    doc: Any = document.progressed(new(), "merge", 0.4, at=after(1))
    assert doc["metrics"]["progress"] == {"stage": "merge", "fraction": 0.4}
    beyond: Any = document.progressed(doc, "write", 1.7, at=after(1))
    assert beyond["metrics"]["progress"]["fraction"] == 1.0


def test_succeeded() -> None:
    doc = succeeded(document.processing(new(), at=after(1)))
    assert doc["status"] == "SUCCEEDED"
    assert doc["metrics"] == {
        "totalTime": {"startTimeInMs": MS, "endTimeInMs": MS + 4000, "totalTimeInMs": 4000},
        "profileExportTime": {
            "startTimeInMs": MS + 1000,
            "endTimeInMs": MS + 3000,
            "totalTimeInMs": 2000,
        },
        "aCPDatasetWriteTime": {
            "startTimeInMs": MS + 3000,
            "endTimeInMs": MS + 3500,
            "totalTimeInMs": 500,
        },
        "totalExportedProfileCounter": 20,
        "exportedProfileByNamespaceCounter": {"email": 10},
        "candidates": 25,
        "exclusions": {"notInSegment": 5},
        "eventsTruncated": {"profiles": 0, "events": 0},
        "progress": {"stage": "done", "fraction": 1.0},
    }
    assert doc["errors"] == []


def test_failed_has_no_batch_and_nothing_of_the_write() -> None:
    started = document.processing(new(), at=after(1))
    doc: Any = document.failed(succeeded(started), "target-changed", "Do this.", at=after(5))
    assert doc["status"] == "FAILED"
    assert doc["errors"] == [{"code": "target-changed", "msg": "Do this.", "callStack": ""}]
    assert doc["destination"]["batchId"] == ""
    assert "aCPDatasetWriteTime" not in doc["metrics"]
    assert doc["metrics"]["totalTime"]["totalTimeInMs"] == 5000


def test_failed_blanks_the_batch_of_every_segment() -> None:
    doc: Any = document.failed(new(**PER_SEGMENT), "x", "y", at=after(1))
    assert [batch["batchId"] for batch in doc["destination"]["batches"]] == ["", ""]
    assert "batchId" not in doc["destination"]
    assert doc["computeGatewayJobId"]["exportJob"]


def test_cancelled_keeps_its_batch_ids() -> None:
    doc = new(**PER_SEGMENT)
    stopping: Any = document.cancelling(doc, at=after(1))
    stopped: Any = document.cancelled(stopping, at=after(2))
    assert (stopping["status"], stopped["status"]) == ("CANCELLING", "CANCELLED")
    assert stopped["destination"] == doc["destination"]
    assert stopped["metrics"]["totalTime"]["totalTimeInMs"] == 2000


def test_no_time_ends_before_it_began_where_clocks_differ() -> None:
    """A worker's clock may be behind that of the service, or be set back while a job runs."""
    none = {"startTimeInMs": MS, "endTimeInMs": MS, "totalTimeInMs": 0}
    for doc in (
        document.cancelled(new(), at=after(-60)),
        document.failed(new(), "x", "y", at=after(-60)),
    ):
        metrics: Any = doc["metrics"]
        assert metrics["totalTime"] == none


def test_documents_are_not_changed_and_are_json() -> None:
    first = new(**PER_SEGMENT)
    before = json.dumps(first)
    second = document.processing(first, at=after(1))
    kept = json.dumps(second)
    for doc in (succeeded(second), document.failed(second, "c", "m", at=after(2))):
        json.dumps(doc)
    assert (json.dumps(first), json.dumps(second)) == (before, kept)
