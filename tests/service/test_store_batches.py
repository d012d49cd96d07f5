"""Batches as the catalog lists and shows them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

import small_sandbox
from profile_export.service.store import Store, batches
from profile_export.service.store.batches import BatchSize
from profile_export.service.store.tables import batches as table
from serving import SmallCatalog

ROOT = "/data/foundation/catalog/batches"
JOBS = "/data/core/ups/export/jobs"
Headers = Callable[..., dict[str, str]]
END = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


class Api:
    def __init__(self, client: TestClient, headers: Headers) -> None:
        self.client, self.headers = client, headers

    def job(self, target: str = small_sandbox.TARGET) -> dict[str, Any]:
        body = small_sandbox.by_segment()
        body["destination"]["datasetId"] = target
        answer = self.client.post(JOBS, json=body, headers=self.headers())
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def get(self, path: str = "", token: str = "read") -> dict[str, Any]:
        answer = self.client.get(ROOT + path, headers=self.headers(token))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def api(client: TestClient, headers: Headers) -> Api:
    return Api(client, headers)


def ids(job: dict[str, Any]) -> list[str]:
    return [batch["batchId"] for batch in job["destination"]["batches"]]


def test_the_life_of_batches(api: Api, store: Store, client: TestClient, headers: Headers) -> None:
    job = api.job()
    first, second = ids(job)
    shown = api.get(f"/{first}")
    assert shown == {
        first: {
            "imsOrg": "acme@AcmeOrg",
            "sandboxId": "prod",
            "status": "processing",
            "created": job["creationTime"],
            "updated": job["creationTime"],
            "errors": [],
            "relatedObjects": [{"type": "dataSet", "id": small_sandbox.TARGET}],
        }
    }
    with store.write() as connection:
        batches.started(connection, job["id"], at=END - timedelta(seconds=1))
    begun = api.get(f"/{second}")[second]
    assert begun["started"] == begun["updated"] == 1_767_323_044_678
    with store.write() as connection:
        sizes = {first: BatchSize(20, 1234), second: BatchSize(0, 0)}
        batches.ended(connection, job["id"], "success", at=END, sizes=sizes)
    ended = api.get(f"/{second}")[second]
    ms = 1_767_323_045_678
    assert (ended["status"], ended["recordCount"], ended["size"]) == ("success", 0, 0)
    assert (ended["started"], ended["completed"], ended["updated"]) == (ms - 1000, ms, ms)
    assert api.get(f"/{first}/")[first]["recordCount"] == 20
    failing = api.job()
    with store.write() as connection:
        told = [{"code": "c", "description": "d", "rows": 0}]
        batches.ended(connection, failing["id"], "failed", at=END, errors=told)
    assert api.get(f"/{ids(failing)[0]}")[ids(failing)[0]]["errors"] == told
    cancelled = api.job()
    assert client.delete(f"{JOBS}/{cancelled['id']}", headers=headers()).status_code == 204
    assert api.get(f"/{ids(cancelled)[1]}")[ids(cancelled)[1]]["status"] == "aborted"
    by = {status: list(api.get(f"?status={status}")) for status in batches.STATUSES}
    assert by == {
        "processing": [],
        "success": ids(job),
        "failed": ids(failing),
        "aborted": ids(cancelled),
    }
    assert list(api.get("?status=success,aborted")) == [*ids(cancelled), *ids(job)]
    assert api.get("?status=staged") == {}


def test_filters(api: Api, store: Store) -> None:
    jobs = [api.job(), api.job(small_sandbox.OTHER), api.job()]
    for number, job in enumerate(jobs):
        with store.write() as connection:
            moved = batches.batches.update().where(batches.batches.c.job_id == job["id"])
            connection.execute(moved.values(created=1_000_000 + number * 1000))
    a, b, c = map(ids, jobs)
    assert list(api.get()) == [*c, *b, *a]
    assert list(api.get("?orderBy=asc:created")) == [*a, *b, *c]
    assert list(api.get(f"?dataSet={small_sandbox.OTHER}")) == b
    assert list(api.get(f"?dataSet={small_sandbox.OTHER},{small_sandbox.TARGET}&limit=3")) == [
        *c,
        b[0],
    ]
    assert list(api.get("?dataSet=nothing")) == []
    assert list(api.get("?createdAfter=1000000")) == [*c, *b]
    assert list(api.get("?createdBefore=1001000")) == a
    assert list(api.get("?createdAfter=1000000&createdBefore=1002000")) == b
    assert list(api.get("?createdAfter=1970-01-01T00:16:41.5Z")) == c
    assert list(api.get("?limit=1&start=1&unknown=x")) == [c[1]]
    assert list(api.get("?start=6")) == []
    assert api.get("?limit=1&properties=status,size") == {c[0]: {"status": "processing"}}
    with store.write() as connection:
        connection.execute(table.update().values(created=5))
    by_id = sorted(jobs, key=lambda job: int(job["id"]), reverse=True)
    assert list(api.get()) == [id_ for job in by_id for id_ in ids(job)]


def test_what_is_not_known_yet_comes_last_on_either_database(api: Api, store: Store) -> None:
    known, unknown = api.job(), api.job()
    with store.write() as connection:
        update = table.update().where(table.c.job_id == known["id"])
        connection.execute(update.values(record_count=5))
    for order in ("asc", "desc"):
        listed = list(api.get(f"?orderBy={order}:recordCount"))
        assert set(listed[:2]) == set(ids(known)), order
        assert set(listed[2:]) == set(ids(unknown)), order


def test_what_is_named_again_and_again_counts_once(api: Api) -> None:
    """A database takes so many terms of an order, and so many values, and no more."""
    a, b = ids(api.job()), ids(api.job())
    again = ",".join(["asc:created", "desc:created", "size"] * 1500)
    assert list(api.get(f"?orderBy={again}")) == [*a, *b]
    statuses = ",".join(["processing"] * 4000)
    assert list(api.get(f"?status={statuses}&limit=1")) == b[:1]


def test_what_belongs_to_another(api: Api, client: TestClient, headers: Headers) -> None:
    id_ = ids(api.job())[0]
    for token in ("other_org", "other_sandbox"):
        assert api.get(token=token) == {}
        assert client.get(f"{ROOT}/{id_}", headers=headers(token)).status_code == 404
    for path in ("nothing", f"{id_}%00", "%00", f"{id_}/meta", f"{id_}/failed"):
        answer = client.get(f"{ROOT}/{path}", headers=headers())
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("query", "bad"),
    [
        ("status=sucess", ["status"]),
        ("status=SUCCESS", ["status"]),
        ("createdAfter=yesterday", ["createdAfter"]),
        ("createdAfter=-1", ["createdAfter"]),
        ("createdBefore=2024-01-01T00:00:00", ["createdBefore"]),
        ("createdBefore=", ["createdBefore"]),
        ("dataSet=&status=&properties=%20", ["dataSet", "properties", "status"]),
        ("status=,", ["status"]),
        ("limit=0&start=x&orderBy=id&dataSet=a%00", ["dataSet", "limit", "orderBy", "start"]),
    ],
)
def test_bad_parameters(query: str, bad: list[str], client: TestClient, headers: Headers) -> None:
    answer = client.get(f"{ROOT}?{query}", headers=headers())
    assert answer.status_code == 400, json.dumps(answer.json())
    assert sorted(each["parameter"] for each in answer.json()["errors"]) == bad


def test_a_batch_of_the_sandbox_only(api: Api, small_catalog: SmallCatalog, store: Store) -> None:
    api.job()
    with store.read() as connection:
        wanted = batches.Wanted()
        assert len(batches.page(connection, small_catalog.sandbox_id, wanted, limit=9)) == 2
        assert batches.page(connection, small_catalog.sandbox_id + 1, wanted, limit=9) == []
