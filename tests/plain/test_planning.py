"""Plans as a whole: target, events, audience, batches, and all problems at once (S2, S13-S25)."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from catalogs import (
    APP,
    CRM,
    EVENT_FIELDS,
    GOOD,
    SANDBOX,
    TABLES,
    TARGET,
    ask,
    events,
    identity,
    plan_of,
    reader,
    refused,
    schema,
    segments,
    struct,
    told,
    with_column,
    with_dataset,
)
from profile_export.catalog import MergePolicy, Sandbox, Settings
from profile_export.plan import ExportPlan, TableRef
from profile_export.planning import make_plan
from profile_export.schema import DataType, Map, ddl
from profile_export.tables import TableInfo

PLAIN_ENTRY = struct(status="string", lastQualificationTime="timestamp")


@pytest.mark.parametrize(
    ("destination", "problem"),
    [
        ({"datasetId": "nope"}, ("/destination/datasetId", "unknown-dataset")),
        ({"dataSetId": "nope"}, ("/destination/dataSetId", "unknown-dataset")),
        ({"datasetId": "ds-crm"}, ("/destination/datasetId", "not-an-export-dataset")),
        ({"datasetId": "ex-other"}, ("/destination/datasetId", "not-an-export-dataset")),
    ],
)
def test_the_target_exists_and_has_the_union_schema(
    destination: dict[str, str], problem: tuple[str, str]
) -> None:
    assert told(refused({"destination": destination})) == [problem]


def test_the_target() -> None:
    target = plan_of({"destination": {"dataSetId": TARGET}}).target
    assert (target.dataset_id, target.name, target.table.location) == (
        TARGET,
        "out",
        "/srv/data/out",
    )


def test_s13_entries_unite_their_members() -> None:
    crm = with_column(
        CRM,
        "segmentMembership",
        Map("string", Map("string", struct(lastQualificationTime="timestamp", source="string"))),
    )
    assert plan_of({}, crm=crm).membership == struct(
        lastQualificationTime="timestamp", source="string", status="string", validUntil="date"
    )


def test_s13_without_the_column_an_entry_has_status_and_time() -> None:
    assert plan_of(ask("crm-only")).membership == PLAIN_ENTRY


def test_s13_entries_that_conflict() -> None:
    crm = with_column(
        CRM, "segmentMembership", Map("string", Map("string", struct(validUntil="timestamp")))
    )
    (problem,) = refused({}, crm=crm)
    assert (problem.pointer, problem.code) == ("/fields", "type-conflict")
    assert "segmentMembership.*.*.validUntil" in problem.detail


def test_s2_namespaces_are_written_as_first_declared() -> None:
    others = (identity("CRMID", "crmId"), identity("Ecid", "crmId"), identity("ECID", "crmId"))
    sandbox = with_dataset("ds-crm", identities=others)
    assert plan_of({}, sandbox).namespaces == {"crmid": "crmId", "ecid": "Ecid"}


def test_s21_white_space_around_paths_goes() -> None:
    spread = plan_of({"fields": " crmId,\n\tperson.city \u00a0"}).output
    assert spread == plan_of({"fields": "crmId,person.city"}).output


def test_s23_no_events_unless_asked() -> None:
    assert plan_of({}).events is None
    assert plan_of({"additionalFields": {"lineage": True}}).events is None
    assert plan_of({"additionalFields": {"lineage": True}}).lineage


@pytest.mark.parametrize("fields", [{}, {"fields": " "}])
def test_s23_by_default_every_field_but_the_ingest_times(fields: dict[str, str]) -> None:
    asked = plan_of(events(**fields)).events
    assert asked is not None
    assert asked.columns == schema(
        ("_id", "string"),
        ("timestamp", "timestamp"),
        ("page", struct(name="string", views="integer")),
        ("ecid", "string"),
        ("screen", "string"),
    )


def test_s23_asked_fields_follow_id_and_timestamp() -> None:
    asked = plan_of(events(fields="screen,page.name")).events
    assert asked is not None
    assert ddl(asked.columns) == (
        "struct<`_id`:string,`timestamp`:timestamp,`page`:struct<`name`:string>,`screen`:string>"
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("seenAt", "unknown-field"),
        ("tier", "unknown-field"),
        ("page.nme", "unknown-field"),
        ("identities.id", "unknown-field"),
    ],
)
def test_s23_event_fields_that_cannot_be_asked(fields: str, code: str) -> None:
    assert told(refused(events(fields=fields))) == [(EVENT_FIELDS, code)]


T1, T2 = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


def at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.mark.parametrize(
    ("profile_bound", "event_filter", "after", "before"),
    [
        pytest.param(None, None, None, None, id="S24 none"),
        pytest.param(T1, None, T1, None, id="S24 no event filter: the profiles' bound"),
        pytest.param(T1, {"toIngestTimestamp": T2}, T1, T2, id="S24 no lower bound: the profiles'"),
        pytest.param(T1, {"fromIngestTimestamp": T2}, T2, None, id="S24 its own bound"),
        pytest.param(None, {"toIngestTimestamp": T2}, None, T2, id="S24 only an upper bound"),
    ],
)
def test_event_bounds(
    profile_bound: str | None,
    event_filter: dict[str, str] | None,
    after: str | None,
    before: str | None,
) -> None:
    body: dict[str, Any] = events(**({} if event_filter is None else {"filter": event_filter}))
    if profile_bound:
        body["filter"] = {"fromIngestTimestamp": profile_bound}
    plan = plan_of(body)
    assert plan.events is not None
    assert (plan.events.ingested_after, plan.events.ingested_before) == (at(after), at(before))
    assert plan.audience.updated_after == at(profile_bound)


def test_audience() -> None:
    window = {"startTime": T1, "endTime": T2}
    body = {
        "filter": {
            "segments": [
                {"segmentId": "a"},
                {"segmentId": "a", "segmentNs": "AAM", "status": ["exited"]},
            ],
            "segmentQualificationTime": window,
            "emptyProfiles": True,
        }
    }
    sandbox = replace(SANDBOX, settings=Settings(max_identities=3, max_events_per_profile=4))
    audience = plan_of(body, sandbox).audience
    assert [(s.segment_id, s.namespace, s.statuses) for s in audience.segments] == [
        ("a", "ups", ("realized", "existing")),
        ("a", "aam", ("exited",)),
    ]
    assert (audience.qualified_from, audience.qualified_before) == (at(T1), at(T2))
    assert (audience.empty_profiles, audience.max_identities) == (True, 3)
    with_events = plan_of({**body, **events()}, sandbox)
    assert with_events.events is not None
    assert with_events.events.max_per_profile == 4


def test_s20_one_batch_per_segment_as_the_document_shows_it() -> None:
    body = {
        "filter": {
            "segments": [
                {"segmentId": "a"},
                {"segmentId": "a", "segmentNs": "AAM", "status": ["exited"]},
            ]
        },
        "destination": {"datasetId": TARGET, "segmentPerBatch": True},
    }
    plan = plan_of(body)
    assert [batch.segment for batch in plan.batches] == [
        {"segmentId": "a", "segmentNs": "ups", "status": ["realized", "existing"]},
        {"segmentId": "a", "segmentNs": "AAM", "status": ["exited"]},
    ]
    assert len({batch.batch_id for batch in plan.batches}) == 2
    assert all(len(batch.batch_id) == 32 and int(batch.batch_id, 16) for batch in plan.batches)


def test_s20_else_one_batch() -> None:
    (batch,) = plan_of(segments("plain", "other")).batches
    assert batch.segment == {}


def test_batch_ids_and_job_id_can_be_given() -> None:
    plan = make_plan(GOOD, SANDBOX, table_info=reader(TABLES), job_id=24115, batch_ids=["b1"])
    assert (plan.job_id, plan.batches[0].batch_id) == (24115, "b1")
    with pytest.raises(ValueError, match="zip"):
        make_plan(GOOD, SANDBOX, table_info=reader(TABLES), batch_ids=[])


def test_a_plan_survives_json() -> None:
    plan = plan_of({"fields": "tier,identities.id", **events(), **segments("a")})
    assert ExportPlan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_the_request_is_kept_as_sent() -> None:
    body = {**GOOD, "fields": " tier", "id": 5}
    plan = make_plan(json.dumps(body).encode(), SANDBOX, table_info=reader(TABLES))
    assert plan.request == body


def test_job_ids_are_positive_and_fit_a_double() -> None:
    assert all(0 < plan_of({}).job_id < 2**53 for _ in range(20))


def test_the_creation_time_is_utc_in_milliseconds() -> None:
    east = datetime(2026, 1, 1, 2, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))
    plan = make_plan(GOOD, SANDBOX, table_info=reader(TABLES), as_of=east)
    assert plan.as_of == datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)
    assert plan.as_of.tzinfo == UTC
    now = plan_of({}).as_of
    assert now.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)
    with pytest.raises(ValueError, match="offset"):
        make_plan(GOOD, SANDBOX, table_info=reader(TABLES), as_of=datetime(2026, 1, 1))  # noqa: DTZ001


def test_problems_of_shape_and_of_the_catalog_come_in_one_answer() -> None:
    body = {
        "colour": 1,
        "fields": "tier,nothing,,tags.x",
        "filter": {"fromIngestTimestamp": "never", "segments": [{"segmentId": "a"}] * 2},
        "destination": {"dataSetId": "nope", "segmentPerBatch": "yes"},
        **events(fields="nothing", filter={}),
    }
    app = with_column(APP, "page", "string")
    assert told(refused(body, with_dataset("ds-crm", ingest_time="nope"), app=app)) == [
        ("", "missing-column"),
        (EVENT_FIELDS, "type-conflict"),
        (EVENT_FIELDS, "unknown-field"),
        ("/additionalFields/eventList/filter", "empty-event-filter"),
        ("/colour", "unknown-member"),
        ("/destination/dataSetId", "unknown-dataset"),
        ("/destination/segmentPerBatch", "wrong-type"),
        ("/fields", "empty-field"),
        ("/fields", "unknown-field"),
        ("/fields", "into-map"),
        ("/filter/fromIngestTimestamp", "bad-time"),
        ("/filter/segments/1", "duplicate-segment"),
    ]


def test_a_sandbox_without_datasets() -> None:
    assert told(refused({}, Sandbox("a", "b"))) == [
        ("", "no-inputs"),
        ("/destination/datasetId", "unknown-dataset"),
    ]


@pytest.mark.parametrize(
    ("type_", "other"),
    [
        ("void", "string"),
        ("void", struct(first="string")),
        (struct(first="void"), struct(first="string")),
    ],
)
def test_a_column_without_a_type_is_told_once(type_: DataType, other: DataType) -> None:
    crm = with_column(CRM, "nick", type_)
    found = refused({}, crm=crm, loyalty=with_column(TABLES["loyalty"], "nick", other))
    assert told([each for each in found if "nick" in each.detail]) == [("", "wrong-column-type")]


def test_an_order_without_datasets_of_the_sandbox() -> None:
    policy = MergePolicy("p", "P", 1, "none", "dataSetPrecedence", order=("gone",), default=True)
    records = tuple(d for d in SANDBOX.datasets if d.kind != "experienceevent")
    found = refused({}, replace(SANDBOX, datasets=records, merge_policies=(policy,)))
    (problem,) = [each for each in found if each.code == "no-inputs"]
    assert problem.detail.startswith("The order of merge policy p names no dataset of sandbox")


def test_an_engine_may_look_at_named_tables() -> None:
    seen: list[str] = []

    def spying(ref: TableRef) -> TableInfo:
        seen.append(ref.display)
        return reader(TABLES)(ref)

    make_plan(GOOD, SANDBOX, table_info=spying)
    assert sorted(seen) == ["app", "crm", "loyalty", "web"]


def test_planning_needs_no_pyspark() -> None:
    modules = ["request", "sandbox", "tables", "tables.parquet_schema", "planning", "document"]
    code = "import sys\n" + "".join(f"import profile_export.{name}\n" for name in modules)
    code += "assert not [m for m in sys.modules if m.startswith('pyspark')]"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
