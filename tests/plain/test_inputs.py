"""Which datasets a job reads, and what their tables must have (S1-S6, S10, S28)."""

from dataclasses import replace
from typing import Any

import pytest

from catalogs import (
    APP,
    CRM,
    EVENT_FIELDS,
    GOOD,
    SANDBOX,
    TABLES,
    WEB,
    ask,
    events,
    identity,
    plan_of,
    reader,
    refused,
    struct,
    told,
    with_column,
    with_dataset,
)
from profile_export.catalog import MergePolicy
from profile_export.errors import Refused
from profile_export.outputs import IDENTITY_MAP_TYPE
from profile_export.plan import Input
from profile_export.planning import make_plan
from profile_export.schema import Array, DataType, Map, Struct


def ids(inputs: tuple[Input, ...]) -> list[str]:
    return [each.dataset_id for each in inputs]


@pytest.mark.parametrize(
    ("policy", "records", "event_inputs", "joining"),
    [
        pytest.param(
            ask("time"), ["ds-crm", "ds-loyalty"], ["ev-web", "ev-app"], [], id="S10 by time: all"
        ),
        pytest.param(
            ask("order"),
            ["ds-loyalty", "ds-crm"],
            ["ev-app"],
            ["ev-web"],
            id="S10 by order: those in it, in its order; S6 the others join identities",
        ),
        pytest.param(
            ask("crm-only"),
            ["ds-crm"],
            ["ev-web", "ev-app"],
            [],
            id="S10 all events unless the order names one; S6 none needs no others",
        ),
    ],
)
def test_participation(
    policy: dict[str, Any], records: list[str], event_inputs: list[str], joining: list[str]
) -> None:
    plan = plan_of(policy)
    assert ids(plan.records) == records
    assert ids(plan.event_inputs) == event_inputs
    assert ids(tuple(i for i in plan.inputs if not i.participates)) == joining
    ranks = [each.rank for each in plan.records]
    assert ranks == sorted(ranks)


def test_s10_an_order_of_events_only_has_no_records() -> None:
    policy = MergePolicy("p", "p", 1, "none", "dataSetPrecedence", ("ev-web",))
    plan = plan_of(ask("p"), replace(SANDBOX, merge_policies=(policy,)))
    assert (ids(plan.records), ids(plan.event_inputs)) == ([], ["ev-web"])
    assert plan.output.names() == ["identityMap", "segmentMembership"]


def test_s28_inputs_are_pinned_to_their_version() -> None:
    assert {each.version for each in plan_of({}).inputs} == {7}


def test_a_broken_table_that_is_not_needed_does_not_matter() -> None:
    tables = {name: table for name, table in TABLES.items() if name != "loyalty"}
    make_plan({**GOOD, **ask("crm-only")}, SANDBOX, table_info=reader(tables))
    with pytest.raises(Refused) as caught:
        make_plan({**GOOD, **ask("order")}, SANDBOX, table_info=reader(tables))
    (problem,) = caught.value.problems
    assert problem.code == "table-missing"
    assert problem.detail.startswith("Dataset ds-loyalty (loyalty) (/table): ")
    assert problem.source == "sandbox.yml:9"


def test_nothing_is_called_unknown_while_a_table_cannot_be_read() -> None:
    tables = {"crm": CRM, "web": WEB, "app": APP}
    body = {**GOOD, "fields": "tier,tags.x", **events(fields="nothing")}
    with pytest.raises(Refused) as caught:
        make_plan(body, SANDBOX, table_info=reader(tables))
    assert told(list(caught.value.problems)) == [
        ("", "table-missing"),
        (EVENT_FIELDS, "unknown-field"),
        ("/fields", "into-map"),
    ]


def test_messages_show_no_path_of_the_server() -> None:
    with pytest.raises(Refused) as caught:
        make_plan(GOOD, SANDBOX, table_info=reader({}))
    assert "/srv" not in str(caught.value)


VOID: dict[str, tuple[DataType, str]] = {
    "a column": ("void", "nothing"),
    "in a struct": (struct(a="string", b="void"), "nothing.b"),
    "in a list": (Array("void"), "nothing"),
    "in a map": (Map("string", struct(b="void")), "nothing.b"),
}


@pytest.mark.parametrize(("type_", "path"), VOID.values(), ids=VOID)
def test_a_column_of_no_type_is_refused_asked_or_not(type_: DataType, path: str) -> None:
    crm = with_column(CRM, "nothing", type_)
    (problem,) = refused({"fields": "tier"}, crm=crm)
    assert (problem.code, problem.pointer) == ("wrong-column-type", "")
    assert problem.source == "sandbox.yml:5"
    assert f"Dataset ds-crm (crm) has a column {path!r} of no type" in problem.detail


def map_of(**members: DataType) -> Map:
    """An ``identityMap`` of such entries."""
    return Map("string", Array(struct(**members)))


