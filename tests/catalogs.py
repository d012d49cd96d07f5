"""A small sandbox with tables that exist only as schemas: test support for planning."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from profile_export.catalog import (
    UNION_SCHEMA,
    Dataset,
    MergePolicy,
    Sandbox,
    SegmentDefinition,
)
from profile_export.errors import Problem, Refused
from profile_export.plan import ExportPlan, IdentityField, TableRef
from profile_export.planning import make_plan
from profile_export.schema import Array, DataType, Field, Map, Struct, struct_of
from profile_export.tables import TableInfo

TARGET = "5b020a27e7040801dedba61b"
GOOD: dict[str, Any] = {
    "destination": {"datasetId": TARGET},
    "schema": {"name": "_xdm.context.profile"},
}


def struct(**members: DataType) -> Struct:
    return struct_of(**members)


def schema(*members: tuple[str, DataType]) -> Struct:
    return Struct(tuple(Field(name, type_) for name, type_ in members))


CRM = schema(
    ("_id", "string"),
    ("crmId", "string"),
    ("person", struct(name=struct(first="string", last="string"), age="integer")),
    ("phones", Array(struct(kind="string", number="string"))),
    ("tags", Map("string", struct(weight="double"))),
    ("_sys", struct(ingested="timestamp", source="string")),
    ("changed", "timestamp"),
)
LOYALTY = schema(
    ("loyaltyId", "long"),
    ("person", struct(age="long", city="string")),
    ("tier", "string"),
    ("_ingestedAt", "timestamp"),
    ("segmentMembership", Map("string", Map("string", struct(status="string", validUntil="date")))),
)
WEB = schema(
    ("timestamp", "timestamp"),
    ("page", struct(name="string", views="integer")),
    ("_id", "string"),
    ("ecid", "string"),
    ("_ingestedAt", "timestamp"),
)
APP = schema(
    ("_id", "string"),
    ("timestamp", "timestamp"),
    ("ecid", "string"),
    ("screen", "string"),
    ("seenAt", "timestamp"),
)
TABLES = {"crm": CRM, "loyalty": LOYALTY, "web": WEB, "app": APP}


def identity(namespace: str, field: str) -> IdentityField:
    return IdentityField(namespace=namespace, field=field)


def table(name: str) -> TableRef:
    return TableRef(format="delta", location=f"/srv/data/{name}", written=name)


DATASETS = (
    Dataset(
        "ds-crm", "crm", "profile", table("crm"), identity("crmId", "crmId"),
        ingest_time="_sys.ingested", last_updated="changed", source="sandbox.yml:5",
    ),
    Dataset(
        "ds-loyalty", "loyalty", "profile", table("loyalty"), identity("CRMID", "loyaltyId"),
        ingest_time="_ingestedAt", source="sandbox.yml:9",
    ),
    Dataset(
        "ev-web", "web", "experienceevent", table("web"), identity("ECID", "ecid"),
        ingest_time="_ingestedAt", source="sandbox.yml:13",
    ),
    Dataset(
        "ev-app", "app", "experienceevent", table("app"), identity("ecid", "ecid"),
        ingest_time="seenAt", source="sandbox.yml:17",
    ),
    Dataset(TARGET, "out", "export", table("out"), schema_ref=UNION_SCHEMA),
    Dataset("ex-other", "other", "export", table("other"), schema_ref="https://else"),
)  # fmt: skip
POLICIES = (
    MergePolicy("time", "t", 1, "pdg", "timestampOrdered"),
    MergePolicy("time", "t", 2, "none", "timestampOrdered"),
    MergePolicy("order", "o", 1, "pdg", "dataSetPrecedence", ("ds-loyalty", "ds-crm", "ev-app")),
    MergePolicy("crm-only", "c", 1, "none", "dataSetPrecedence", ("ds-crm",)),
)
SEGMENTS = (
    SegmentDefinition("buyers", "buyers", merge_policy_id="order"),
    SegmentDefinition("lapsed", "lapsed", merge_policy_id="crm-only"),
    SegmentDefinition("again", "again", merge_policy_id="order"),
    SegmentDefinition("plain", "plain"),
)
SANDBOX = Sandbox("acme@AcmeOrg", "prod", DATASETS, POLICIES, SEGMENTS)


def with_dataset(dataset_id: str, **changes: Any) -> Sandbox:
    """The sandbox with one dataset changed."""
    changed = (replace(d, **changes) if d.id == dataset_id else d for d in DATASETS)
    return replace(SANDBOX, datasets=tuple(changed))


def reader(tables: Mapping[str, Struct]) -> Callable[[TableRef], TableInfo]:
    """``table_info`` over schemas; a table that is not there is refused as the real one does."""

    def table_info(ref: TableRef) -> TableInfo:
        if ref.display not in tables:
            raise Refused([Problem("table-missing", f"The table {ref.display!r} does not exist.")])
        return TableInfo(tables[ref.display], version=7)

    return table_info


def plan_of(body: dict[str, Any], sandbox: Sandbox = SANDBOX, **tables: Struct) -> ExportPlan:
    """The plan of ``GOOD`` with ``body`` over it, some tables replaced."""
    return make_plan({**GOOD, **body}, sandbox, table_info=reader({**TABLES, **tables}))


def refused(body: dict[str, Any], sandbox: Sandbox = SANDBOX, **tables: Struct) -> list[Problem]:
    """The problems of a body that cannot be planned."""
    try:
        plan = plan_of(body, sandbox, **tables)
    except Refused as error:
        return list(error.problems)
    raise AssertionError(f"planned: {plan}")


def told(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in problems]


def ask(policy: str, version: int | None = None) -> dict[str, Any]:
    """A body with a merge policy."""
    pinned = {} if version is None else {"version": version}
    return {"mergePolicy": {"id": policy, **pinned}}


def segments(*ids: str, **members: object) -> dict[str, Any]:
    """A body with segments."""
    return {"filter": {"segments": [{"segmentId": i, **members} for i in ids]}}


def events(**members: object) -> dict[str, Any]:
    """A body with an event list."""
    return {"additionalFields": {"eventList": members}}


def with_column(table: Struct, name: str, type_: DataType) -> Struct:
    """The schema with one column added or of another type."""
    if name in table.names():
        return Struct(tuple(Field(name, type_) if f.name == name else f for f in table.fields))
    return Struct((*table.fields, Field(name, type_)))


EVENT_FIELDS = "/additionalFields/eventList/fields"
