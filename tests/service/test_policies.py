"""Merge policies by the API: versions, defaults, patches, and what is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select
from starlette.testclient import TestClient

import small_sandbox
from profile_export.service.store import Store, from_file, sandboxes
from profile_export.service.store.tables import policies as table
from serving import SmallCatalog

ROOT = "/data/core/ups/config/mergePolicies"
JOBS = "/data/core/ups/export/jobs"
UNKNOWN = "c0ffee00-0000-4000-8000-000000000000"
Headers = Callable[..., dict[str, str]]
BODY: dict[str, Any] = {
    "name": "By the API",
    "schema": {"name": "_xdm.context.profile"},
    "identityGraph": {"type": "none"},
    "attributeMerge": {"type": "dataSetPrecedence", "order": ["sign", "web", "crm"]},
}
TIME = {"type": "timestampOrdered"}


class Api:
    """Calls that must succeed."""

    def __init__(self, client: TestClient, headers: Headers) -> None:
        self.client, self.headers = client, headers

    def __call__(self, method: str, path: str = "", body: Any = None, **params: object) -> Any:
        answer = self.answer(method, path, body, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def answer(self, method: str, path: str = "", body: Any = None, **params: object) -> Any:
        return self.client.request(
            method,
            ROOT + path,
            json=body,
            headers=self.headers(),
            params=params or None,  # type: ignore[arg-type]
        )

    def defaults(self) -> list[str]:
        return [each["name"] for each in self("GET", default="true")["children"]]


@pytest.fixture
def api(client: TestClient, headers: Headers) -> Api:
    return Api(client, headers)


class TestDocuments:
    def test_a_new_one(self, api: Api) -> None:
        made = api("POST", body=BODY)
        assert made == {
            **BODY,
            "id": made["id"],
            "imsOrgId": "acme@AcmeOrg",
            "sandbox": {"sandboxName": "prod"},
            "version": 1,
            "isActiveOnEdge": False,
            "default": False,
            "updateEpoch": made["updateEpoch"],
        }
        assert 1_700_000_000 < made["updateEpoch"] < 10_000_000_000  # seconds
        assert api("GET", f"/{made['id']}") == made
        assert api("GET", f"/{made['id']}/") == made

    def test_by_time_there_is_no_order(self, api: Api) -> None:
        body = {**BODY, "attributeMerge": {**TIME, "order": ["crm"]}, "isActiveOnEdge": True}
        made = api("POST", body=body)
        assert made["attributeMerge"] == TIME
        assert made["isActiveOnEdge"] is True

    def test_one_of_the_sandbox_file(self, api: Api) -> None:
        assert api("GET", "/crm-first")["attributeMerge"]["order"] == ["sign", "crm"]
        assert api("GET", "/crm-first")["version"] == 2
        first = api("GET", "/crm-first", version=1)
        assert (first["version"], first["identityGraph"]) == (1, {"type": "none"})
        stitch = api("GET", "/stitch")
        assert (stitch["default"], stitch["attributeMerge"]) == (True, TIME)

    def test_the_built_in_one(self, api: Api) -> None:
        built_in = "/timestampOrdered-none-mp"
        assert api("GET", built_in)["attributeMerge"] == TIME
        for method, body in (("PUT", BODY), ("PATCH", []), ("DELETE", None)):
            answer = api.answer(method, built_in, body)
            assert answer.status_code == 409
            assert answer.json()["type"].endswith("built-in-policy")
        assert built_in[1:] not in [each["id"] for each in api("GET")["children"]]

    def test_what_does_not_exist(self, api: Api, client: TestClient, headers: Headers) -> None:
        id_ = api("POST", body=BODY)["id"]
        calls = [("GET", None), ("PUT", {}), ("PATCH", {}), ("DELETE", None)]
        for method, body in calls:
            assert api.answer(method, f"/{UNKNOWN}", body).status_code == 404
            for token in ("other_org", "other_sandbox"):
                answer = client.request(method, f"{ROOT}/{id_}", json=body, headers=headers(token))
                assert answer.status_code == 404
        assert api.answer("GET", f"/{id_}", version=2).status_code == 404
        assert api.answer("GET", "/%00").status_code == 404
        assert api.answer("DELETE", "/stitch%00").status_code == 404
        assert api("GET", f"/{id_}")["version"] == 1

    def test_methods(self, api: Api) -> None:
        for method, path, allow in (
            ("DELETE", "", "GET, POST"),
            ("POST", "/x", "GET, PUT, PATCH, DELETE"),
        ):
            answer = api.answer(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allow)


class TestVersions:
    def test_put_and_patch_make_the_next(self, api: Api) -> None:
        path = f"/{api('POST', body=BODY)['id']}"
        second = api("PUT", path, {**BODY, "name": "Second", "attributeMerge": TIME})
        third = api("PATCH", path, [{"op": "replace", "path": "/name", "value": "Third"}])
        assert [second["version"], third["version"]] == [2, 3]
        names = [api("GET", path, version=n)["name"] for n in (1, 2, 3)]
        assert names == ["By the API", "Second", "Third"]
        assert api("GET", path) == third
        assert api("GET")["_page"]["totalCount"] == 3

    def test_put_of_a_policy_as_read(self, api: Api) -> None:
        for each in api("GET")["children"]:
            answer = api("PUT", f"/{each['id']}", each)
            assert answer["version"] == each["version"] + 1
            for name in ("name", "default", "attributeMerge", "identityGraph", "schema"):
                assert answer[name] == each[name]

    def test_put_replaces_all(self, api: Api) -> None:
        made = api("POST", body={**BODY, "default": True, "isActiveOnEdge": True})
        replaced = api("PUT", f"/{made['id']}", {**BODY, "version": 99, "id": "x"})
        assert (replaced["default"], replaced["isActiveOnEdge"]) == (False, False)
        assert (replaced["id"], replaced["version"]) == (made["id"], 2)

    def test_members_that_are_only_read(self, api: Api) -> None:
        read_only = {
            "id": 7, "imsOrgId": None, "sandbox": [], "version": "x", "updateEpoch": {},
            "creationTime": 1, "updateTime": 2,
        }  # fmt: skip
        made = api("POST", body={**BODY, **read_only})
        assert made["version"] == 1
        assert made["id"] != 7
        patch = [{"op": "add", "path": f"/{name}", "value": 3} for name in read_only]
        patch.append({"op": "replace", "path": "/sandbox/sandboxName", "value": "x"})
        assert api("PATCH", f"/{made['id']}", patch) == made
        assert api("PATCH", f"/{made['id']}", []) == made

    def test_a_patch_of_its_name_asks_nothing_of_its_order(
        self, api: Api, store: Store, small_catalog: SmallCatalog
    ) -> None:
        left = tuple(d for d in small_catalog.sandbox.datasets if d.id != "sign")
        with store.write() as connection:
            from_file.load(connection, replace(small_catalog.sandbox, datasets=left), root=None)
        patch = [{"op": "replace", "path": "/name", "value": "x"}]
        assert api("PATCH", "/crm-first", patch)["name"] == "x"
        kind = {"path": "/attributeMerge/type", "value": "dataSetPrecedence"}
        patch.append({"op": "replace", **kind})
        (problem,) = api.answer("PATCH", "/crm-first", patch).json()["errors"]
        assert (problem["code"], problem["pointer"]) == ("unknown-dataset", "/1/value")

    def test_a_job_keeps_its_version(self, api: Api, client: TestClient, headers: Headers) -> None:
        id_ = api("POST", body=BODY)["id"]
        body = {
            "schema": {"name": "_xdm.context.profile"},
            "destination": {"datasetId": small_sandbox.TARGET},
            "mergePolicy": {"id": id_},
        }
        job = client.post(JOBS, json=body, headers=headers()).json()
        api("PATCH", f"/{id_}", [{"op": "add", "path": "/name", "value": "n"}])
        later = client.post(JOBS, json=body, headers=headers()).json()
        api("DELETE", f"/{id_}")
        shown = client.get(f"{JOBS}/{job['id']}", headers=headers()).json()
        assert shown["mergePolicy"] == {"id": id_, "version": 1}
        assert later["mergePolicy"] == {"id": id_, "version": 2}
        assert client.post(JOBS, json=body, headers=headers()).status_code == 400

    def test_changes_at_once(self, api: Api) -> None:
        path = f"/{api('POST', body=BODY)['id']}"

        def patch(number: int) -> int:
            body = [{"op": "add", "path": "/name", "value": f"n{number}"}]
            return int(api("PATCH", path, body)["version"])

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(patch, range(8))) == list(range(2, 10))
        names = {api("GET", path, version=n)["name"] for n in range(2, 10)}
        assert names == {f"n{number}" for number in range(8)}


class TestDefault:
    def test_a_new_default_unsets_the_old(self, api: Api) -> None:
        assert api.defaults() == ["Stitch"]
        made = api("POST", body={**BODY, "default": True})
        assert api.defaults() == ["By the API"]
        old = api("GET", "/stitch")
        assert (old["version"], old["default"]) == (2, False)
        assert api("GET", "/stitch", version=1)["default"] is True
        patch = [{"op": "add", "path": "/default", "value": True}]
        assert api("PATCH", "/stitch", patch)["version"] == 3
        assert api.defaults() == ["Stitch"]
        assert api("GET", f"/{made['id']}")["version"] == 2

    def test_one_for_each_schema(self, api: Api) -> None:
        other = {**BODY, "name": "Other", "schema": {"name": "_xdm.other"}, "default": True}
        made = api("POST", body=other)
        assert api.defaults() == ["Stitch", "Other"]
        patch = [{"op": "replace", "path": "/schema.name", "value": "_xdm.context.profile"}]
        api("PATCH", f"/{made['id']}", patch)
        assert api.defaults() == ["Other"]

    def test_there_may_be_none(self, api: Api) -> None:
        api("PATCH", "/stitch", [{"op": "remove", "path": "/default"}])
        assert api.defaults() == []
        api("PATCH", "/stitch", [{"op": "add", "path": "/default", "value": True}])
        api("DELETE", "/stitch")
        assert api.defaults() == []

    def test_two_at_once(self, api: Api) -> None:
        ids = [api("POST", body={**BODY, "name": str(n)})["id"] for n in range(4)]

        def make_default(id_: str) -> None:
            api("PATCH", f"/{id_}", [{"op": "add", "path": "/default", "value": True}])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(make_default, ids))
        assert len(api.defaults()) == 1


class TestList:
    def test_all(self, api: Api) -> None:
        page = api("GET")
        assert [each["id"] for each in page["children"]] == ["stitch", "crm-first"]
        assert page["_page"] == {"totalCount": 2, "pageSize": 2, "count": 2}
        assert page["_links"] == {"next": {"href": ""}}

    def test_page_by_page(self, api: Api, client: TestClient, headers: Headers) -> None:
        made = [api("POST", body={**BODY, "name": f"n{n}"})["id"] for n in range(5)]
        seen: list[str] = []
        page = api("GET", limit=3, orderby="name")
        while True:
            seen += [each["id"] for each in page["children"]]
            assert page["_page"]["totalCount"] == 7
            href = page["_links"]["next"]["href"]
            if not href:
                break
            assert len(page["children"]) == 3
            page = client.get(href, headers=headers()).json()
        assert seen == ["crm-first", "stitch", *made]

    def test_a_page_has_twenty_by_itself(self, api: Api, store: Store) -> None:
        with store.write() as connection:
            row = connection.execute(select(table).where(table.c.id == "stitch")).one()._asdict()
            connection.execute(insert(table), [{**row, "id": f"p{n}"} for n in range(19)])
        page = api("GET")
        assert page["_page"] == {"totalCount": 21, "pageSize": 20, "count": 20}
        assert page["_links"]["next"]["href"] == f"{ROOT}?start=20&limit=20"

    @pytest.mark.parametrize(
        ("params", "ids"),
        [
            ("schema.name=_xdm.context.profile", ["stitch", "crm-first"]),
            ("schema.name=other", []),
            ("default=true", ["stitch"]),
            ("default=false", ["crm-first"]),
            ("orderby=-name", ["stitch", "crm-first"]),
            ("orderby=+name", ["crm-first", "stitch"]),
            ("orderBy=desc:version", ["crm-first", "stitch"]),
            ("orderby=name,version", ["crm-first", "stitch"]),
            ("start=1", ["crm-first"]),
            ("start=9", []),
            ("limit=100&limit=1", ["stitch"]),
            ("colour=red", ["stitch", "crm-first"]),
        ],
    )
    def test_parameters(self, params: str, ids: list[str], api: Api) -> None:
        assert [each["id"] for each in api("GET", f"?{params}")["children"]] == ids

    @pytest.mark.parametrize(
        "params", ["limit=0", "limit=1.5", "start=-1", "start=x", "orderby=x,y", "default=1"]
    )
    def test_bad_parameters(self, params: str, api: Api) -> None:
        answer = api.answer("GET", f"?{params}")
        assert answer.status_code == 400
        (problem,) = answer.json()["errors"]
        assert problem["parameter"] == params.partition("=")[0]

    def test_another_sandbox_sees_nothing(self, client: TestClient, headers: Headers) -> None:
        for token in ("other_org", "other_sandbox"):
            page = client.get(ROOT, headers=headers(token)).json()
            assert (page["children"], page["_page"]["totalCount"]) == ([], 0)

    def test_a_bad_version(self, api: Api) -> None:
        for version in ("0", "x", "-1", "1.0", "9" * 30):
            assert api.answer("GET", "/stitch", version=version).status_code == 400


class TestDelete:
    def test_all_versions_go(self, api: Api) -> None:
        assert api("DELETE", "/crm-first") == {}
        for params in ({}, {"version": 1}, {"version": 2}):
            assert api.answer("GET", "/crm-first", **params).status_code == 404
        assert api.answer("DELETE", "/crm-first").status_code == 404
        assert [each["id"] for each in api("GET")["children"]] == ["stitch"]

    def test_the_file_does_not_bring_it_back(
        self, api: Api, store: Store, small_catalog: SmallCatalog
    ) -> None:
        api("DELETE", "/stitch")
        with store.write() as connection:
            from_file.load(connection, small_catalog.sandbox, root=None)
        assert api.answer("GET", "/stitch").status_code == 404

    def test_plans_see_it_at_once(
        self, api: Api, store: Store, small_catalog: SmallCatalog
    ) -> None:
        def known() -> list[str]:
            with store.read() as connection:
                catalog = sandboxes.catalog(connection, small_catalog.sandbox_id)
            return [policy.id for policy in catalog.latest_policies()]

        assert known() == ["stitch", "crm-first"]
        id_ = api("POST", body=BODY)["id"]
        assert known() == ["stitch", "crm-first", id_]
        api("DELETE", f"/{id_}")
        assert known() == ["stitch", "crm-first"]


BAD: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "nothing": (
        {},
        [
            ("/attributeMerge", "missing"),
            ("/identityGraph", "missing"),
            ("/name", "missing"),
            ("/schema", "missing"),
        ],
    ),
    "no order": (
        {**BODY, "attributeMerge": {"type": "dataSetPrecedence"}},
        [("/attributeMerge/order", "missing")],
    ),
    "an empty order": (
        {**BODY, "attributeMerge": {"type": "dataSetPrecedence", "order": []}},
        [("/attributeMerge/order", "missing")],
    ),
    **{
        f"bad ids beside {name}": (
            {**BODY, "attributeMerge": {"type": "dataSetPrecedence", "order": ["nope"], **merge}},
            told,
        )
        for name, merge, told in (
            (
                "a bad type",
                {"type": "bogus"},
                [
                    ("/attributeMerge/order/0", "unknown-dataset"),
                    ("/attributeMerge/type", "bad-value"),
                ],
            ),
            (
                "no text",
                {"order": ["nope", 5]},
                [
                    ("/attributeMerge/order/0", "unknown-dataset"),
                    ("/attributeMerge/order/1", "wrong-type"),
                ],
            ),
            (
                "an unknown member",
                {"extra": 1},
                [
                    ("/attributeMerge/extra", "unknown-member"),
                    ("/attributeMerge/order/0", "unknown-dataset"),
                ],
            ),
        )
    },
    "bad ids": (
        {
            **BODY,
            "attributeMerge": {
                "type": "dataSetPrecedence",
                "order": ["crm", "cmr", "crm", small_sandbox.TARGET],
            },
        },
        [
            ("/attributeMerge/order/1", "unknown-dataset"),
            ("/attributeMerge/order/2", "bad-value"),
            ("/attributeMerge/order/3", "bad-value"),
        ],
    ),
    "shape and catalog at once": (
        {
            "nam": "x",
            "schema": {"name": 1, "version": 2},
            "identityGraph": {"type": "pgd"},
            "attributeMerge": {"type": "dataSetPrecedence", "order": ["nothing"]},
            "default": "true",
            "isActiveOnEdge": None,
        },
        [
            ("/attributeMerge/order/0", "unknown-dataset"),
            ("/default", "wrong-type"),
            ("/identityGraph/type", "bad-value"),
            ("/isActiveOnEdge", "wrong-type"),
            ("/nam", "unknown-member"),
            ("/name", "missing"),
            ("/schema/name", "wrong-type"),
            ("/schema/version", "unknown-member"),
        ],
    ),
    "types": (
        {**BODY, "attributeMerge": {"type": "dataSetPrecedence", "order": "crm"}},
        [("/attributeMerge/order", "wrong-type")],
    ),
    "another type": (
        {**BODY, "attributeMerge": {"type": "x"}},
        [("/attributeMerge/type", "bad-value")],
    ),
    "no object": ([], [("", "wrong-type")]),
}

PATCHES: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "no array": ({"op": "add"}, [("", "wrong-type")]),
    "no operations": (["x"], [("/0", "wrong-type")]),
    "nothing in it": ([{}], [("/0/op", "missing"), ("/0/path", "missing")]),
    "no value": ([{"op": "add", "path": "/name"}], [("/0/value", "missing")]),
    "null": ([{"op": "add", "path": "/name", "value": None}], [("/0/value", "wrong-type")]),
    "another operation": (
        [{"op": "move", "path": "/name", "value": "x"}],
        [("/0/op", "bad-value")],
    ),
    "unknown paths": (
        [
            {"op": "add", "path": "/nmae", "value": "x"},
            {"op": "add", "path": "name", "value": "x"},
            {"op": "add", "path": "", "value": "x"},
            {"op": "add", "path": "/schema.nome", "value": "x"},
            {"op": "add", "path": "/attributeMerge/order/0", "value": "x"},
        ],
        [(f"/{n}/path", "unknown-path") for n in range(5)],
    ),
    "unknown members": (
        [{"op": "add", "path": "/name", "value": "x", "from": "/y"}],
        [("/0/from", "unknown-member")],
    ),
    "wrong types": (
        [
            {"op": "add", "path": "/default", "value": "true"},
            {"op": "add", "path": "/identityGraph.type", "value": "pgd"},
            {"op": "add", "path": "/name", "value": ""},
            {"op": "add", "path": "/schema", "value": {"nome": "x"}},
        ],
        [
            ("/0/value", "wrong-type"),
            ("/1/value", "bad-value"),
            ("/2/value", "bad-value"),
            ("/3/value/name", "missing"),
            ("/3/value/nome", "unknown-member"),
        ],
    ),
    "into what an operation before has made a text": (
        [
            {"op": "replace", "path": "/schema", "value": "x"},
            {"op": "replace", "path": "/schema/name", "value": "y"},
            {"op": "remove", "path": "/schema/name"},
        ],
        [("/0/value", "wrong-type")],
    ),
    "ids": (
        [{"op": "replace", "path": "/attributeMerge.order", "value": ["crm", "nothing"]}],
        [("/0/value/1", "unknown-dataset")],
    ),
    "required": ([{"op": "remove", "path": "/name"}], [("/0/path", "missing")]),
    "not there": (
        [{"op": "remove", "path": "/attributeMerge.order"}] * 2,
        [("/1/path", "bad-value")],
    ),
    "only one is bad": (
        [
            {"op": "add", "path": "/name", "value": "x"},
            {"op": "add", "path": "/default", "value": 1},
        ],
        [("/1/value", "wrong-type")],
    ),
}  # fmt: skip


def told(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
class TestRefusals:
    @pytest.mark.parametrize("case", BAD)
    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_bodies(self, method: str, case: str, api: Api) -> None:
        body, problems = BAD[case]
        path = "" if method == "POST" else "/stitch"
        assert told(api.answer(method, path, body)) == problems
        assert api("GET")["_page"]["totalCount"] == 2
        assert api("GET", "/stitch")["version"] == 1

    @pytest.mark.parametrize("case", PATCHES)
    def test_patches(self, case: str, api: Api) -> None:
        body, problems = PATCHES[case]
        path = f"/{api('POST', body=BODY)['id']}"
        assert told(api.answer("PATCH", path, body)) == problems
        assert api("GET", path)["version"] == 1

    def test_a_type_without_its_order(self, api: Api) -> None:
        patch = [{"op": "add", "path": "/attributeMerge.type", "value": "dataSetPrecedence"}]
        assert told(api.answer("PATCH", "/stitch", patch)) == [("/0/value", "missing")]

    @pytest.mark.parametrize("separator", ["/", "."])
    def test_good_patches(self, separator: str, api: Api) -> None:
        patch = [
            {"op": "add", "path": f"/attributeMerge{separator}order", "value": ["web", "crm"]},
            {
                "op": "replace",
                "path": f"/attributeMerge{separator}type",
                "value": "dataSetPrecedence",
            },
            {"op": "replace", "path": f"/identityGraph{separator}type", "value": "none"},
            {"op": "add", "path": "/isActiveOnEdge", "value": True},
            {"op": "add", "path": f"/schema{separator}name", "value": "_xdm.other"},
        ]
        changed = api("PATCH", "/stitch", patch)
        assert changed["attributeMerge"] == {"type": "dataSetPrecedence", "order": ["web", "crm"]}
        assert changed["identityGraph"] == {"type": "none"}
        assert changed["schema"] == {"name": "_xdm.other"}
        back = [{"op": "replace", "path": f"/attributeMerge{separator}type", "value": TIME["type"]}]
        assert api("PATCH", "/stitch", back)["attributeMerge"] == TIME

    def test_patch_types(self, client: TestClient, headers: Headers) -> None:
        sent = headers(content_type="application/json-patch+json; charset=utf-8")
        body = '[{"op": "add", "path": "/name", "value": "x", "op": "add"}]'
        answer = client.patch(f"{ROOT}/stitch", content=body, headers=sent)
        assert told(answer) == [("/0/op", "duplicate-key")]
        assert client.patch(f"{ROOT}/stitch", content="[]", headers=sent).status_code == 200
