"""HTTP itself: request ids, types and sizes of bodies, methods, faults of ours, logs."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from profile_export.service.app import end_soon
from profile_export.service.logs import JsonLines
from profile_export.service.patience import PatientProtocol
from profile_export.service.store import Store, jobs
from serving import SmallCatalog
from small_sandbox import request
from working import wait_for

URL = "/data/core/ups/export/jobs"
SQL = "/data/foundation/query/queries"
PROBLEM = "application/problem+json"
Headers = Callable[..., dict[str, str]]


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """One kind of store will do."""
    return f"sqlite:///{tmp_path / 'store.db'}"


def test_request_ids(client: TestClient, headers: Headers) -> None:
    for sent in ("abc", "A.b_c-9", "x" * 128):
        answer = client.get(URL, headers=headers(x_request_id=sent))
        assert answer.headers["x-request-id"] == sent
        told = client.get(f"{URL}/1", headers=headers(x_request_id=sent))
        assert told.json()["requestId"] == told.headers["x-request-id"] == sent
        denied = client.get(URL, headers=headers(authorization=None, x_request_id=sent))
        assert denied.headers["x-request-id"] == sent
    seen = set()
    for bad in ("", "a b", "x" * 129, "é", "a\tb", "a;b", "<script>", "a/b"):
        mine: Any = {**headers(), "x-request-id": bad.encode()}
        answer = client.get(URL, headers=mine)
        assert answer.status_code == 200
        assert answer.headers["x-request-id"] != bad
        seen.add(answer.headers["x-request-id"])
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("type_", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json;charset=UTF-8", 200),
        ('APPLICATION/JSON ; charset="utf-8"', 200),
        ("application/json; x=y", 200),
        ("application/problem+json", 200),
        ("application/json; charset=latin-1", 415),
        ("application/json; charset=utf-16", 415),
        ("text/json", 415),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonx", 415),
        ("json", 415),
        ("x+json", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_content_types(
    client: TestClient, headers: Headers, type_: str | None, status: int
) -> None:
    mine = headers(content_type=type_)
    answer = client.post(URL, content=json.dumps(request()), headers=mine)
    assert answer.status_code == status
    if status == 415:
        assert answer.headers["content-type"] == PROBLEM
    # Nothing sent is no body: it has no type, and is no JSON.
    answer = client.post(URL, headers=mine)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "not-json")


def test_compressed_bodies_are_not_read(client: TestClient, headers: Headers) -> None:
    mine = headers(content_encoding="gzip")
    assert client.post(URL, content=b"\x1f\x8b", headers=mine).status_code == 415
    mine = headers(content_encoding="identity")
    assert client.post(URL, json=request(), headers=mine).status_code == 200


def test_a_type_without_a_body_is_no_fault(client: TestClient, headers: Headers) -> None:
    for type_ in ("application/json", "text/plain", "x"):
        assert client.get(URL, headers=headers(content_type=type_)).status_code == 200
    made = client.post(URL, json=request(), headers=headers()).json()["id"]
    assert client.delete(f"{URL}/{made}", headers=headers(content_type="x")).status_code == 204


def test_any_accept_is_answered_with_json(client: TestClient, headers: Headers) -> None:
    for accept in ("*/*", "text/html", "application/vnd.adobe.xed+json", "image/png;q=0", ""):
        answer = client.get(URL, headers=headers(accept=accept))
        assert answer.headers["content-type"] == "application/json"


def _padded(size: int) -> bytes:
    body = json.dumps(request()).encode()
    return body + b" " * (size - len(body))


def test_sizes_of_bodies(client: TestClient, headers: Headers) -> None:
    for url in (URL, SQL):
        for size in ((1 << 20) + 1, 3 << 20, 40 << 20):
            answer = client.post(url, content=_padded(size), headers=headers())
            assert answer.status_code == 413
            assert answer.headers["content-type"] == PROBLEM
            chunks = (b" " * (1 << 19) for _ in range(size // (1 << 19) + 1))
            assert client.post(url, content=chunks, headers=headers()).status_code == 413
    assert client.post(URL, content=_padded(1 << 20), headers=headers()).status_code == 200


def test_a_body_that_does_not_come(
    client: TestClient, headers: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from starlette.requests import Request

    async def stream(_self: Any) -> Any:
        yield b"{"
        await asyncio.sleep(60)

    state: Any = client.app.state  # type: ignore[attr-defined]
    monkeypatch.setattr(state, "config", replace(state.config, body_seconds=0.1))
    monkeypatch.setattr(Request, "stream", stream)
    answer = client.post(URL, json=request(), headers=headers())
    assert (answer.status_code, answer.json()["type"][-13:]) == (408, "body-too-slow")


def test_nothing_is_there(client: TestClient, headers: Headers) -> None:
    for path in ("/nope", "/data", "/data/core/ups", "/health", "/health/x", f"{URL}/1/2/3"):
        answer = client.get(path, headers=headers())
        assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM), path
        assert answer.json()["requestId"] == answer.headers["x-request-id"]


def test_methods(client: TestClient, headers: Headers) -> None:
    allowed = {
        URL: "GET, POST",
        f"{URL}/1": "GET, DELETE",
        f"{URL}/1/events": "GET",
        SQL: "POST",
        "/data/foundation/export/batches/x/files": "GET",
        "/data/foundation/export/files/x": "GET",
        "/health/live": "GET",
        "/metrics": "GET",
        "/": "GET",
    }
    for path, methods in allowed.items():
        # HEAD goes with GET without being named, but where an answer does not end.
        taken = {*methods.split(", "), *(["HEAD"] if path not in (f"{URL}/1/events", SQL) else [])}
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"):
            for slash in ("", "/"):
                answer = client.request(method, f"{path}{slash}", headers=headers())
                assert (answer.status_code == 405) == (method not in taken), (method, path)
                if method not in taken:
                    assert answer.headers["allow"] == methods
                    assert answer.headers["content-type"] == PROBLEM


def test_answers_are_kept_in_no_cache(client: TestClient, headers: Headers) -> None:
    for path in (URL, f"{URL}/1", "/health/live"):
        answer = client.get(path, headers=headers())
        assert answer.headers["cache-control"] == "no-store", path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_head_says_what_its_get_would(client: TestClient, headers: Headers) -> None:
    for path in (URL, f"{URL}/1", "/", "/openapi.json"):
        got, told = (client.request(m, path, headers=headers()) for m in ("GET", "HEAD"))
        assert told.status_code == got.status_code, path
        for name in ("content-type", "content-length"):
            assert told.headers[name] == got.headers[name], path


def test_a_fault_of_ours_shows_nothing(
    client: TestClient,
    headers: Headers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("/secret/path of the server")

    monkeypatch.setattr(jobs, "page", broken)
    with caplog.at_level(logging.INFO):
        answer = client.get(URL, headers=headers(x_request_id="r-1"))
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json()["requestId"] == answer.headers["x-request-id"] == "r-1"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (told,) = [r for r in caplog.records if r.name == "profile_export.service"]
    assert told.exc_info is not None
    assert vars(told)["request_id"] == "r-1"
    assert client.get(f"{URL}/1", headers=headers()).status_code == 404  # life goes on


def test_a_store_that_is_away(
    client: TestClient, headers: Headers, store: Store, small_catalog: SmallCatalog, tmp_path: Path
) -> None:
    assert small_catalog
    store.close()
    (tmp_path / "store.db").rename(tmp_path / "aside")
    (tmp_path / "store.db").mkdir()
    for path in (URL, "/health/ready", "/metrics"):
        answer = client.get(path, headers=headers())
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert answer.headers["retry-after"]
        assert "store" in answer.json()["detail"]
    assert client.get("/health/live").status_code == 200


def test_calls_that_wait_for_the_store_leave_the_service_alive(
    client: TestClient, headers: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that hangs takes every thread; nobody may restart the service for it."""
    released = threading.Event()
    inside: list[bool] = []

    def hangs(*_: Any, **__: Any) -> tuple[list[Any], bool]:
        inside.append(True)
        assert released.wait(240)
        return [], False

    monkeypatch.setattr(jobs, "page", hangs)
    with ThreadPoolExecutor(61) as pool:
        waiting = [pool.submit(client.get, URL, headers=headers()) for _ in range(60)]
        try:
            wait_for(lambda: len(inside) == 40)  # as many threads as there are for calls
            assert not any(call.done() for call in waiting)
            for asked in (client.get, client.head):
                assert pool.submit(asked, "/health/live").result(200).status_code == 200
        finally:
            released.set()
    assert {call.result().status_code for call in waiting} == {200}


