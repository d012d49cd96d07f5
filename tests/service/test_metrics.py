"""Health and metrics: what a supervisor and Prometheus see."""

import threading
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from profile_export.service.store import Store, counters, presence, queue
from small_sandbox import request

URL = "/data/core/ups/export/jobs"
Headers = Callable[..., dict[str, str]]


def samples(client: TestClient) -> dict[tuple[str, str], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_an_empty_service(client: TestClient) -> None:
    found = samples(client)
    assert found["profile_export_jobs", "NEW"] == 0
    assert found["profile_export_queue_age_seconds", ""] == 0
    assert found["profile_export_workers", ""] == 0
    assert found["profile_export_rows_total", ""] == 0
    assert found["profile_export_bytes_total", ""] == 0


def test_jobs_and_the_queue(client: TestClient, headers: Headers, store: Store) -> None:
    made = [client.post(URL, json=request(), headers=headers()).json()["id"] for _ in range(3)]
    client.delete(f"{URL}/{made[1]}", headers=headers())
    found = samples(client)
    assert [found["profile_export_jobs", s] for s in ("NEW", "CANCELLED", "FAILED")] == [2, 1, 0]
    assert found["profile_export_jobs_ended_total", "CANCELLED"] == 1
    assert 0 <= found["profile_export_queue_age_seconds", ""] < 60
    with store.write() as connection:
        for _ in range(2):
            queue.claim(connection, "w", lease=10)
    found = samples(client)
    assert found["profile_export_jobs", "PROCESSING"] == 2
    assert found["profile_export_queue_age_seconds", ""] == 0


def test_totals(client: TestClient, store: Store) -> None:
    with store.write() as connection:
        counters.add(connection, counters.ROWS, {}, 20)
        counters.add(connection, counters.ROWS, {}, 5)
        counters.add(connection, counters.BYTES, {}, 1 << 40)
        counters.add(connection, counters.STAGE_SECONDS, {"stage": "merge"}, 0.25)
        counters.add(connection, counters.STAGE_SECONDS, {"stage": "merge"}, 0.5)
        counters.add(connection, counters.STAGE_SECONDS, {"stage": "write"}, 1)
        counters.add(connection, counters.EXCLUSIONS, {"reason": 'odd "\n'}, 7)
        counters.add(connection, counters.JOBS_ENDED, {"status": "FAILED"}, 1)
    found = samples(client)
    assert found["profile_export_rows_total", ""] == 25
    assert found["profile_export_bytes_total", ""] == 1 << 40
    assert found["profile_export_stage_seconds_total", "merge"] == 0.75
    assert found["profile_export_stage_seconds_total", "write"] == 1
    assert found["profile_export_exclusions_total", 'odd "\n'] == 7
    assert found["profile_export_jobs_ended_total", "FAILED"] == 1


def test_totals_from_many_at_once(store: Store) -> None:
    def add() -> None:
        for _ in range(10):
            with store.write() as connection:
                counters.add(connection, counters.ROWS, {}, 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert [c.value for c in counters.totals(connection)] == [40]


@pytest.mark.parametrize(
    ("name", "labels", "amount"),
    [
        ("profile_export_what_total", {}, 1),
        (counters.ROWS, {"stage": "x"}, 1),
        (counters.STAGE_SECONDS, {}, 1),
        (counters.ROWS, {}, -1),
    ],
)
def test_counters_that_are_none(
    store: Store, name: str, labels: dict[str, str], amount: float
) -> None:
    with store.write() as connection, pytest.raises(ValueError, match="no counter"):
        counters.add(connection, name, labels, amount)


def test_ready_with_a_worker_within_its_lease(client: TestClient, store: Store) -> None:
    told = client.get("/health/ready")
    assert told.status_code == 503
    assert told.headers["content-type"] == "application/problem+json"
    assert "worker" in told.json()["detail"]
    with store.write() as connection:
        presence.seen(connection, "w1", host="h", engine="sail", lease=10)
    assert client.get("/health/ready/").json()["status"] == "ready"
    assert samples(client)["profile_export_workers", ""] == 1
    with store.write() as connection:
        presence.seen(connection, "w1", host="h", engine="sail", lease=-1)
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").json() == {"status": "live"}
