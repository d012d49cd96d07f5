"""The union of the schemas, and the asked fields of it (S12, S13, S21, S22)."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogs import (
    APP,
    CRM,
    EVENT_FIELDS,
    LOYALTY,
    TABLES,
    ask,
    events,
    plan_of,
    refused,
    schema,
    struct,
    told,
    with_column,
)
from profile_export.errors import Refused
from profile_export.outputs import IDENTITIES_TYPE, IDENTITY_MAP_TYPE
from profile_export.schema import Array, DataType, Map, Struct, struct_of

BOTH = ("person", struct(name=struct(first="string", last="string"), age="long", city="string"))
ENTRY = struct(status="string", validUntil="date")


def test_s12_by_default_every_attribute_then_the_system_fields() -> None:
    assert plan_of({}).output == schema(
        ("crmId", "string"),
        BOTH,
        ("phones", Array(struct(kind="string", number="string"))),
        ("tags", Map("string", struct(weight="double"))),
        ("_sys", struct(source="string")),
        ("changed", "timestamp"),
        ("loyaltyId", "long"),
        ("tier", "string"),
        ("identityMap", IDENTITY_MAP_TYPE),
        ("segmentMembership", Map("string", Map("string", ENTRY))),
    )


def test_s12_under_precedence_the_order_of_the_union_is_that_of_the_policy() -> None:
    plan = plan_of(ask("order"))
    assert plan.output.names()[:3] == ["loyaltyId", "person", "tier"]
    person = plan.output.get("person")
    assert isinstance(person, Struct)
    assert person.names() == ["age", "city", "name"]


def test_s12_a_column_is_dropped_as_ingest_time_only_where_it_is_declared() -> None:
    plan = plan_of({}, crm=with_column(CRM, "_ingestedAt", "timestamp"))
    assert plan.output.get("_ingestedAt") == "timestamp"


def test_s12_a_struct_of_nothing_but_the_ingest_time_goes_with_it() -> None:
    plan = plan_of({}, crm=with_column(CRM, "_sys", struct(ingested="timestamp")))
    assert plan.output.get("_sys") is None


def test_s12_a_conflict_is_told_whether_asked_or_not() -> None:
    problems = refused({"fields": "tier"}, crm=with_column(CRM, "tier", "long"))
    assert told(problems) == [("/fields", "type-conflict")]
    for word in ("tier", "ds-crm: bigint", "ds-loyalty: string"):
        assert word in problems[0].detail


def test_s12_every_conflict_is_told_and_none_called_unknown() -> None:
    loyalty = with_column(with_column(LOYALTY, "tags", "string"), "changed", "date")
    problems = refused({"fields": "tags,changed,tags.x,nope"}, loyalty=loyalty)
    assert told(problems) == [
        ("/fields", "type-conflict"),
        ("/fields", "type-conflict"),
        ("/fields", "unknown-field"),
    ]


def test_s12_conflicts_of_datasets_that_do_not_participate_do_not_matter() -> None:
    assert plan_of(ask("crm-only"), loyalty=with_column(LOYALTY, "changed", "date"))


def test_s12_events_conflict_only_where_they_are_asked() -> None:
    app = with_column(APP, "page", "string")
    assert plan_of({}, app=app)
    assert told(refused(events(fields="screen"), app=app)) == [(EVENT_FIELDS, "type-conflict")]


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        pytest.param("tier", schema(("tier", "string")), id="S21 a leaf"),
        pytest.param(
            " tier , crmId ", schema(("crmId", "string"), ("tier", "string")), id="S21 order"
        ),
        pytest.param("person", schema(BOTH), id="S21 a subtree"),
        pytest.param(
            "person.city,person.name.last",
            schema(("person", struct(name=struct(last="string"), city="string"))),
            id="S21 nesting is kept",
        ),
        pytest.param("person.city,person,person.age", schema(BOTH), id="S21 overlaps unite"),
        pytest.param("tier,tier", schema(("tier", "string")), id="S21 twice is once"),
        pytest.param(
            "phones.number",
            schema(("phones", Array(struct(number="string")))),
            id="S21 through an array",
        ),
        pytest.param(
            "phones.number,phones.kind",
            schema(("phones", Array(struct(kind="string", number="string")))),
            id="S21 two through an array",
        ),
        pytest.param(
            "tags", schema(("tags", Map("string", struct(weight="double")))), id="S21 a map"
        ),
        pytest.param(
            "identityMap", schema(("identityMap", IDENTITY_MAP_TYPE)), id="S21 identityMap"
        ),
        pytest.param("identities", schema(("identities", IDENTITIES_TYPE)), id="S22 identities"),
        pytest.param(
            "identities.id", schema(("identities", Array(struct(id="string")))), id="S22 id"
        ),
        pytest.param(
            "identities.namespace.code",
            schema(("identities", Array(struct(namespace=struct(code="string"))))),
            id="S22 code",
        ),
        pytest.param(
            "segmentMembership,identities.id,identityMap,tier",
            schema(
                ("tier", "string"),
                ("identityMap", IDENTITY_MAP_TYPE),
                ("identities", Array(struct(id="string"))),
                ("segmentMembership", Map("string", Map("string", ENTRY))),
            ),
            id="S12 system fields last",
        ),
    ],
)
def test_fields(fields: str, output: Struct) -> None:
    assert plan_of({"fields": fields}).output == output


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("nothing", "unknown-field"),
        ("person.nme", "unknown-field"),
        ("Tier", "unknown-field"),
        ("tier.x", "unknown-field"),
        ("person.", "unknown-field"),
        (".person", "unknown-field"),
        ("person..name", "unknown-field"),
        ("person.name.first.x", "unknown-field"),
        ("`person`", "unknown-field"),
        ("phones.0", "unknown-field"),
        ("phones.element.kind", "unknown-field"),
        ("_id", "unknown-field"),
        ("_sys.ingested", "unknown-field"),
        ("_ingestedAt", "unknown-field"),
        ("timeSeriesEvents", "unknown-field"),
        ("page.name", "unknown-field"),
        ("*", "unknown-field"),
        ("tags.x", "into-map"),
        ("tags.x.weight", "into-map"),
        ("identityMap.email", "into-map"),
        ("segmentMembership.ups", "into-map"),
        ("identities.xid", "unknown-field"),
    ],
)
def test_s21_fields_that_cannot_be_asked(fields: str, code: str) -> None:
    assert told(refused({"fields": fields})) == [("/fields", code)]


def test_s21_what_is_wrong_with_a_field_is_told_in_words() -> None:
    unknown, into_map = refused({"fields": "nothing.like.this,tags.x"})
    assert unknown.detail.startswith("No field 'nothing.like.this' can be asked.")
    assert into_map.detail == "'tags.x' goes into a map; ask for the whole map (S21)."


def test_s21_unknown_fields_are_told_with_the_nearest() -> None:
    first, second = refused({"fields": "person.nam,teir"})
    assert "person.name" in first.detail
    assert "tier" in second.detail


def test_names_that_an_export_cannot_write() -> None:
    crm = with_column(with_column(CRM, "a.b", struct(c="string")), "TIER", "string")
    assert told(refused({}, crm=crm)) == [("/fields", "unusable-name"), ("/fields", "name-clash")]
    assert told(refused({"fields": "a.b.c"}, crm=crm)) == [("/fields", "unusable-name")]
    assert plan_of({"fields": "TIER"}, crm=crm)
    assert plan_of({"fields": "a`b"}, crm=with_column(CRM, "a`b", "string"))
    assert told(refused({}, crm=with_column(CRM, "a\0b", "string"))) == [
        ("/fields", "unusable-name")
    ]


@pytest.mark.parametrize(
    "type_",
    ["variant", Array("interval day to second"), Map("string", struct_of(v="variant"))],
    ids=["variant", "interval in an array", "variant in a map"],
)
def test_types_that_an_export_cannot_write(type_: DataType) -> None:
    crm = with_column(CRM, "v", type_)
    (problem,) = refused({}, crm=crm)
    assert (problem.pointer, problem.code) == ("/fields", "unusable-type")
    assert problem.detail.startswith("Field 'v' is of type ")
    assert plan_of({"fields": "tier"}, crm=crm)


def nested(depth: int, *wraps: Callable[[DataType], DataType]) -> DataType:
    """A whole number in as many lists, maps or structs, taken in turn from the innermost."""
    type_: DataType = "long"
    for level in range(depth):
        type_ = wraps[level % len(wraps)](type_)
    return type_


def in_struct(type_: DataType) -> Struct:
    return struct_of(a=type_)


def in_map(type_: DataType) -> Map:
    return Map("string", type_)


@pytest.mark.parametrize(
    ("most", "wraps"),
    [
        pytest.param(8, [Array], id="lists"),
        pytest.param(16, [in_struct, Array], id="lists of structs"),
        pytest.param(4, [in_map], id="maps"),
        pytest.param(30, [in_struct], id="structs"),
    ],
)
def test_depths_that_an_export_can_write(
    most: int, wraps: list[Callable[[DataType], DataType]]
) -> None:
    assert plan_of({}, crm=with_column(CRM, "v", nested(most, *wraps)))
    crm = with_column(CRM, "v", struct_of(w=nested(most + len(wraps), *wraps)))
    (problem,) = refused({}, crm=crm)
    assert (problem.pointer, problem.code) == ("/fields", "unusable-type")
    assert problem.detail.startswith("Field 'v' ")
    assert plan_of({"fields": "tier"}, crm=crm)


def test_depths_of_events_that_an_export_can_write() -> None:
    """They are in a list themselves."""
    asked = {"additionalFields": {"eventList": {}}}
    assert plan_of(asked, web=with_column(TABLES["web"], "v", nested(7, Array)))
    web = with_column(TABLES["web"], "v", nested(8, Array))
    pointer = "/additionalFields/eventList/fields"
    assert told(refused(asked, web=web)) == [(pointer, "unusable-type")]
    assert plan_of({}, web=web)


def test_an_export_is_not_exported_with_its_batch_column() -> None:
    crm = with_column(CRM, "_ACP_BATCHID", "string")
    assert told(refused({}, crm=crm)) == [("/fields", "name-clash")]
    assert plan_of({"fields": "tier"}, crm=crm)


@pytest.mark.parametrize("name", ["_lineage", "_Lineage"])
def test_lineage_is_written_beside_no_attribute_of_its_name(name: str) -> None:
    crm = with_column(CRM, name, "string")
    lineage = {"additionalFields": {"lineage": True}}
    assert told(refused(lineage, crm=crm)) == [("/fields", "name-clash")]
    assert plan_of({**lineage, "fields": "tier"}, crm=crm)
    assert plan_of({}, crm=crm)
    assert plan_of({"additionalFields": {"eventList": {}}, "fields": name}, crm=crm)


_known = [
    ".",
    "person",
    "name",
    "phones",
    "tags",
    "identities",
    "identityMap",
    "page",
    ",",
    " ",
    "`",
]
_paths = st.lists(st.sampled_from(_known) | st.text(max_size=2), max_size=8).map("".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_paths, _paths)
def test_no_path_raises_anything_but_refused(fields: str, event_fields: str) -> None:
    try:
        plan = plan_of({"fields": fields, **events(fields=event_fields)})
    except Refused as error:
        pointers = {problem.pointer for problem in error.problems}
    else:
        pointers = set()
        assert plan.output.fields
        assert plan.events is not None
        assert plan.events.columns.names()[:2] == ["_id", "timestamp"]
    assert pointers <= {"/fields", EVENT_FIELDS}
