"""Export jobs over HTTP: made once, listed, shown, cancelled (2-api.md)."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from starlette.testclient import TestClient

from profile_export.service.store import Store, from_file, holds, jobs, queue, sandboxes
from profile_export.service.store.tables import jobs as table
from serving import SmallCatalog
from small_sandbox import TARGET, by_segment, request

URL = "/data/core/ups/export/jobs"
Headers = Callable[..., dict[str, str]]


def post(client: TestClient, headers: dict[str, str], body: Any = None, **more: Any) -> Any:
    return client.post(URL, json=request() if body is None else body, headers=headers, **more)


def count(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_new_job(client: TestClient, headers: Headers, store: Store) -> None:
    sent = by_segment(fields=" email , name", schema={"name": "_xdm.context.profile"})
    answer = post(client, headers(), sent)
    assert answer.status_code == 200
    made = answer.json()
    assert answer.headers["location"] == answer.headers["x-location"] == f"{URL}/{made['id']}"
    assert made["status"] == "NEW"
    assert made["computeGatewayJobId"] == {}
    assert list(made["metrics"]) == ["totalTime"]
    assert list(made["metrics"]["totalTime"]) == ["startTimeInMs"]
    assert {name: made[name] for name in ("fields", "filter", "additionalFields", "schema")} == {
        name: sent[name] for name in ("fields", "filter", "additionalFields", "schema")
    }
    assert made["destination"]["datasetId"] == made["destination"]["dataSetId"] == TARGET
    assert [b["status"] for b in made["destination"]["batches"]] == [
        ["realized", "existing"],
        ["exited"],
    ]
    assert "batchId" not in made["destination"]
    with store.read() as connection:  # durable before the answer
        assert jobs.find(connection, 1, made["id"]).document == made
    assert client.get(answer.headers["location"], headers=headers()).json() == made
    assert client.get(f"{URL}/{made['id']}/", headers=headers("read")).json() == made


def test_a_trailing_slash_and_query_parameters_nobody_knows(
    client: TestClient, headers: Headers
) -> None:
    answer = client.post(f"{URL}/?requestDataSource=x&a=1&a=2", json=request(), headers=headers())
    assert answer.status_code == 200
    assert answer.json()["destination"]["batchId"]


def test_a_document_can_be_sent_back(client: TestClient, headers: Headers) -> None:
    made = post(client, headers()).json()
    again = {
        name: made[name] for name in made if name in ("id", "imsOrgId", "creationTime", *request())
    }
    again["destination"] = {name: made["destination"][name] for name in ("datasetId", "dataSetId")}
    assert post(client, headers(), again).status_code == 200


@pytest.mark.parametrize("year", [1970, 2019, 2020, 2089, 2300])
def test_a_job_is_found_whatever_the_clock_says(
    client: TestClient, headers: Headers, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    """Ids grow with time: before 2020 they were negative, and at no address."""
    at = datetime(year, 12, 31, tzinfo=UTC)
    monkeypatch.setattr("profile_export.service.store.jobs.now", lambda: at)
    made = [post(client, headers()) for _ in range(2)]
    ids = {answer.json()["id"] for answer in made}
    assert all(0 < job_id < 2**53 for job_id in ids)
    for answer in made:
        assert client.get(answer.headers["location"], headers=headers()).json() == answer.json()
    first = client.get(f"{URL}?limit=1", headers=headers()).json()
    after = {"limit": 1, "offset": first["page"]["pageOffset"]}
    second = client.get(URL, params=after, headers=headers()).json()
    assert {page["records"][0]["id"] for page in (first, second)} == ids


def test_jobs_that_are_not_there(client: TestClient, headers: Headers) -> None:
    for job_id in ("1", "x", "0", "-1", "1.0", "٣", "9" * 30, "%00", "1%2f2", "1 "):
        for method, below in (("GET", ""), ("DELETE", ""), ("GET", "/events")):
            answer = client.request(method, f"{URL}/{job_id}{below}", headers=headers())
            assert answer.status_code == 404, job_id
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_job_of_another_sandbox_is_not_there(client: TestClient, headers: Headers) -> None:
    made = post(client, headers()).json()["id"]
    for who in ("other_org", "other_sandbox"):
        for method, below in (("GET", ""), ("DELETE", ""), ("GET", "/events")):
            told = [
                client.request(method, f"{URL}/{job_id}{below}", headers=headers(who)).text
                for job_id in (made, made + 1)
            ]
            plain = [re.sub(r'"requestId":"\w+"|\d{10,}', "", text) for text in told]
            assert plain[0] == plain[1]
            assert json.loads(told[0])["status"] == 404
        assert client.get(URL, headers=headers(who)).json()["records"] == []
    assert client.get(f"{URL}/{made}", headers=headers()).json()["status"] == "NEW"


# Idempotency.


def test_a_key_gives_one_job(client: TestClient, headers: Headers, store: Store) -> None:
    mine = headers(idempotency_key="k1")
    first = post(client, mine)
    again = client.post(  # the same value, written otherwise
        URL, content=json.dumps(request(), indent=3, sort_keys=True), headers=mine
    )
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == again.headers["x-location"] == first.headers["location"]
    assert count(store) == 1
    assert post(client, headers()).json()["id"] != first.json()["id"]


def test_a_replay_shows_the_job_as_it_is_now(client: TestClient, headers: Headers) -> None:
    mine = headers(idempotency_key="k1")
    made = post(client, mine).json()
    assert client.delete(f"{URL}/{made['id']}", headers=headers()).status_code == 204
    assert post(client, mine).json()["status"] == "CANCELLED"


def test_a_key_of_another_body(client: TestClient, headers: Headers, store: Store) -> None:
    mine = headers(idempotency_key="k1")
    post(client, mine)
    other = post(client, mine, request(fields="email"))
    assert other.status_code == 422
    assert other.json()["type"].endswith("idempotency-key-reused")
    assert post(client, mine, {"nonsense": 1}).status_code == 422
    for none in ("{", '{"fields": "a", "fields": "b"}'):
        assert client.post(URL, content=none, headers=mine).status_code == 400
    assert count(store) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1}', '{ "a" : 1.0 }', True),
        ('{"a": 1, "b": []}', '{"b": [], "a": 1}', True),
        ('{"a": "\\u00e9"}', '{"a": "é"}', True),
        ('{"a": 100}', '{"a": 1e2}', True),
        ('{"a": true}', '{"a": 1}', False),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
        ('{"a": "1"}', '{"a": 1}', False),
        ('{"a": {}}', '{"a": []}', False),
        ('{"a": ""}', "{}", False),
    ],
)
def test_bodies_are_compared_as_values(one: str, other: str, same: bool) -> None:
    from profile_export.service.submit import _hash

    assert (_hash(one.encode()) == _hash(other.encode())) is same


def test_a_refused_request_does_not_use_its_key_up(client: TestClient, headers: Headers) -> None:
    mine = headers(idempotency_key="k1")
    assert post(client, mine, request(fields="nowhere")).status_code == 400
    assert post(client, mine).status_code == 200


def test_keys_belong_to_a_sandbox(client: TestClient, headers: Headers, store: Store) -> None:
    post(client, headers(idempotency_key="k1"))
    refused = post(client, headers("both", x_sandbox_name="dev", idempotency_key="k1"))
    assert refused.status_code == 400  # its dataset is not there, the key of the other not used
    assert count(store) == 1


def test_a_replay_needs_no_catalog(
    client: TestClient, headers: Headers, store: Store, small_catalog: SmallCatalog
) -> None:
    mine = headers(idempotency_key="k1")
    first = post(client, mine).json()
    emptied = small_catalog.sandbox.__class__(
        ims_org_id=small_catalog.sandbox.ims_org_id,
        name=small_catalog.sandbox.name,
        datasets=(),
        merge_policies=(),
        segments=(),
        settings=small_catalog.sandbox.settings,
    )
    with store.write() as connection:
        from_file.load(connection, emptied, root=None)
        assert sandboxes.catalog(connection, small_catalog.sandbox_id).datasets == ()
    assert post(client, headers()).status_code == 400
    assert post(client, mine).json() == first


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "tab\tbed"])
def test_bad_keys(client: TestClient, headers: Headers, store: Store, key: str) -> None:
    bad = headers(idempotency_key=key.encode("latin-1"))
    answer = post(client, bad, request(fields="a,,b"))
    assert answer.status_code == 400
    assert [(e.get("parameter"), e["code"]) for e in answer.json()["errors"]] == [
        ("Idempotency-Key", "bad-header"),
        (None, "empty-field"),
        (None, "unknown-field"),
        (None, "unknown-field"),
    ]
    assert post(client, bad).status_code == 400
    assert count(store) == 0


def test_two_keys_are_none(client: TestClient, headers: Headers) -> None:
    sent = [*headers().items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = client.post(URL, json=request(), headers=sent)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad-header")


def test_the_longest_key(client: TestClient, headers: Headers) -> None:
    mine = headers(idempotency_key="!~" + "x" * 253)
    assert post(client, mine).json() == post(client, mine).json()


def test_many_calls_at_once_with_one_key(
    client: TestClient, headers: Headers, store: Store
) -> None:
    mine = headers(idempotency_key="k1")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(client, mine), range(16)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    made = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.json()["id"] for answer in made}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
    assert count(store) == 1


def test_an_id_that_is_taken_is_not_used_again(
    client: TestClient, headers: Headers, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter([77, 77, 78])
    monkeypatch.setattr("profile_export.service.store.jobs.new_id", lambda _at: next(ids))
    assert [post(client, headers(idempotency_key=f"k{n}")).json()["id"] for n in range(2)] == [
        77,
        78,
    ]
    monkeypatch.setattr("profile_export.service.store.jobs.new_id", lambda _at: 77)
    answer = post(client, headers(idempotency_key="k9"))
    assert (answer.status_code, answer.json()["type"][-9:]) == (409, "try-again")
    assert count(store) == 2


# Lists.


def ids(answer: Any) -> list[int]:
    return [record["id"] for record in answer.json()["records"]]


def test_an_empty_list(client: TestClient, headers: Headers) -> None:
    assert client.get(URL, headers=headers("read")).json() == {
        "records": [],
        "page": {"sortField": "createdTime", "sort": "desc", "pageOffset": "", "pageSize": 0},
        "link": {"next": ""},
    }


def test_pages_are_followed_to_the_end_while_jobs_are_added(
    client: TestClient, headers: Headers
) -> None:
    made = [post(client, headers()).json()["id"] for _ in range(5)][::-1]
    answer = client.get(f"{URL}/?limit=2", headers=headers())
    first = client.get(f"{URL}/{made[1]}", headers=headers()).json()
    assert answer.json()["page"] == {
        "sortField": "createdTime",
        "sort": "desc",
        "pageOffset": f"{first['creationTime']}_{made[1]}",
        "pageSize": 2,
    }
    seen = ids(answer)
    while link := answer.json()["link"]["next"]:
        post(client, headers())
        assert link == f"/export/jobs/?limit=2&offset={answer.json()['page']['pageOffset']}"
        answer = client.get(f"/data/core/ups{link}", headers=headers())
        seen += ids(answer)
    assert seen == made


def test_a_page_that_ends_with_the_last_job_is_the_last(
    client: TestClient, headers: Headers
) -> None:
    made = [post(client, headers()).json()["id"] for _ in range(2)]
    answer = client.get(URL, params={"limit": "2"}, headers=headers())
    assert (ids(answer), answer.json()["link"]["next"]) == (made[::-1], "")
    last = answer.json()["records"][-1]
    assert answer.json()["page"]["pageOffset"] == f"{last['creationTime']}_{last['id']}"


def test_a_page_has_a_hundred_jobs_by_itself(
    client: TestClient, headers: Headers, store: Store
) -> None:
    made = post(client, headers()).json()["id"]
    with store.write() as connection:
        row = connection.execute(select(table)).one()._asdict()
        connection.execute(insert(table), [{**row, "id": made - n} for n in range(1, 101)])
    answer = client.get(URL, headers=headers()).json()
    assert answer["page"]["pageSize"] == 100
    assert answer["link"]["next"].startswith("/export/jobs/?limit=100&offset=")


def test_offset_may_be_a_number(client: TestClient, headers: Headers) -> None:
    made = [post(client, headers()).json()["id"] for _ in range(3)][::-1]
    for skipped in range(4):
        answer = client.get(URL, params={"offset": str(skipped)}, headers=headers())
        assert ids(answer) == made[skipped:]
    twice = client.get(f"{URL}?offset=0&offset=2", headers=headers())
    assert ids(twice) == made[2:]


def test_only_jobs_of_a_status(client: TestClient, headers: Headers) -> None:
    made = [post(client, headers()).json()["id"] for _ in range(4)]
    for job_id in made[:3]:
        client.delete(f"{URL}/{job_id}", headers=headers())
    answer = client.get(f"{URL}?status=CANCELLED&limit=2", headers=headers())
    assert ids(answer) == [made[2], made[1]]
    link = answer.json()["link"]["next"]
    assert link.endswith("&status=CANCELLED")
    assert ids(client.get(f"/data/core/ups{link}", headers=headers())) == [made[0]]
    assert ids(client.get(f"{URL}?status=FAILED", headers=headers())) == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=0", ["limit"]),
        ("limit=1001", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=1.5", ["limit"]),
        ("limit=%D9%A3", ["limit"]),
        ("limit=%2B5", ["limit"]),
        ("limit=" + "9" * 5000, ["limit"]),
        ("limit=1&limit=x", ["limit"]),
        ("offset=", ["offset"]),
        ("offset=x", ["offset"]),
        ("offset=-1", ["offset"]),
        ("offset=1_", ["offset"]),
        ("offset=1_2_3", ["offset"]),
        ("offset=1_x", ["offset"]),
        ("offset=99999999999999999999", ["offset"]),
        ("offset=1%00", ["offset"]),
        ("status=new", ["status"]),
        ("status=", ["status"]),
        ("status=RUNNING", ["status"]),
        ("status=x&limit=x&offset=x", ["limit", "offset", "status"]),
    ],
)
def test_bad_parameters(client: TestClient, headers: Headers, query: str, told: list[str]) -> None:
    answer = client.get(f"{URL}?{query}", headers=headers())
    assert answer.status_code == 400
    assert [(e["parameter"], e["code"]) for e in answer.json()["errors"]] == [
        (name, "bad-parameter") for name in told
    ]
    assert all("pointer" not in e for e in answer.json()["errors"])


@pytest.mark.parametrize("offset", ["1_2", "999999999999999_9999999999999999", "999999999999999"])
def test_far_away_offsets_are_empty_or_all(
    client: TestClient, headers: Headers, offset: str
) -> None:
    post(client, headers())
    assert client.get(f"{URL}?offset={offset}", headers=headers()).status_code == 200


# The end of a job.


def test_a_new_job_is_cancelled_at_once_and_again(client: TestClient, headers: Headers) -> None:
    made = post(client, headers(), by_segment()).json()
    for _ in range(2):
        answer = client.delete(f"{URL}/{made['id']}/", headers=headers())
        assert (answer.status_code, answer.content) == (204, b"")
        shown = client.get(f"{URL}/{made['id']}", headers=headers()).json()
        assert shown["status"] == "CANCELLED"
        assert shown["destination"] == made["destination"]
        batch = made["destination"]["batches"][0]["batchId"]
        files = client.get(
            f"/data/foundation/export/batches/{batch}/files", headers=headers()
        ).json()
        assert files["data"] == []


def test_a_job_under_way_is_cancelling(client: TestClient, headers: Headers, store: Store) -> None:
    made = post(client, headers()).json()["id"]
    with store.write() as connection:
        held = queue.claim(connection, "w1", lease=10)
    assert held is not None
    assert client.get(f"{URL}?status=PROCESSING", headers=headers()).json()["records"]
    for _ in range(2):
        assert client.delete(f"{URL}/{made}", headers=headers()).status_code == 204
        assert client.get(f"{URL}/{made}", headers=headers()).json()["status"] == "CANCELLING"
    with store.write() as connection:
        assert holds.cancelled(connection, held)
    assert client.delete(f"{URL}/{made}", headers=headers()).status_code == 204


def test_a_job_that_has_ended_is_not_cancelled(
    client: TestClient, headers: Headers, store: Store
) -> None:
    made = post(client, headers(), by_segment()).json()["id"]
    with store.write() as connection:
        held = queue.claim(connection, "w1", lease=10)
        assert held is not None
        holds.fail(connection, held, "input-missing", "Write it first.")
    answer = client.delete(f"{URL}/{made}", headers=headers())
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    shown = client.get(f"{URL}/{made}", headers=headers()).json()
    assert {b["batchId"] for b in shown["destination"]["batches"]} == {""}


def test_other_methods(client: TestClient, headers: Headers) -> None:
    made = post(client, headers()).json()["id"]
    for method in ("POST", "PUT", "PATCH", "OPTIONS", "TRACE"):
        answer = client.request(method, f"{URL}/{made}/", headers=headers())
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, DELETE")
        assert answer.headers["content-type"] == "application/problem+json"
    answer = client.put(URL, headers=headers(), json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


# Dry runs: what is refused needs no engine.


def test_a_dry_run_that_is_refused(client: TestClient, headers: Headers, store: Store) -> None:
    for asked in ("true", "TRUE"):
        answer = post(client, headers("read"), {"a": 1}, params={"dryRun": asked})
        assert answer.status_code == 400
        told = [error.get("pointer") for error in answer.json()["errors"]]
        assert told == ["/a", "/destination", "/schema"]
    assert count(store) == 0


def test_dry_run_is_true_or_false(client: TestClient, headers: Headers, store: Store) -> None:
    answer = post(client, headers(), request(fields="x,"), params={"dryRun": "maybe"})
    assert answer.status_code == 400
    assert [(e.get("parameter"), e.get("pointer")) for e in answer.json()["errors"]][:2] == [
        ("dryRun", None),
        (None, "/fields"),
    ]
    assert post(client, headers(), params={"dryRun": "x"}).status_code == 400
    assert count(store) == 0
    assert post(client, headers(), params={"dryRun": "false"}).json()["status"] == "NEW"
    assert post(client, headers("read"), params={"dryRun": "no"}).status_code == 403
