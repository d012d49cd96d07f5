"""Schemas that are deep, wide or many: the plan stays shallow and is made in seconds."""

from pathlib import Path
from typing import Any

import pytest

from exporting import export_world
from oracle import differences, export
from oracle.values import parse_time
from profile_export.engines import Engine

AS_OF = parse_time("2026-01-01T00:00:00Z")
REQUEST = {"destination": {"datasetId": "t"}, "schema": {"name": "_xdm.context.profile"}}


def world(columns: dict[str, str], row: dict[str, Any], datasets: int) -> dict[str, Any]:
    """The same record in each of several profile datasets; in two also an older one (S4)."""
    names = [f"d{i}" for i in range(datasets)]
    identity = {"namespace": "crm", "field": "crmId"}
    record = {"crmId": "a", "ingested": "2025-01-01T00:00:00Z", **row}
    older = {"crmId": "a", "ingested": "2024-01-01T00:00:00Z"}
    table = {"columns": {"crmId": "string", "ingested": "timestamp", **columns}, "rows": [record]}
    tables = dict.fromkeys(names, table)
    tables |= {name: {**table, "rows": [older, record]} for name in names[:2]}
    target = {
        "id": "t",
        "class": "export",
        "table": {"format": "delta", "path": "t"},
        "schemaRef": {"id": "https://ns.adobe.com/xdm/context/profile__union"},
    }
    profiles = [
        {
            "id": name,
            "class": "profile",
            "table": {"format": "parquet", "path": name},
            "primaryIdentity": identity,
            "ingestTime": "ingested",
        }
        for name in names
    ]
    sandbox = {"imsOrgId": "acme@AcmeOrg", "name": "prod", "datasets": [*profiles, target]}
    for dataset in sandbox["datasets"]:
        dataset["name"] = dataset["id"]
    return {"sandbox": sandbox, "tables": tables}


def nested(depth: int) -> tuple[dict[str, str], dict[str, Any]]:
    type_, value = "string", "x"
    for level in range(depth):
        type_ = f"struct<l{level}:{type_},m{level}:int>"
        value = {f"l{level}": value, f"m{level}": None}
    return {"deep": type_}, {"deep": value}


def listed(depth: int, before: str, *, is_map: bool) -> tuple[dict[str, str], dict[str, Any]]:
    type_, value = "string", "x"
    for _ in range(depth):
        type_ = f"{before}{type_}>"
        value = {"k": value} if is_map else [value]
    return {"deep": type_}, {"deep": value}


def flat(leaves: int) -> tuple[dict[str, str], dict[str, Any]]:
    return {f"c{i}": "string" for i in range(leaves)}, {f"c{i}": f"v{i}" for i in range(leaves)}


@pytest.mark.parametrize(
    ("columns", "row", "datasets"),
    [
        pytest.param(*nested(25), 2, id="25 levels deep"),
        pytest.param(*nested(30), 2, id="30 levels deep"),
        pytest.param(*listed(8, "array<", is_map=False), 2, id="8 levels of lists"),
        pytest.param(*listed(4, "map<string,", is_map=True), 2, id="4 levels of maps"),
        pytest.param(*flat(200), 2, id="200 leaves"),
        pytest.param({"x": "string"}, {"x": "1"}, 60, id="60 datasets"),
    ],
)
def test_large_schemas(
    columns: dict[str, str],
    row: dict[str, Any],
    datasets: int,
    tmp_path: Path,
    engine: Engine,
) -> None:
    made = world(columns, row, datasets)
    wanted = export(made, REQUEST, AS_OF)
    wanted["namespaces"] = wanted.pop("exportedProfileByNamespaceCounter")
    got = export_world(made, REQUEST, AS_OF, tmp_path, engine)
    assert differences(wanted, got) == []
