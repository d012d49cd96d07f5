"""Who is let in: every route of the app against every kind of caller (2-api.md, Access)."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from profile_export.service.app import ROUTERS
from profile_export.service.store import Store, tokens
from serving import NAME, ORG, SmallCatalog
from small_sandbox import request

Headers = Callable[..., dict[str, str]]
ROUTES = [
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
OPEN = {"/health/live", "/health/ready", "/metrics", "/", "/static/{stamp}/{name}"}
"""The routes under *Service*: they need no header."""
READ_BY_POST = {"/data/foundation/query/queries"}
GUARDED = [each for each in ROUTES if each[1] not in OPEN]
IDS = [f"{method} {path}" for method, path in GUARDED]

MISSING = (403, "403010")
NOT_VALID = (401, "401013")
NO_KEY = (403, "403000")
NO_HEADER = (400, "400003")
NOT_YOURS = (403, "403027")

CALLERS: dict[str, tuple[dict[str, Any], tuple[int, str]]] = {
    "no token": ({"authorization": None}, MISSING),
    "an empty token": ({"authorization": ""}, MISSING),
    "blanks for a token": ({"authorization": "   "}, MISSING),
    "no token, nor anything else": (
        dict.fromkeys(("authorization", "x_api_key", "x_gw_ims_org_id", "x_sandbox_name")),
        MISSING,
    ),
    "a bad token": ({"authorization": "Bearer pe_x"}, NOT_VALID),
    "a bad token and nothing else": (
        {
            "authorization": "Bearer x",
            **dict.fromkeys(("x_api_key", "x_gw_ims_org_id", "x_sandbox_name")),
        },
        NOT_VALID,
    ),
    "another scheme": ({"authorization": "Basic YTpi"}, NOT_VALID),
    "the scheme alone": ({"authorization": "Bearer"}, NOT_VALID),
    "a JWT where none is known": ({"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}, NOT_VALID),
    "quotes": ({"authorization": "Bearer ' OR 1=1 --"}, NOT_VALID),
    "no api key": ({"x_api_key": None}, NO_KEY),
    "a blank api key": ({"x_api_key": " "}, NO_KEY),
    "no api key, no organisation": ({"x_api_key": None, "x_gw_ims_org_id": None}, NO_KEY),
    "no organisation": ({"x_gw_ims_org_id": None}, NO_HEADER),
    "a blank organisation": ({"x_gw_ims_org_id": ""}, NO_HEADER),
    "no sandbox": ({"x_sandbox_name": None}, NO_HEADER),
    "no sandbox, another organisation": (
        {"x_sandbox_name": None, "x_gw_ims_org_id": "other@OtherOrg"},
        NO_HEADER,
    ),
    "another organisation": ({"x_gw_ims_org_id": "other@OtherOrg"}, NOT_YOURS),
    "an organisation nobody knows": ({"x_gw_ims_org_id": "x"}, NOT_YOURS),
    "another case": ({"x_gw_ims_org_id": ORG.upper()}, NOT_YOURS),
    "another sandbox": ({"x_sandbox_name": "dev"}, NOT_YOURS),
    "a sandbox nobody knows": ({"x_sandbox_name": "x"}, NOT_YOURS),
    "two sandboxes": ({"x_sandbox_name": f"{NAME},dev"}, NOT_YOURS),
}


def call(client: TestClient, method: str, path: str, headers: dict[str, str]) -> Any:
    """A call with a body that would be refused: whoever hears of it was let in."""
    place = path.replace("{batch_id}", "0" * 32).replace("{file_id}", f"{'0' * 32}-0")
    for name in ("job_id", "policy_id", "segment_id", "data_set_id", "dataset_id", "id"):
        place = place.replace("{" + name + "}", "1")
    assert "{" not in place, "fill in the new parameter"
    body = b"{" if method in ("POST", "PUT", "PATCH") else None
    return client.request(method, place, headers=headers, content=body)


def test_every_route_is_either_guarded_or_known_to_be_open(app: FastAPI) -> None:
    assert {path for _, path in ROUTES} >= OPEN
    others = {getattr(r, "path", None) for r in app.routes} - {None}
    assert others == {"/openapi.json"}
    assert len(app.routes) == len(ROUTERS) + 1


def test_open_routes_need_no_header(client: TestClient) -> None:
    for path in ("/health/live", "/metrics", "/openapi.json", "/"):
        assert client.get(path).status_code == 200
    assert client.get("/health/ready").status_code == 503  # no worker
    assert client.head("/health/live").status_code == 200  # as load balancers ask


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("method", "path"), GUARDED, ids=IDS)
def test_every_route_by_every_caller(
    client: TestClient, headers: Headers, method: str, path: str
) -> None:
    for who, (over, (status, code)) in CALLERS.items():
        answer = call(client, method, path, headers(**over))
        assert answer.status_code == status, who
        if method != "HEAD":
            assert answer.json()["error_code"] == code, who
            assert set(answer.json()) == {"error_code", "message"}
            assert answer.headers["content-type"] == "application/json"
        challenge = "Bearer" if status == 401 else None  # RFC 9110, 15.5.2
        assert answer.headers.get("www-authenticate") == challenge, who
        assert answer.headers["x-request-id"]
    for who, header in (
        ("write", headers()),
        ("both", headers("both")),
        ("any case", headers(authorization=headers()["authorization"].replace("Bearer", "bEARER"))),
        ("two blanks", headers(authorization=headers()["authorization"].replace(" ", "  "))),
    ):
        answer = call(client, method, path, header)
        assert answer.status_code in (200, 400, 404), who
        if method in ("POST", "PUT", "PATCH"):
            told = [error["code"] for error in answer.json()["errors"]]
            assert told == (["not-json"] if answer.status_code == 400 else []), who
    other_scheme = headers()["authorization"].replace("Bearer", "Token")
    assert call(client, method, path, headers(authorization=other_scheme)).status_code == 401
    writes = method in ("POST", "PUT", "PATCH", "DELETE") and path not in READ_BY_POST
    answer = call(client, method, path, headers("read"))
    if writes:
        assert (answer.status_code, answer.json()["error_code"]) == NOT_YOURS
    else:
        assert answer.status_code in (200, 400, 404)
    # A token of another sandbox or organisation sees the same as what is not there.
    for who in ("other_org", "other_sandbox"):
        assert call(client, method, path, headers(who)).status_code in (200, 400, 404)


def test_messages_are_as_clients_know_them(client: TestClient, headers: Headers) -> None:
    url = "/data/core/ups/export/jobs"
    told = [
        client.get(url, headers=headers(**over)).json()
        for over in (
            {"authorization": None},
            {"authorization": "Bearer x"},
            {"x_api_key": None},
            {"x_sandbox_name": None},
        )
    ]
    assert told == [
        {"error_code": "403010", "message": "Oauth token is missing."},
        {"error_code": "401013", "message": "Oauth token is not valid"},
        {"error_code": "403000", "message": "Api Key is required"},
        {"error_code": "400003", "message": "Missing header"},
    ]


def test_a_revoked_token(client: TestClient, headers: Headers, store: Store) -> None:
    url = "/data/core/ups/export/jobs"
    with store.write() as connection:
        secret, made = tokens.create(connection, ORG, [NAME], can_write=True)
    mine = headers(authorization=f"Bearer {secret}")
    assert client.get(url, headers=mine).status_code == 200
    with store.write() as connection:
        tokens.revoke(connection, made.id)
    assert client.get(url, headers=mine).status_code == 401


def test_a_sandbox_that_the_token_has_and_the_store_has_not(
    client: TestClient, headers: Headers, store: Store
) -> None:
    with store.write() as connection:
        secret, _ = tokens.create(connection, ORG, ["later"], can_write=True)
    mine = headers(authorization=f"Bearer {secret}", x_sandbox_name="later")
    answer = client.get("/data/core/ups/export/jobs", headers=mine)
    assert (answer.status_code, answer.json()["error_code"]) == NOT_YOURS


def test_access_is_checked_before_the_body_and_the_parameters(
    client: TestClient, headers: Headers, small_catalog: SmallCatalog
) -> None:
    url = "/data/core/ups/export/jobs"
    assert small_catalog.sandbox_id
    large = b"[" * (1 << 21)
    answer = client.post(url, content=large, headers=headers("read", content_type="text/plain"))
    assert answer.json()["error_code"] == "403027"
    assert client.get(f"{url}?limit=x", headers=headers(x_api_key=None)).status_code == 403


def test_a_dry_run_is_reading(client: TestClient, headers: Headers) -> None:
    url = "/data/core/ups/export/jobs"
    bad = request(fields="nowhere")
    for asked in ("true", "TRUE", "false&dryRun=true"):
        answer = client.post(f"{url}?dryRun={asked}", json=bad, headers=headers("read"))
        assert answer.status_code == 400
    for asked in ("false", "1", "", "true&dryRun=false"):
        answer = client.post(f"{url}?dryRun={asked}", json=bad, headers=headers("read"))
        assert answer.status_code == 403


def _made(client: TestClient, headers: Headers) -> dict[str, str]:
    """One of everything that a sandbox can own: a URL of it, and its id."""
    ups, catalog = "/data/core/ups", "/data/foundation/catalog"
    policy = {
        "name": "p",
        "schema": {"name": "_xdm.context.profile"},
        "identityGraph": {"type": "none"},
        "attributeMerge": {"type": "timestampOrdered"},
    }
    segment = {
        "name": "s",
        "schema": {"name": "_xdm.context.profile"},
        "expression": {"type": "PQL", "format": "pql/text", "value": "x"},
    }
    mine = headers()
    job = client.post(f"{ups}/export/jobs", json=request(), headers=mine).json()
    policy_id = client.post(f"{ups}/config/mergePolicies", json=policy, headers=mine).json()["id"]
    segment_id = client.post(f"{ups}/segment/definitions", json=segment, headers=mine).json()["id"]
    batch = job["destination"]["batchId"]
    return {
        f"{ups}/export/jobs/{{}}": str(job["id"]),
        f"{ups}/export/jobs/{{}}/events": str(job["id"]),
        f"{ups}/config/mergePolicies/{{}}": policy_id,
        f"{ups}/segment/definitions/{{}}": segment_id,
        f"{catalog}/dataSets/{{}}": "crm",
        f"{catalog}/batches/{{}}": batch,
        "/data/foundation/export/batches/{}/files": batch,
        "/data/foundation/export/batches/{}/manifest": batch,
        "/data/foundation/export/files/{}": f"{batch}-0",
    }


def test_what_another_owns_is_answered_as_what_does_not_exist(
    client: TestClient, headers: Headers
) -> None:
    patch = [{"op": "add", "path": "/name", "value": "x"}]
    for url, id_ in _made(client, headers).items():
        nobody = id_[:-3] + "".join("0" if char != "0" else "1" for char in id_[-3:])
        methods = [("GET", None), ("DELETE", None), ("PATCH", patch), ("PUT", {"a": 1})]
        for method, body in methods:
            for who in ("other_org", "other_sandbox"):
                told = []
                for asked in (id_, nobody):
                    answer = client.request(
                        method, url.format(asked), headers=headers(who), json=body
                    )
                    said = {k: v for k, v in answer.json().items() if k != "requestId"}
                    told.append((answer.status_code, str(said).replace(asked, "ID")))
                assert told[0] == told[1], url
                assert told[0][0] in (404, 405), url
    for url, id_ in _made(client, headers).items():  # nothing of it was done
        if "/export/batches" not in url and "/files" not in url and "events" not in url:
            assert client.get(url.format(id_), headers=headers()).status_code == 200
