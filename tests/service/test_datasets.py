"""Data sets by the API: made, listed, shown, and exported to."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import small_sandbox
from profile_export.catalog import UNION_SCHEMA
from profile_export.service.app import create_app
from profile_export.service.config import ServiceConfig
from profile_export.service.store import Store, from_file, sandboxes
from serving import SmallCatalog

ROOT = "/data/foundation/catalog"
Headers = Callable[..., dict[str, str]]
BODY: dict[str, Any] = {
    "name": "Profile Data Export",
    "schemaRef": {"id": UNION_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"},
    "fileDescription": {"persisted": True, "containerFormat": "parquet", "format": "parquet"},
    "aspect": "production",
}


@pytest.fixture
def make(client: TestClient, headers: Headers) -> Callable[..., str]:
    def make(**over: Any) -> str:
        answer = client.post(f"{ROOT}/dataSets", json={**BODY, **over}, headers=headers())
        assert answer.status_code == 201, answer.text
        (place,) = answer.json()
        return str(place.removeprefix("@/datasets/"))

    return make


@pytest.fixture
def get(client: TestClient, headers: Headers) -> Callable[..., dict[str, Any]]:
    def get(path: str, token: str = "read", **params: object) -> dict[str, Any]:
        answer = client.get(f"{ROOT}{path}", headers=headers(token), params=params)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return get


Make, Get = Callable[..., str], Callable[..., dict[str, Any]]


class TestMaking:
    def test_the_answer(self, client: TestClient, headers: Headers) -> None:
        answer = client.post(f"{ROOT}/dataSets", json=BODY, headers=headers())
        assert answer.status_code == 201
        (place,) = answer.json()
        id_ = place.removeprefix("@/datasets/")
        assert len(id_) == 24
        assert set(id_) <= set("0123456789abcdef")
        assert answer.headers["location"] == f"{ROOT}/dataSets/{id_}"
        shown = client.get(answer.headers["location"], headers=headers("read")).json()
        assert shown == {id_: shown[id_]}
        assert shown[id_].pop("created") == shown[id_].pop("updated") > 1_700_000_000_000
        assert shown[id_] == {
            **BODY,
            "tags": {"adobe/pqs/table": ["profile_data_export_3"]},
            "classification": {"dataBehavior": "record", "managedBy": "CUSTOMER"},
            "imsOrg": "acme@AcmeOrg",
        }

    def test_the_least(self, get: Get, client: TestClient, headers: Headers) -> None:
        least = {"name": "x", "schemaRef": {"id": UNION_SCHEMA}}
        answer = client.post(f"{ROOT}/datasets/", json=least, headers=headers())
        id_ = answer.json()[0][-24:]
        shown = get(f"/datasets/{id_}")[id_]
        assert shown["schemaRef"] == BODY["schemaRef"]
        assert shown["tags"] == {"adobe/pqs/table": ["x"]}
        assert shown["fileDescription"] == BODY["fileDescription"]
        assert None not in shown.values()

    def test_members_that_are_kept(self, make: Make, get: Get) -> None:
        kept = {
            "description": "",
            "unifiedTags": ["a"],
            "systemLabels": [],
            "enableErrorDiagnostics": True,
        }
        id_ = make(**kept, tags={"unifiedProfile": ["enabled:true"], "adobe/pqs/table": ["no"]})
        shown = get(f"/dataSets/{id_}")[id_]
        assert kept.items() <= shown.items()
        assert shown["tags"] == {
            "unifiedProfile": ["enabled:true"],
            "adobe/pqs/table": ["profile_data_export_3"],
        }

    def test_an_object_can_be_sent_back_as_read(
        self, get: Get, client: TestClient, headers: Headers
    ) -> None:
        for id_, shown in get("/dataSets").items():
            answer = client.post(f"{ROOT}/dataSets", json=shown, headers=headers())
            if shown["schemaRef"]["id"] == UNION_SCHEMA:
                assert answer.status_code == 201, answer.text
            else:
                assert told(answer) == [("/schemaRef/id", "not-the-union-schema")], id_

    def test_sql_names_of_one_name(self, make: Make, get: Get) -> None:
        ids = [make(name="Zwölf / x"), make(name="zwölf - X"), make(name="Zw*lf % x")]
        shown = get("/dataSets")
        names = [shown[id_]["tags"]["adobe/pqs/table"] for id_ in ids]
        assert names == [["zw_lf___x"], ["zw_lf___x_2"], ["zw_lf___x_3"]]
        every = [each["tags"]["adobe/pqs/table"][0] for each in shown.values()]
        assert len(set(every)) == len(every)

    def test_an_export_goes_to_it(
        self, make: Make, client: TestClient, headers: Headers, small_catalog: SmallCatalog
    ) -> None:
        id_ = make()
        body = {"schema": {"name": "_xdm.context.profile"}, "destination": {"datasetId": id_}}
        jobs = "/data/core/ups/export/jobs"
        assert client.post(jobs, json=body, headers=headers()).status_code == 200
        with client.app.state.store.read() as connection:  # type: ignore[attr-defined]
            catalog = sandboxes.catalog(connection, small_catalog.sandbox_id)
        table = catalog.dataset(id_).table  # type: ignore[union-attr]
        assert (table.format, table.location) == ("delta", f"{small_catalog.folder}/{id_}")
        assert table.display == id_  # messages do not say where it lies

    def test_it_stays_when_the_file_is_loaded_again(
        self, make: Make, get: Get, store: Store, small_catalog: SmallCatalog
    ) -> None:
        id_ = make()
        with store.write() as connection:
            from_file.load(connection, small_catalog.sandbox, root=str(small_catalog.folder))
        assert list(get("/dataSets"))[-1] == id_

    def test_the_data_folder_of_serve(self, store: Store, small_catalog: SmallCatalog) -> None:
        sent = small_catalog.headers("other_sandbox")
        with TestClient(create_app(store, ServiceConfig(data_root="s3://lake/x/"))) as client:
            made = client.post(f"{ROOT}/dataSets", json=BODY, headers=sent).json()[0][-24:]
        with store.read() as connection:
            dev = sandboxes.find_id(connection, "acme@AcmeOrg", "dev")
            assert dev is not None
            catalog = sandboxes.catalog(connection, dev)
        assert [d.table.location for d in catalog.datasets] == [f"s3://lake/x/{made}"]

    def test_no_folder_at_all(self, client: TestClient, headers: Headers) -> None:
        answer = client.post(f"{ROOT}/dataSets", json=BODY, headers=headers("other_sandbox"))
        assert answer.status_code == 409
        assert "--data" in answer.json()["detail"]
        assert client.get(f"{ROOT}/dataSets", headers=headers("other_sandbox")).json() == {}


BAD: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "nothing": ({}, [("/name", "missing"), ("/schemaRef", "missing")]),
    "empty schemaRef": ({**BODY, "schemaRef": {}}, [("/schemaRef/id", "missing")]),
    "another schema": (
        {**BODY, "schemaRef": {"id": "https://ns.adobe.com/xdm/context/profile"}},
        [("/schemaRef/id", "not-the-union-schema")],
    ),
    "a schema that is no text": (
        {**BODY, "schemaRef": {"id": 7}},
        [("/schemaRef/id", "wrong-type")],
    ),
    "empty name": ({**BODY, "name": ""}, [("/name", "bad-value")]),
    "null": ({**BODY, "description": None}, [("/description", "wrong-type")]),
    "unknown": (
        {**BODY, "nmae": 1, "a/b~c": 2},
        [("/a~1b~0c", "unknown-member"), ("/nmae", "unknown-member")],
    ),
    "unknown below": (
        {**BODY, "schemaRef": {**BODY["schemaRef"], "idd": "x"}},
        [("/schemaRef/idd", "unknown-member")],
    ),
    "tags": (
        {**BODY, "tags": {"a": "b", "c": [1]}},
        [("/tags/a", "wrong-type"), ("/tags/c/0", "wrong-type")],
    ),
    "labels": ({**BODY, "systemLabels": "C1"}, [("/systemLabels", "wrong-type")]),
    "diagnostics": (
        {**BODY, "enableErrorDiagnostics": "yes"},
        [("/enableErrorDiagnostics", "wrong-type")],
    ),
    "format": (
        {**BODY, "fileDescription": {"format": "csv"}},
        [("/fileDescription/format", "bad-value")],
    ),
    "all at once": (
        {"name": 1, "schemaRef": {"id": "x"}, "aspects": ""},
        [
            ("/aspects", "unknown-member"),
            ("/name", "wrong-type"),
            ("/schemaRef/id", "not-the-union-schema"),
        ],
    ),
    "an array": ([BODY], [("", "wrong-type")]),
}


def told(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
class TestRefusals:
    @pytest.mark.parametrize("case", BAD)
    def test_bodies(self, case: str, client: TestClient, headers: Headers) -> None:
        body, problems = BAD[case]
        assert told(client.post(f"{ROOT}/dataSets", json=body, headers=headers())) == problems
        assert len(client.get(f"{ROOT}/dataSets", headers=headers()).json()) == 5

    @pytest.mark.parametrize(
        "text", ["", "{", '{"name": "\\ud800"}', '{"name": "a", "name": "b"}', "[" * 200]
    )
    def test_texts(self, text: str, client: TestClient, headers: Headers) -> None:
        answer = client.post(f"{ROOT}/dataSets", content=text, headers=headers())
        assert answer.status_code == 400
        assert answer.json()["errors"]

    @pytest.mark.parametrize(
        ("params", "bad"),
        [
            ("limit=0", ["limit"]), ("limit=1001", ["limit"]), ("limit=x", ["limit"]),
            ("limit=-1", ["limit"]), ("limit=", ["limit"]), ("start=-1", ["start"]),
            ("orderBy=colour", ["orderBy"]), ("orderBy=down:name", ["orderBy"]),
            ("orderBy=name,", ["orderBy"]), ("name=a%00", ["name"]),
            ("limit=x&start=y&orderBy=z", ["start", "limit", "orderBy"]),
            ("limit=%D9%A3", ["limit"]),
        ],
    )  # fmt: skip
    def test_parameters(
        self, params: str, bad: list[str], client: TestClient, headers: Headers
    ) -> None:
        answer = client.get(f"{ROOT}/dataSets?{params}", headers=headers())
        assert answer.status_code == 400
        assert [each["parameter"] for each in answer.json()["errors"]] == bad

    @pytest.mark.parametrize("id_", ["nothing", "%00", "..", "5b020a27e7040801dedba61B", "a%2Fb"])
    def test_ids(self, id_: str, client: TestClient, headers: Headers) -> None:
        answer = client.get(f"{ROOT}/dataSets/{id_}", headers=headers())
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("method", "path", "allow"),
        [
            ("DELETE", "dataSets", "GET, POST"), ("PUT", "datasets", "GET, POST"),
            ("DELETE", "dataSets/x", "GET"), ("PATCH", "dataSets/x", "GET"),
            ("POST", "batches", "GET"), ("POST", "batches/x", "GET"),
        ],
    )  # fmt: skip
    def test_methods(
        self, method: str, path: str, allow: str, client: TestClient, headers: Headers
    ) -> None:
        answer = client.request(method, f"{ROOT}/{path}", headers=headers())
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)


class TestListing:
    def test_datasets_of_the_sandbox_file(self, get: Get) -> None:
        shown = get("/dataSets")
        assert list(shown) == ["crm", "sign", "web", small_sandbox.TARGET, small_sandbox.OTHER]
        behaviors = [each["classification"]["dataBehavior"] for each in shown.values()]
        assert behaviors == ["record", "record", "time-series", "record", "record"]
        assert [each["schemaRef"]["id"].rpartition("/")[2] for each in shown.values()] == [
            "profile", "profile", "experienceevent", "profile__union", "profile__union",
        ]  # fmt: skip
        names = [each["tags"]["adobe/pqs/table"][0] for each in shown.values()]
        assert names == ["crm", "sign_ups", "web", "profile_data_export", "profile_data_export_2"]
        for each in shown.values():
            assert {"name", "schemaRef", "created", "updated", "tags", "classification"} <= set(
                each
            )
        assert "/" not in json.dumps([each["fileDescription"] for each in shown.values()])

    @pytest.mark.parametrize(
        ("params", "ids"),
        [
            ({"limit": 2}, ["crm", "sign"]),
            ({"limit": 2, "start": 1}, ["sign", "web"]),
            ({"start": 4}, [small_sandbox.OTHER]),
            ({"start": 5}, []),
            ({"name": "Web"}, ["web"]),
            ({"name": "web"}, []),
            ({"orderBy": "desc:name", "limit": 3}, [small_sandbox.OTHER, "web", "sign"]),
            ({"orderBy": "asc:created,-id", "limit": 1}, ["web"]),
            ({"orderBy": "desc:created,id", "limit": 1}, [small_sandbox.TARGET]),
            ({"orderby": "+name", "limit": 1}, ["crm"]),
            ({"requestDataSource": "x", "colour": ["a", "b"]}, None),
        ],
    )
    def test_parameters(self, params: dict[str, Any], ids: list[str] | None, get: Get) -> None:
        assert list(get("/datasets", **params)) == (
            ids if ids is not None else list(get("/dataSets"))
        )

    def test_properties(self, get: Get) -> None:
        shown = get("/dataSets", properties="name, created,nothing")
        assert {tuple(each) for each in shown.values()} == {("name", "created")}
        assert get("/dataSets/crm", properties="name") == {"crm": {"name": "CRM"}}

    def test_another_sandbox_sees_nothing(
        self, make: Make, client: TestClient, headers: Headers
    ) -> None:
        id_ = make()
        for token in ("other_org", "other_sandbox"):
            assert client.get(f"{ROOT}/dataSets", headers=headers(token)).json() == {}
            answer = client.get(f"{ROOT}/dataSets/{id_}", headers=headers(token))
            nothing = client.get(f"{ROOT}/dataSets/{id_[::-1]}", headers=headers(token))
            assert answer.status_code == nothing.status_code == 404
            assert answer.json()["title"] == nothing.json()["title"]


def test_openapi_tells_them(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert set(paths[f"{ROOT}/dataSets"]) == {"get", "post"}
    assert f"{ROOT}/datasets" not in paths
    assert {f"{ROOT}/dataSets/{{dataset_id}}", f"{ROOT}/batches/{{batch_id}}"} <= set(paths)
