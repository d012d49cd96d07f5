"""A sandbox of a few rows with real tables: test support for what is done with finished exports.

A CRM table (Delta, changed once, so that its version 1 matters), sign-ups (Parquet, no versions), web
events (Delta), two export targets; a stitching policy, and one segment that two people are in.
"""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

from profile_export.engines import Engine
from profile_export.job import run_job
from profile_export.planning import make_plan
from profile_export.sandbox import load_sandbox
from profile_export.tables import inspect_table

TARGET = "5b020a27e7040801dedba61b"
OTHER = "5b020a27e7040801dedba61c"
AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
_START = datetime(2024, 1, 1, tzinfo=UTC)
_TIME = pa.timestamp("us", "UTC")
_ENTRY = pa.struct([("status", pa.string()), ("lastQualificationTime", _TIME)])
_NAME = pa.struct([("first", pa.string()), ("last", pa.string())])
_MEMBERSHIP = pa.map_(pa.string(), pa.map_(pa.string(), _ENTRY))
SANDBOX = f"""
imsOrgId: acme@AcmeOrg
name: prod
datasets:
  - {{id: crm, name: CRM, class: profile, table: {{path: crm}}, ingestTime: at,
     primaryIdentity: {{namespace: crmId, field: id}}, identities: [{{namespace: email, field: email}}]}}
  - {{id: sign, name: Sign-ups, class: profile, table: {{format: parquet, path: sign}}, ingestTime: at,
     primaryIdentity: {{namespace: email, field: email}}}}
  - {{id: web, name: Web, class: experienceevent, table: {{path: web}}, ingestTime: at,
     primaryIdentity: {{namespace: email, field: email}}}}
  - {{id: {TARGET}, name: Profile Data Export, class: export, table: {{path: out/profile}},
     schemaRef: {{id: "https://ns.adobe.com/xdm/context/profile__union"}}}}
  - {{id: {OTHER}, name: profile data export, class: export, table: {{path: out/other}},
     schemaRef: {{id: "https://ns.adobe.com/xdm/context/profile__union"}}}}
mergePolicies:
  - {{id: stitch, name: Stitch, version: 1, default: true, schema: {{name: _xdm.context.profile}},
     identityGraph: {{type: pdg}}, attributeMerge: {{type: timestampOrdered}}}}
"""
SEGMENTS = [{"segmentId": "vip"}, {"segmentId": "vip", "status": ["exited"]}]


def request(**over: Any) -> dict[str, Any]:
    """A request for everybody's every field and their events; members of the body over it."""
    return {
        "schema": {"name": "_xdm.context.profile"},
        "destination": {"datasetId": TARGET},
        "additionalFields": {"eventList": {"fields": "page"}},
        **over,
    }


def by_segment(**over: Any) -> dict[str, Any]:
    """A request for two batches: who is in the segment, and who has left it (nobody)."""
    destination = {"datasetId": TARGET, "segmentPerBatch": True}
    return request(filter={"segments": SEGMENTS}, destination=destination, **over)


def build(folder: Path, *, people: int = 6) -> Path:
    """Write the tables and the sandbox file; gives the file."""
    write_deltalake(str(folder / "crm"), crm(range(2)))
    write_deltalake(str(folder / "crm"), crm(range(2, people)), mode="append")
    (folder / "sign").mkdir()
    pq.write_table(sign_ups(range(people)), folder / "sign" / "part-0.parquet")
    write_deltalake(str(folder / "web"), events(range(people)))
    file = folder / "sandbox.yml"
    file.write_text(SANDBOX, encoding="utf-8")
    return file


def crm(numbers: range) -> pa.Table:
    """One record each; every third person is in the segment."""
    when = [_START + timedelta(hours=n) for n in numbers]
    entry = {"status": "realized", "lastQualificationTime": _START}
    return pa.table(
        {
            "id": [f"c{n}" for n in numbers],
            "email": [f"p{n}@x.org" for n in numbers],
            "name": pa.array([{"first": f"First {n}"} for n in numbers], _NAME),
            "score": pa.array([n / 7 for n in numbers], pa.float64()),
            "spent": pa.array([Decimal(n) / 4 for n in numbers], pa.decimal128(30, 4)),
            "segmentMembership": pa.array(
                [[("ups", [("vip", entry)])] if n % 3 == 0 else [] for n in numbers], _MEMBERSHIP
            ),
            "at": pa.array(when, _TIME),
        }
    )


def sign_ups(numbers: range, *, city: str = "Ulm") -> pa.Table:
    """One record each, a day later, so that its values win."""
    when = [_START + timedelta(days=1) for _ in numbers]
    emails = [f"p{n}@x.org" for n in numbers]
    cities = pa.array([city if n % 2 else None for n in numbers], pa.string())
    return pa.table({"email": emails, "city": cities, "at": pa.array(when, _TIME)})


def events(numbers: range) -> pa.Table:
    """As many events for each as its number."""
    owners = [n for n in numbers for _ in range(n)]
    when = pa.array([_START] * len(owners), _TIME)
    return pa.table(
        {
            "_id": [f"e{i}" for i in range(len(owners))],
            "timestamp": when,
            "email": [f"p{n}@x.org" for n in owners],
            "page": [f"/{i % 3}" for i in range(len(owners))],
            "at": when,
        }
    )


def export(file: Path, engine: Engine, body: dict[str, Any], *, target: str = TARGET) -> Path:
    """Run a request on an engine; gives the folder of the job's papers."""
    body = {**body, "destination": {**body["destination"], "datasetId": target}}
    plan = make_plan(json.dumps(body), load_sandbox(file), table_info=inspect_table, as_of=AS_OF)
    document = run_job(plan, engine)
    assert document["status"] == "SUCCEEDED"
    return Path(str(plan.target.table.location)) / "_profile_export" / str(plan.job_id)