COLUMNS: dict[str, tuple[dict[str, Any], dict[str, Struct], str]] = {
    "S2 identity is missing": ({}, {"crm": CRM.without("crmId")}, "missing-column"),
    "S2 identity is a double": (
        {},
        {"crm": with_column(CRM, "crmId", "double")},
        "wrong-column-type",
    ),
    "S2 identity has a fraction": (
        {},
        {"crm": with_column(CRM, "crmId", "decimal(10,2)")},
        "wrong-column-type",
    ),
    "S2 identity is a struct": (
        {},
        {"crm": with_column(CRM, "crmId", struct(id="string"))},
        "wrong-column-type",
    ),
    "S2 identity in an array": (
        {"identities": (identity("phone", "phones.number"),)},
        {},
        "wrong-column-type",
    ),
    "S2 identity in a map": (
        {"identities": (identity("tag", "tags.weight"),)},
        {},
        "missing-column",
    ),
    "S3 neither identity nor map": ({"primary_identity": None}, {}, "missing-column"),
    "S3 a map of something else": (
        {"primary_identity": None},
        {"crm": with_column(CRM, "identityMap", Map("string", "string"))},
        "wrong-column-type",
    ),
    "S3 a map without ids": (
        {},
        {"crm": with_column(CRM, "identityMap", Map("string", Array(struct(xid="string"))))},
        "wrong-column-type",
    ),
    "S3 a map whose primary is text": (
        {},
        {"crm": with_column(CRM, "identityMap", map_of(id="string", primary="string"))},
        "wrong-column-type",
    ),
    "S3 a map whose state is a number": (
        {},
        {"crm": with_column(CRM, "identityMap", map_of(id="string", authenticatedState="long"))},
        "wrong-column-type",
    ),
    "S5 ingest time is missing": ({"ingest_time": "_sys.ingestd"}, {}, "missing-column"),
    "S5 ingest time is text": ({"ingest_time": "_sys.source"}, {}, "wrong-column-type"),
    "S5 ingest time is a number": ({"ingest_time": "person.age"}, {}, "wrong-column-type"),
    "S5 ingest time is epoch milliseconds": (
        {"ingest_time": "ms"},
        {"crm": with_column(CRM, "ms", "long")},
        "wrong-column-type",
    ),
    "S4 a record's _id is a double": (
        {},
        {"crm": with_column(CRM, "_id", "double")},
        "wrong-column-type",
    ),
    "S5 update time is missing": ({"last_updated": "updated"}, {}, "missing-column"),
    "S5 update time is a struct": ({"last_updated": "person"}, {}, "wrong-column-type"),
    "S13 membership is a list": (
        {},
        {"crm": with_column(CRM, "segmentMembership", Array("string"))},
        "wrong-column-type",
    ),
    "S13 membership with a status number": (
        {},
        {
            "crm": with_column(
                CRM, "segmentMembership", Map("string", Map("string", struct(status="long")))
            )
        },
        "wrong-column-type",
    ),
}


@pytest.mark.parametrize(("changes", "tables", "code"), COLUMNS.values(), ids=COLUMNS)
def test_declared_columns(changes: dict[str, Any], tables: dict[str, Struct], code: str) -> None:
    (problem,) = refused({}, with_dataset("ds-crm", **changes), **tables)
    assert (problem.code, problem.pointer, problem.source) == (code, "", "sandbox.yml:5")
    assert problem.detail.startswith("Dataset ds-crm (crm)")


@pytest.mark.parametrize("name", ["_id", "timestamp"])
def test_s1_events_have_id_and_timestamp(name: str) -> None:
    (problem,) = refused({}, web=WEB.without(name))
    assert (problem.code, problem.source) == ("missing-column", "sandbox.yml:13")
    assert f"{name!r}, which every event has under this name (S1), does not" in problem.detail


def test_s6_a_dataset_that_only_joins_needs_neither() -> None:
    assert plan_of(ask("order"), web=WEB.without("_id", "timestamp"))


def test_a_missing_column_is_told_with_the_nearest() -> None:
    (problem,) = refused({}, with_dataset("ds-crm", ingest_time="_sys.ingestd"))
    assert "_sys.ingested" in problem.detail


@pytest.mark.parametrize("type_", ["string", "byte", "long", "decimal(38,0)"])
def test_s2_text_and_whole_numbers_are_identities(type_: str) -> None:
    assert plan_of({}, crm=with_column(CRM, "crmId", type_))


@pytest.mark.parametrize("type_", ["timestamp", "timestamp_ntz", "date"])
def test_s5_times(type_: str) -> None:
    assert plan_of({}, crm=with_column(CRM, "changed", type_))


def test_s3_an_identity_map_stands_in_for_a_primary_identity() -> None:
    sandbox = with_dataset("ds-crm", primary_identity=None)
    plan = plan_of({}, sandbox, crm=with_column(CRM, "identityMap", IDENTITY_MAP_TYPE))
    assert plan.records[0].has_identity_map
