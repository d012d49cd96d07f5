"""The manifest says what was written, batch by batch, in the order of the job document."""

from datetime import UTC, datetime
from pathlib import Path

from profile_export.engines import BatchRows, Written, WrittenFile
from profile_export.manifest import job_with_plan, manifest, read_json, write_json
from profile_export.plan import ExportPlan
from profile_export.storage import Folder
from tables.plans import crm, plan_for

COUNTS: dict[str, object] = {
    "candidates": 5,
    "exclusions": {"notInSegment": 2},
    "events_truncated": {"profiles": 0, "events": 0},
    "rows_without_identity": {"5f0000000000000000000001": 1},
}


def written(plan: ExportPlan) -> Written:
    """Two files in the last batch, none in the first."""
    first, last = (batch.batch_id for batch in plan.batches)
    files = tuple(
        WrittenFile(last, f"_ACP_BATCHID={last}/{n}.parquet", 100 + n, n, "ab") for n in (1, 2)
    )
    return Written(7, files, (BatchRows(last, 3, 4, 2, "ff"), BatchRows(first, 0, 0, 0, "00")))


def test_a_manifest(tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t", inputs=(crm(tmp_path, version=3),))
    at = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    made = manifest(plan, written(plan), COUNTS, engine=("sail", "1"), created_at=at)
    first, last = (batch.batch_id for batch in plan.batches)
    assert made["deltaVersion"] == 7
    assert made["createdAt"] == "2024-05-06T07:08:09.123Z"
    assert made["rowsWithoutIdentity"] == {"5f0000000000000000000001": 1}
    pinned = made["plan"]
    assert isinstance(pinned, dict)
    assert pinned["asOf"] == "2024-05-01T00:00:00Z"
    assert pinned["inputs"] == [
        {"datasetId": "5f0000000000000000000001", "table": "crm", "version": 3}
    ]
    batches = made["batches"]
    assert isinstance(batches, list)
    assert [batch["batchId"] for batch in batches] == [first, last]
    assert (batches[0]["recordCount"], batches[0]["bytes"], batches[0]["files"]) == (0, 0, [])
    assert (batches[1]["recordCount"], batches[1]["eventCount"], batches[1]["bytes"]) == (3, 4, 203)
    assert batches[1]["files"][0] == {
        "path": f"_ACP_BATCHID={last}/1.parquet",
        "bytes": 101,
        "rows": 1,
        "sha256": "ab",
    }


def test_papers_are_read_back(tmp_path: Path) -> None:
    plan, folder = plan_for(tmp_path / "t"), Folder(str(tmp_path / "papers"))
    assert read_json(folder, "job.json") is None
    write_json(folder, "job.json", job_with_plan({"id": 1, "name": "ü"}, plan))
    saved = read_json(folder, "job.json")
    assert saved is not None
    assert ExportPlan.model_validate(saved.pop("plan")) == plan
    assert saved == {"id": 1, "name": "ü"}
