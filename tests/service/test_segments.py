"""Segment definitions by the API."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

import small_sandbox
from profile_export.service.store import Store, from_file
from serving import SmallCatalog

ROOT = "/data/core/ups/segment/definitions"
JOBS = "/data/core/ups/export/jobs"
Headers = Callable[..., dict[str, str]]
BODY: dict[str, Any] = {
    "name": "Buyers",
    "description": "Who bought this year.",
    "schema": {"name": "_xdm.context.profile"},
    "expression": {"type": "PQL", "format": "pql/text", "value": "select * from xEvent"},
    "mergePolicyId": "stitch",
}
KEPT: dict[str, Any] = {
    "ttlInDays": 60,
    "evaluationInfo": {"batch": {"enabled": True, "x": None}},
    "payloadSchema": "string",
    "profileInstanceId": "ups",
    "dataGovernancePolicy": {"excludeOptOut": True},
}


class Api:
    """Calls that must succeed."""

    def __init__(self, client: TestClient, headers: Headers) -> None:
        self.client, self.headers = client, headers

    def __call__(self, method: str, path: str = "", body: Any = None) -> Any:
        answer = self.answer(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def answer(self, method: str, path: str = "", body: Any = None) -> Any:
        return self.client.request(method, ROOT + path, json=body, headers=self.headers())

    def ids(self, query: str = "") -> list[str]:
        return [each["id"] for each in self("GET", query)["segments"]]


@pytest.fixture
def api(client: TestClient, headers: Headers) -> Api:
    return Api(client, headers)


class TestDocuments:
    def test_a_new_one(self, api: Api) -> None:
        answer = api.answer("POST", "", {**BODY, **KEPT, "id": "mine", "creationTime": 1})
        made = answer.json()
        assert answer.headers["x-location"] == f"{ROOT}/{made['id']}"
        assert made == {
            **BODY,
            **KEPT,
            "id": made["id"],
            "imsOrgId": "acme@AcmeOrg",
            "sandbox": {"sandboxName": "prod"},
            "creationTime": made["creationTime"],
            "updateTime": made["creationTime"],
        }
        assert made["id"] != "mine"
        assert made["creationTime"] > 1_700_000_000_000
        assert api("GET", f"/{made['id']}") == made

    def test_the_least(self, api: Api) -> None:
        least = {"name": "x", "expression": BODY["expression"]}
        made = api("POST", "/", least)
        assert least.items() <= made.items()
        assert made["schema"] == {"name": "_xdm.context.profile"}
        assert "mergePolicyId" not in made
        assert None not in made.values()

    def test_those_of_the_sandbox_file(self, api: Api) -> None:
        assert api.ids() == ["vip", "lapsed"]
        vip = api("GET", "/vip")
        assert (vip["name"], vip["mergePolicyId"]) == ("VIP", "stitch")
        assert vip["description"] == "Who spends most."
        assert set(vip["expression"]) == {"type", "format", "value"}

    def test_a_document_can_be_sent_back_as_read(self, api: Api) -> None:
        made = api("POST", body={**BODY, **KEPT})
        again = api("POST", body=made)
        assert again["id"] != made["id"]
        for name in (*BODY, *KEPT):
            assert again[name] == made[name]

    def test_one_of_the_sandbox_file_can_be_sent_back_as_read(self, api: Api) -> None:
        assert api("POST", body=api("GET", "/vip"))["name"] == "VIP"

    def test_jobs_go_by_its_policy(self, api: Api, client: TestClient, headers: Headers) -> None:
        def policy() -> str:
            body = {
                "schema": {"name": "_xdm.context.profile"},
                "destination": {"datasetId": small_sandbox.TARGET},
                "filter": {"segments": [{"segmentId": id_}]},
            }
            job = client.post(JOBS, json=body, headers=headers()).json()
            return str(job["mergePolicy"]["id"])

        id_ = api("POST", body={**BODY, "mergePolicyId": "crm-first"})["id"]
        assert policy() == "crm-first"
        api("DELETE", f"/{id_}")
        assert policy() == "stitch"  # the default; it is exported all the same


class TestList:
    def test_pages(self, api: Api) -> None:
        made = [api("POST", body={**BODY, "name": str(n)})["id"] for n in range(3)]
        every = ["vip", "lapsed", *made]
        assert api("GET")["page"] == {"totalCount": 5, "totalPages": 1, "pageSize": 5}
        assert api("GET", "?limit=2")["page"] == {"totalCount": 5, "totalPages": 3, "pageSize": 2}
        assert api.ids("?limit=2") == every[:2]
        assert api.ids("?limit=2&page=2") == every[4:]
        assert api.ids("?limit=2&page=3") == []
        assert api.ids("?limit=2&start=1") == every[1:3]
        assert api.ids("?evaluationInfo.continuous.enabled=true&sort=x") == every

    def test_none(self, client: TestClient, headers: Headers) -> None:
        empty = {"segments": [], "page": {"totalCount": 0, "totalPages": 0, "pageSize": 0}}
        for token in ("other_org", "other_sandbox"):
            assert client.get(ROOT, headers=headers(token)).json() == empty

    @pytest.mark.parametrize("query", ["limit=0", "limit=1001", "start=x", "page=-1"])
    def test_bad_parameters(self, query: str, api: Api) -> None:
        answer = api.answer("GET", f"?{query}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


class TestDelete:
    def test_it_goes_and_stays_away(
        self, api: Api, store: Store, small_catalog: SmallCatalog
    ) -> None:
        made = api("POST", body=BODY)["id"]
        for id_ in (made, "vip"):
            answer = api("DELETE", f"/{id_}")
            assert answer["status"] is True
            assert answer["message"]
            for method in ("GET", "DELETE"):
                assert api.answer(method, f"/{id_}").status_code == 404
        with store.write() as connection:
            from_file.load(connection, small_catalog.sandbox, root=None)
        assert api.ids() == ["lapsed"]

    def test_that_of_another_is_not_there(
        self, api: Api, client: TestClient, headers: Headers
    ) -> None:
        for token in ("other_org", "other_sandbox"):
            for method in ("GET", "DELETE"):
                answer = client.request(method, f"{ROOT}/vip", headers=headers(token))
                assert answer.status_code == 404
        for id_ in ("vi", "VIP", "vip%00", "%00"):
            assert api.answer("DELETE", f"/{id_}").status_code == 404
        assert api.ids() == ["vip", "lapsed"]

    def test_methods(self, api: Api) -> None:
        for method, path, allow in (
            ("PATCH", "/vip", "GET, DELETE"),
            ("PUT", "/vip", "GET, DELETE"),
            ("POST", "/bulk-get", "GET, DELETE"),
            ("DELETE", "", "GET, POST"),
        ):
            answer = api.answer(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allow)
            assert answer.headers["content-type"] == "application/problem+json"


BAD: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "nothing": ({}, [("/expression", "missing"), ("/name", "missing")]),
    "an empty expression": (
        {**BODY, "expression": {}},
        [
            ("/expression/format", "missing"),
            ("/expression/type", "missing"),
            ("/expression/value", "missing"),
        ],
    ),
    "an expression as text": ({**BODY, "expression": "x"}, [("/expression", "wrong-type")]),
    "unknown policy": ({**BODY, "mergePolicyId": "stich"}, [("/mergePolicyId", "unknown-policy")]),
    "empty policy": ({**BODY, "mergePolicyId": ""}, [("/mergePolicyId", "bad-value")]),
    "null": (
        {**BODY, "mergePolicyId": None, "ttlInDays": None},
        [("/mergePolicyId", "wrong-type"), ("/ttlInDays", "wrong-type")],
    ),
    "all at once": (
        {**BODY, "name": 1, "mergePolicyId": "x", "schema": {}, "ttl": 1},
        [
            ("/mergePolicyId", "unknown-policy"),
            ("/name", "wrong-type"),
            ("/schema/name", "missing"),
            ("/ttl", "unknown-member"),
        ],
    ),
    "an array": ([BODY], [("", "wrong-type")]),
}


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("case", BAD)
def test_bad_bodies(case: str, api: Api) -> None:
    body, problems = BAD[case]
    answer = api.answer("POST", "", body)
    assert answer.status_code == 400, answer.text
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == problems
    assert api.ids() == ["vip", "lapsed"]