def test_what_a_database_cannot_look_up_is_not_there(
    client: TestClient, headers: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import DataError

    def broken(*_: Any, **__: Any) -> None:
        raise DataError("SELECT secret", {}, Exception("nul"))

    monkeypatch.setattr(jobs, "page", broken)
    answer = client.get(URL, headers=headers())
    assert answer.status_code == 400
    assert "secret" not in answer.text


def test_no_secret_is_logged(
    client: TestClient, headers: Headers, caplog: pytest.LogCaptureFixture, store: Store
) -> None:
    mine = headers(x_request_id="r-2", x_api_key="key-secret", idempotency_key="idem-secret")
    token = mine["authorization"].removeprefix("Bearer ")
    with caplog.at_level(logging.DEBUG):
        made = client.post(f"{URL}?token=query-secret", json=request(), headers=mine).json()
        client.get(f"{URL}/{made['id']}%0aforged", headers=mine)
        client.get(URL, headers=headers(authorization="Bearer pe_bad-secret"))
        client.post(URL, content=b'{"body-secret": 1}', headers=mine)
    lines = [JsonLines().format(r) for r in caplog.records if r.name.startswith("profile_export")]
    assert len(lines) >= 4
    told = [json.loads(line) for line in lines]
    assert all("\n" not in line for line in lines)
    assert not any("secret" in line or token in line for line in lines)
    assert told[0]["job"] == made["id"]
    assert {t["request_id"] for t in told[:2]} == {"r-2"}
    assert told[0]["path"] == URL
    assert (told[0]["method"], told[0]["status"]) == ("POST", 200)
    assert token not in repr(store)


def test_no_letter_of_a_call_steers_who_reads_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    sent = "/\x1b[31m\x9b2J\x7f\x85\u2028\u202e\u2066gpj.exe/é/😀"
    with caplog.at_level(logging.INFO):
        assert client.get(quote(sent)).status_code == 404
    (line,) = [JsonLines().format(r) for r in caplog.records if r.name == "profile_export.access"]
    assert line.isprintable()
    assert json.loads(line)["path"] == sent
    assert "é/😀" in line


def test_openapi_describes_every_route(client: TestClient, app: FastAPI) -> None:
    document = client.get("/openapi.json").json()
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert name.replace(".", "")
    references = {part.split('"')[0] for part in text.split('"$ref": "#/components/')[1:]}
    for reference in references:
        kind, name = reference.split("/")
        assert name in document["components"][kind], reference
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            answers = operation["responses"]
            assert any(code.startswith("2") for code in answers), where
            success = next(answers[code] for code in answers if code.startswith("2"))
            contents = success.get("content", {})
            assert method == "delete" or any(c.get("schema") for c in contents.values()), where
            if method in ("post", "put", "patch"):
                assert operation["requestBody"]["content"]["application/json"]["schema"], where
            if path.startswith("/data"):
                assert operation["security"] == [{"bearer": []}], where
                assert {"401", "403"} <= set(answers), where
                named = [p.get("$ref", "") for p in operation["parameters"]]
                assert any("x-sandbox-name" in name for name in named), where
            assert operation["description"], where
    schemas = document["components"]["schemas"]
    assert '"type": "null"' not in json.dumps([schemas["ExportJobIn"], schemas["Window"]])
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    assert {"datasetId", "dataSetId"} <= set(schemas["Destination"]["properties"])
    files = document["paths"]["/data/foundation/export/files/{file_id}"]["get"]["responses"]
    assert {"200", "206", "304", "412", "416"} <= set(files)
    made = document["paths"][URL]["post"]["responses"]["200"]
    assert {"Location", "X-Location", "Idempotency-Replayed"} == set(made["headers"])
    body = schemas["ExportJobIn"]
    assert {"destination", "schema"} <= set(body["required"])
    assert "segmentQualificationTime" in text
    assert app.openapi() is app.openapi()


# What only a real server shows.


@contextmanager
def listening(app: FastAPI, *, most: int | None = None) -> Iterator[int]:
    config = uvicorn.Config(
        app,
        port=0,
        http=PatientProtocol,
        log_level="critical",
        log_config=None,
        limit_concurrency=most,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def _sent(port: int, text: bytes, *, then: bytes = b"", leaves: bool = False) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as made:
        made.sendall(text)
        if then:
            made.sendall(then)
        if leaves:
            made.shutdown(socket.SHUT_WR)
        found = b""
        while chunk := made.recv(1 << 16):
            found += chunk
        return found


def _head(method: str, path: str, headers: dict[str, str], *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1")


@pytest.mark.parametrize("target", ["http://x", "HTTP://x:80", "https://x"])
def test_a_target_with_scheme_and_host_is_that_of_its_path(
    target: str, app: FastAPI, small_catalog: SmallCatalog
) -> None:
    """As clients of proxies send it; a server must take it (RFC 9112, 3.2.2)."""
    with listening(app) as port:
        head = _head("GET", f"{target}{URL}?limit=1", small_catalog.headers())
        assert _sent(port, head).startswith(b"HTTP/1.1 200 ")
        assert _sent(port, _head("GET", target, {})).startswith(b"HTTP/1.1 200 ")
        assert _sent(port, _head("GET", f"/{target}{URL}", {})).startswith(b"HTTP/1.1 404 ")


def test_too_many_connections_are_told_as_a_problem(app: FastAPI) -> None:
    head = _head("GET", "/health/live", {"x-request-id": "mine"})
    with listening(app, most=2) as port:
        with socket.create_connection(("127.0.0.1", port)):
            answer = _sent(port, head)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"application/problem+json" in answer
        assert b"x-request-id: mine" in answer
        assert b"Too many connections are open." in answer
        wait_for(lambda: _sent(port, head).startswith(b"HTTP/1.1 200 "))


def test_a_real_server(app: FastAPI, small_catalog: SmallCatalog) -> None:
    mine = small_catalog.headers()
    with listening(app) as port:
        # A client that sends 2 MiB in one go hears the answer, not a broken connection.
        large = b" " * (2 << 20)
        head = _head("POST", URL, mine, f"Content-Length: {len(large)}")
        assert _sent(port, head, then=large).startswith(b"HTTP/1.1 413 ")
        # One that asks first is told at once.
        head = _head("POST", URL, mine, f"Content-Length: {1 << 30}", "Expect: 100-continue")
        assert _sent(port, head).startswith(b"HTTP/1.1 413 ")
        head = _head("POST", URL, mine, "Content-Length: 99999999999999999999")
        assert _sent(port, head).split(b" ")[1] in (b"400", b"413")
        # Nothing of a header gets into the answer's headers.
        evil = {**mine, "x-request-id": "a\r\nSet-Cookie: x"}
        assert b"\r\nset-cookie" not in _sent(port, _head("GET", URL, evil)).lower()
        for path in (f"{URL}/%0d%0aSet-Cookie:x", f"{URL}/%ff%fe", f"{URL}/%00", "/%2e%2e/etc"):
            found = _sent(port, _head("GET", path, mine))
            assert found.startswith(b"HTTP/1.1 404 ")
            assert b"\r\nset-cookie" not in found.lower()
        # A client that goes in the middle of its body disturbs nobody.
        _sent(port, _head("POST", URL, mine, "Content-Length: 100"), then=b"{", leaves=True)
        assert _sent(port, _head("GET", URL, mine)).startswith(b"HTTP/1.1 200 ")
        deep = b"[" * 500_000
        head = _head("POST", URL, mine, f"Content-Length: {len(deep)}")
        found = _sent(port, head, then=deep)
        assert found.startswith(b"HTTP/1.1 400 ")
        assert b"too-deep" in found


@pytest.mark.parametrize(
    ("method", "path", "changed", "status"),
    [
        pytest.param("POST", URL, {"authorization": None}, 403, id="no token"),
        pytest.param("POST", URL, {"authorization": "Bearer x"}, 401, id="a bad token"),
        pytest.param("POST", URL, {"content_type": "text/plain"}, 415, id="another type"),
        pytest.param("POST", f"{URL}/1", {}, 405, id="another method"),
        pytest.param("POST", "/nope", {}, 404, id="nothing there"),
        pytest.param("GET", URL, {}, 200, id="a body that nobody asks for"),
    ],
)
def test_an_answer_before_the_body_is_heard(
    method: str,
    path: str,
    changed: dict[str, str | None],
    status: int,
    app: FastAPI,
    small_catalog: SmallCatalog,
) -> None:
    """A client that sends first and listens then, and wants its connection to end with the call."""
    body = b" " * (8 << 20)
    with listening(app) as port:
        sent = small_catalog.headers(**{"content_type": "application/json", **changed})
        head = _head(method, path, sent, f"Content-Length: {len(body)}")
        for _ in range(3):
            assert _sent(port, head, then=body).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("stated", [1 << 30, 100])
def test_an_answer_waits_for_no_body_that_does_not_come(
    stated: int, app: FastAPI, small_catalog: SmallCatalog
) -> None:
    app.state.config = replace(app.state.config, body_seconds=1.0)
    with listening(app) as port:
        head = _head("POST", "/nope", small_catalog.headers(), f"Content-Length: {stated}")
        assert _sent(port, head).startswith(b"HTTP/1.1 404 ")
        asks = _head("POST", "/nope", {}, "Content-Length: 100", "Expect: 100-continue")
        assert _sent(port, asks).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"HELO x\r\n\r\n", id="another protocol"),
        pytest.param(b"GET / HTTP/1.1\r\nno header\r\n\r\n", id="a header without a colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", id="two hosts"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", id="a negative length"
        ),
    ],
)
def test_what_is_no_http(app: FastAPI, sent: bytes) -> None:
    with listening(app) as port:
        head, _, body = _sent(port, sent).partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    assert lines[0] == "HTTP/1.1 400 Bad Request"
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert (headers["content-type"], headers["connection"]) == (PROBLEM, "close")
    told = json.loads(body)
    assert (told["status"], told["requestId"]) == (400, headers["x-request-id"])
    assert [(each["code"], each["pointer"]) for each in told["errors"]] == [("no-http", "")]


