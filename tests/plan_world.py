"""A small world whose plans are read, never its rows."""

from typing import Any

from oracle.values import parse_time

AS_OF = parse_time("2026-01-01T00:00:00Z")
COLUMNS = {"crmId": "string", "ingested": "timestamp", "wide": "string", "note": "string"}
SEGMENTS = "map<string,map<string,struct<status:string,lastQualificationTime:timestamp>>>"
EVENTS = {"_id": "string", "timestamp": "timestamp", "crmId": "string", "ingested": "timestamp"}
IDENTITY = {"namespace": "crmId", "field": "crmId"}
WORLD: dict[str, Any] = {
    "sandbox": {
        "imsOrgId": "acme@AcmeOrg",
        "name": "prod",
        "datasets": [
            {
                "id": name,
                "name": name,
                "class": kind,
                "table": {"format": "parquet", "path": name},
                "primaryIdentity": IDENTITY,
                "ingestTime": "ingested",
            }
            for name, kind in (("crm", "profile"), ("shop", "profile"), ("web", "experienceevent"))
        ]
        + [
            {
                "id": "target",
                "name": "target",
                "class": "export",
                "table": {"format": "delta", "path": "target"},
                "schemaRef": {"id": "https://ns.adobe.com/xdm/context/profile__union"},
            }
        ],
        "mergePolicies": [
            {
                "id": "stitch",
                "version": 1,
                "identityGraph": {"type": "pdg"},
                "attributeMerge": {"type": "timestampOrdered"},
            }
        ],
    },
    "tables": {
        "crm": {"columns": {**COLUMNS, "segmentMembership": SEGMENTS}, "rows": []},
        "shop": {"columns": COLUMNS, "rows": []},
        "web": {"columns": {**EVENTS, "page": "string", "never": "string"}, "rows": []},
    },
}
for table in ("crm", "shop", "web"):
    WORLD["tables"][table]["rows"] = [
        {"crmId": f"c{i}", "ingested": "2025-01-01T00:00:00Z", "timestamp": "2025-01-01T00:00:00Z"}
        if table == "web"
        else {"crmId": f"c{i}", "ingested": "2025-01-01T00:00:00Z", "wide": "w"}
        for i in range(4)
    ]
REQUEST: dict[str, Any] = {
    "destination": {"datasetId": "target"},
    "schema": {"name": "_xdm.context.profile"},
    "fields": "wide",
    "filter": {"segments": [{"segmentId": "s1"}]},
    "additionalFields": {"eventList": {"fields": "page"}},
}
STITCHED: dict[str, Any] = {
    **WORLD,
    "sandbox": {
        **WORLD["sandbox"],
        "datasets": [
            {**dataset, "identities": [{"namespace": "email", "field": "note"}]}
            if dataset["class"] == "profile"
            else dataset
            for dataset in WORLD["sandbox"]["datasets"]
        ],
    },
}
"""The same, and the profile datasets have something that a graph can join by."""
EVENTFUL: dict[str, Any] = {
    **WORLD,
    "sandbox": {**WORLD["sandbox"], "settings": {"maxEventsPerProfile": 1}},
    "tables": {
        **WORLD["tables"],
        "web": {**WORLD["tables"]["web"], "rows": 2 * WORLD["tables"]["web"]["rows"]},
    },
}
"""The same as the first, and every person has more events than are kept of one."""
