"""What ``rerun --compare`` says of a manifest and of what came out now."""

from typing import Any

import pytest

from profile_export.compared import BatchNow, Compared, batch_differences, count_differences
from profile_export.papers import Manifest

SAME = BatchNow(records=2, events=3, row_set_hash="aa")
SEGMENT: dict[str, object] = {"segmentNs": "ups", "segmentId": "vip"}
COUNTS: dict[str, Any] = {
    "candidates": 5,
    "exclusions": {"notInSegment": 3},
    "eventsTruncated": {"profiles": 1, "events": 4},
    "rowsWithoutIdentity": {"d": 2},
}


def manifest(*segments: dict[str, object]) -> Manifest:
    """Of a batch for each segment, all like :data:`SAME`."""
    one = {"recordCount": 2, "eventCount": 3, "bytes": 1, "rowSetHash": "aa", "files": []}
    batches = [{**one, "batchId": f"{n:032x}", "segment": each} for n, each in enumerate(segments)]
    job = {"manifestVersion": 1, "jobId": 7, "datasetId": "d", "deltaVersion": 1}
    return Manifest.model_validate({**job, **COUNTS, "batches": batches})


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (BatchNow(2, 3, "aa"), None),
        (BatchNow(1, 3, "aa"), "records 2, now 1"),
        (BatchNow(2, 4, "aa"), "events 3, now 4"),
        (BatchNow(2, 3, "bb"), "row-set hash aa, now bb"),
        (BatchNow(1, 0, "bb"), "records 2, now 1; events 3, now 0; row-set hash aa, now bb"),
    ],
    ids=["same", "records", "events", "hash", "all"],
)
def test_a_batch_is_told_by_all_that_differs(now: BatchNow, told: str | None) -> None:
    then = manifest({}, SEGMENT)
    found = tuple(batch_differences(then, (SAME, now)))
    where = f"_ACP_BATCHID={1:032x} (ups:vip)"
    assert found == (() if told is None else (f"{where}: {told}",))
    result = Compared(then, ("sail", "1"), (SAME, now), found).as_json()
    assert result["equal"] is (told is None)
    batches: Any = result["batches"]
    assert [batch["equal"] for batch in batches] == [True, told is None]


def test_a_batch_without_segment_is_told_by_its_id() -> None:
    (found,) = batch_differences(manifest({}), (BatchNow(1, 3, "aa"),))
    assert found == f"_ACP_BATCHID={0:032x}: records 2, now 1"


@pytest.mark.parametrize("name", COUNTS)
def test_every_count_is_compared(name: str) -> None:
    then = manifest({})
    assert list(count_differences(then, COUNTS)) == []
    other = 6 if name == "candidates" else dict.fromkeys(COUNTS[name], 0)
    assert list(count_differences(then, {**COUNTS, name: other})) == [
        f"{name}: {COUNTS[name]}, now {other}"
    ]