def test_a_stream_ends_when_its_client_goes(app: FastAPI, small_catalog: SmallCatalog) -> None:
    client = TestClient(app)
    mine = small_catalog.headers()
    made = client.post(URL, json=request(), headers=mine).json()["id"]
    streams = app.state.streams
    with listening(app) as port:
        opened = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(3)]
        for one in opened:
            one.sendall(_head("GET", f"{URL}/{made}/events", mine))
            found = b""
            while b"data: " not in found:
                found += one.recv(1 << 16)
        assert streams._open == 3
        for one in opened:
            one.close()
        wait_for(lambda: streams._open == 0, seconds=120)


def test_streams_end_with_the_service(app: FastAPI, small_catalog: SmallCatalog) -> None:
    client = TestClient(app)
    mine = small_catalog.headers()
    made = client.post(URL, json=request(), headers=mine).json()["id"]
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(wait_for, lambda: app.state.streams._open == 1)
        ending.add_done_callback(lambda _: end_soon(app))
        with client.stream("GET", f"{URL}/{made}/events", headers=mine) as answer:
            assert '"status": "NEW"' in answer.read().decode()
    sql = {"sql": "SELECT 1", "dbName": "prod"}
    told = client.post(SQL, json=sql, headers=mine)
    assert (told.status_code, told.json()["type"][-5:]) == (503, ":busy")
