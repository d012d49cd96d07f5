"""Requests that are refused, over HTTP: each with its pointer and code (2-api.md, Bodies)."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from small_sandbox import TARGET, request

URL = "/data/core/ups/export/jobs"
Headers = Callable[..., dict[str, str]]
Told = list[tuple[str, str]]


def _of_plain_tests() -> Any:
    """The tables of ``tests/plain/test_request.py``: the same faults, seen from outside."""
    file = Path(__file__).parents[1] / "plain" / "test_request.py"
    spec = importlib.util.spec_from_file_location("request_tables", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLES = _of_plain_tests()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """One kind of store will do: nothing is kept."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def told(client: TestClient, headers: Headers) -> Callable[[Any], Told]:
    def post(body: Any) -> Told:
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        answer = client.post(URL, content=content, headers=headers())
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        said = answer.json()
        assert set(said) == {"type", "title", "status", "detail", "requestId", "errors"}
        assert said["requestId"] == answer.headers["x-request-id"]
        assert all(set(e) == {"pointer", "code", "detail"} for e in said["errors"])
        return [(e["pointer"], e["code"]) for e in said["errors"]]

    return post


def test_the_table_of_bad_requests(told: Callable[[Any], Told]) -> None:
    """More than eighty bodies; what the catalog says of them beside is not looked at here."""
    assert len(TABLES.BAD) >= 80
    of_catalog = {"unknown-dataset", "unknown-field", "not-an-export-dataset", "unknown-policy"}
    for name, (body, expected) in TABLES.BAD.items():
        found = [each for each in told(body) if each[1] not in of_catalog]
        assert found == expected, name


def test_bad_times(told: Callable[[Any], Told]) -> None:
    times = TABLES.test_bad_times.pytestmark[0].args[1]
    for time in times:
        body = request(filter={"fromIngestTimestamp": time})
        assert told(body) == [("/filter/fromIngestTimestamp", "bad-time")], time


def target(dataset: str) -> dict[str, Any]:
    return request(destination={"datasetId": dataset})


CATALOG: dict[str, tuple[Any, Told]] = {
    "no such target": (target("nowhere"), [("/destination/datasetId", "unknown-dataset")]),
    "target in capitals": (target("CRM"), [("/destination/datasetId", "unknown-dataset")]),
    "a source as target": (target("crm"), [("/destination/datasetId", "not-an-export-dataset")]),
    "the old spelling": (
        request(destination={"dataSetId": "nowhere"}),
        [("/destination/dataSetId", "unknown-dataset")],
    ),
    "unknown path": (request(fields="email,nope.x"), [("/fields", "unknown-field")]),
    "two unknown paths": (request(fields="a,b"), [("/fields", "unknown-field")] * 2),
    "path in another case": (request(fields="Email"), [("/fields", "unknown-field")]),
    "unknown path of events": (
        request(additionalFields={"eventList": {"fields": "page,nope"}}),
        [("/additionalFields/eventList/fields", "unknown-field")],
    ),
    "unknown policy": (
        request(mergePolicy={"id": "nope"}, fields="nowhere"),
        [("/mergePolicy/id", "unknown-policy")],
    ),
    "unknown version": (
        request(mergePolicy={"id": "stitch", "version": 9}),
        [("/mergePolicy/version", "unknown-policy-version")],
    ),
    "shape and catalog in one answer": (
        {
            "fields": "nope",
            "filter": {"fromIngestTimestamp": "x", "segmants": []},
            "destination": {"datasetId": "nowhere", "segmentPerBatch": 1},
            "schema": {"name": "_xdm.context.profile"},
            "colour": 1,
        },
        [
            ("/colour", "unknown-member"),
            ("/destination/datasetId", "unknown-dataset"),
            ("/destination/segmentPerBatch", "wrong-type"),
            ("/fields", "unknown-field"),
            ("/filter/fromIngestTimestamp", "bad-time"),
            ("/filter/segmants", "unknown-member"),
        ],
    ),
}


def test_what_the_catalog_refuses(told: Callable[[Any], Told]) -> None:
    for name, (body, expected) in CATALOG.items():
        assert told(body) == expected, name


def test_the_nearest_name_is_told(client: TestClient, headers: Headers) -> None:
    body = {**target(TARGET[:-1] + "0"), "fileds": "x"}
    details = [e["detail"] for e in client.post(URL, json=body, headers=headers()).json()["errors"]]
    assert "Nearest: " in details[0]
    assert TARGET in details[0]
    assert "Nearest: fields" in details[1]


def test_too_many_segments(client: TestClient, headers: Headers, told: Any) -> None:
    items = [{"segmentId": str(n)} for n in range(4001)]
    assert told(request(filter={"segments": items})) == [("/filter/segments", "too-many-segments")]
    assert told(request(filter={"segments": [0] * 100_000}, fields="a,,email")) == [
        ("/fields", "empty-field"),
        ("/fields", "unknown-field"),
        ("/filter/segments", "too-many-segments"),
    ]
    answer = client.post(URL, json=request(filter={"segments": items[:4000]}), headers=headers())
    assert answer.status_code == 200


def test_too_many_statuses(told: Any) -> None:
    item = {"segmentId": "a", "status": ["realized"] * 60_000}
    assert told(request(filter={"segments": [item]})) == [
        ("/filter/segments/0/status", "too-many-statuses")
    ]


_names = st.sampled_from(TABLES._members.split()) | st.text(max_size=3)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=5),
    max_leaves=12,
)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=_values, noise=st.binary(max_size=3))
def test_no_body_is_answered_with_anything_but_a_problem(
    client: TestClient, headers: Headers, body: Any, noise: bytes
) -> None:
    changed = {**request(), **body} if isinstance(body, dict) else body
    for content in (json.dumps(changed).encode(), json.dumps(changed).encode()[:-1] + noise):
        for query in ("", "?dryRun=x"):
            answer = client.post(f"{URL}{query}", content=content, headers=headers())
            assert answer.status_code in (200, 400)
            assert answer.json()["status"] in ("NEW", 400)
