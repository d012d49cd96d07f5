"""Requests, good and bad: what is accepted, and where each fault is told (2-api.md, S17-S24)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profile_export.errors import Refused
from profile_export.request import parse_request

GOOD: dict[str, Any] = {
    "destination": {"datasetId": "5b020a27e7040801dedba61b"},
    "schema": {"name": "_xdm.context.profile"},
}
SEGMENT = {"segmentId": "s1"}
WINDOW = "/filter/segmentQualificationTime"
ITEM = "/filter/segments/0"
EVENTS = "/additionalFields/eventList"
ADOBE_EXAMPLE = {
    "fields": "identities.id,personalEmail.address",
    "mergePolicy": {"id": "e5bc94de-cd14-4cdf-a2bc-88b6e8cbfac2", "version": 1},
    "filter": {
        "segments": [
            {"segmentId": "4edc8488", "segmentNs": "AAM", "status": ["realized"]},
            {"segmentId": "1rfe8422", "segmentNs": "UPS", "status": ["exited"]},
        ],
        "segmentQualificationTime": {
            "startTime": "2019-09-01T00:00:00Z",
            "endTime": "2019-09-02T00:00:00Z",
        },
        "fromIngestTimestamp": "2018-10-25T13:22:04-07:00",
        "emptyProfiles": False,
    },
    "additionalFields": {
        "eventList": {
            "fields": "environment.browserDetails.name,environment.browserDetails.version",
            "filter": {"fromIngestTimestamp": "2018-10-25T13:22:04-07:00"},
        }
    },
    "destination": {"datasetId": "5b020a27e7040801dedba61b", "segmentPerBatch": True},
    "schema": {"name": "_xdm.context.profile"},
}


def problems(body: object) -> list[tuple[str, str]]:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    with pytest.raises(Refused) as caught:
        parse_request(text)
    assert all(problem.detail for problem in caught.value.problems)
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


def with_filter(**members: object) -> dict[str, Any]:
    return {**GOOD, "filter": members}


def with_events(**members: object) -> dict[str, Any]:
    return {**GOOD, "additionalFields": {"eventList": members}}


def with_item(**members: object) -> dict[str, Any]:
    return with_filter(segments=[{**SEGMENT, **members}])


def nested(levels: int) -> str:
    """A good body whose ignored member ``id`` makes it ``levels`` deep."""
    return json.dumps(GOOD)[:-1] + ', "id": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


BAD = {
    # The body as a whole.
    "empty": (b"", [("", "not-json")]),
    "no JSON": ("{", [("", "not-json")]),
    "two values": ("{} {}", [("", "not-json")]),
    "single quotes": ("{'a': 1}", [("", "not-json")]),
    "no UTF-8": (b'{"\xff": 1}', [("", "not-json")]),
    "NaN": ('{"a": NaN}', [("", "not-json")]),
    "Infinity": ('{"a": -Infinity}', [("", "not-json")]),
    "an array": ([], [("", "wrong-type")]),
    "null": ("null", [("", "wrong-type")]),
    "a string": ('"x"', [("", "wrong-type")]),
    "101 deep": (nested(101), [("", "too-deep")]),
    "100,000 deep": (nested(100_000), [("", "too-deep")]),
    # Text and numbers that a job record could not hold.
    "half a surrogate": (with_item(segmentId="\ud800"), [(f"{ITEM}/segmentId", "bad-value")]),
    "U+0000": ({**GOOD, "fields": "a\0b"}, [("/fields", "bad-value")]),
    "surrogate in a name": ({**GOOD, "\udfff": 1}, [("", "bad-value")]),
    "endless number": (json.dumps(GOOD)[:-1] + ', "id": 1e999}', [("/id", "bad-value")]),
    "endless integer": (
        json.dumps(GOOD)[:-1] + ', "mergePolicy": {"id": "p", "version": ' + "9" * 5000 + "}}",
        [("/mergePolicy/version", "bad-value")],
    ),
    # Duplicate keys.
    "duplicate key": (
        json.dumps(GOOD)[:-1] + ', "fields": "a", "fields": "a"}',
        [("/fields", "duplicate-key")],
    ),
    "duplicate key below": (
        '{"destination": {"datasetId": "a", "datasetId": "b"}, "schema": {"name": "x"}}',
        [("/destination/datasetId", "duplicate-key"), ("/schema/name", "bad-value")],
    ),
    # Missing members, named by the pointer that they would have.
    "nothing": ({}, [("/destination", "missing"), ("/schema", "missing")]),
    "no datasetId": ({**GOOD, "destination": {}}, [("/destination/datasetId", "missing")]),
    "no schema name": ({**GOOD, "schema": {}}, [("/schema/name", "missing")]),
    "no segmentId": (with_filter(segments=[{}]), [(f"{ITEM}/segmentId", "missing")]),
    "no policy id": ({**GOOD, "mergePolicy": {"version": 1}}, [("/mergePolicy/id", "missing")]),
    # Unknown members.
    "unknown": ({**GOOD, "colour": 1}, [("/colour", "unknown-member")]),
    "escapes of RFC 6901": ({**GOOD, "a/b~c": 1}, [("/a~1b~0c", "unknown-member")]),
    "empty name": ({**GOOD, "": 1}, [("/", "unknown-member")]),
    "snake case": (
        {**GOOD, "merge_policy": {"id": "p"}},
        [("/merge_policy", "unknown-member")],
    ),
    "python name": ({**GOOD, "schema_": 1}, [("/schema_", "unknown-member")]),
    "the model's own": ({**GOOD, "sent": {}}, [("/sent", "unknown-member")]),
    "id in an item": (with_item(id="x"), [(f"{ITEM}/id", "unknown-member")]),
    "unknown in filter": (with_filter(segment=[]), [("/filter/segment", "unknown-member")]),
    "read-only below": (
        {**GOOD, "destination": {**GOOD["destination"], "id": 1}},
        [("/destination/id", "unknown-member")],
    ),
    "unknown in eventList": (with_events(filters={}), [(f"{EVENTS}/filters", "unknown-member")]),
    "unknown in additionalFields": (
        {**GOOD, "additionalFields": {"events": {}}},
        [("/additionalFields/events", "unknown-member")],
    ),
    # Wrong types; null is one, for optional members too.
    "null fields": ({**GOOD, "fields": None}, [("/fields", "wrong-type")]),
    "null filter": ({**GOOD, "filter": None}, [("/filter", "wrong-type")]),
    "null policy": ({**GOOD, "mergePolicy": None}, [("/mergePolicy", "wrong-type")]),
    "null version": (
        {**GOOD, "mergePolicy": {"id": "p", "version": None}},
        [("/mergePolicy/version", "wrong-type")],
    ),
    "null time": (
        with_filter(fromIngestTimestamp=None),
        [("/filter/fromIngestTimestamp", "wrong-type")],
    ),
    "null window": (with_filter(segmentQualificationTime=None), [(WINDOW, "wrong-type")]),
    "null item": (with_filter(segments=[None]), [(ITEM, "wrong-type")]),
    "null namespace": (with_item(segmentNs=None), [(f"{ITEM}/segmentNs", "wrong-type")]),
    "null status": (with_item(status=None), [(f"{ITEM}/status", "wrong-type")]),
    "null in status": (with_item(status=[None]), [(f"{ITEM}/status/0", "wrong-type")]),
    "null additionalFields": (
        {**GOOD, "additionalFields": None},
        [("/additionalFields", "wrong-type")],
    ),
    "null eventList": (
        {**GOOD, "additionalFields": {"eventList": None}},
        [(EVENTS, "wrong-type")],
    ),
    "null event filter": (with_events(filter=None), [(f"{EVENTS}/filter", "wrong-type")]),
    "null evaluationInfo": (
        {**GOOD, "evaluationInfo": None},
        [("/evaluationInfo", "wrong-type")],
    ),
    "fields as a list": ({**GOOD, "fields": ["a"]}, [("/fields", "wrong-type")]),
    "event fields as a list": (with_events(fields=["a"]), [(f"{EVENTS}/fields", "wrong-type")]),
    "destination as text": ({**GOOD, "destination": "x"}, [("/destination", "wrong-type")]),
    "datasetId as a number": (
        {**GOOD, "destination": {"datasetId": 5}},
        [("/destination/datasetId", "wrong-type")],
    ),
    "dataSetId as a number": (
        {**GOOD, "destination": {"dataSetId": 5}},
        [("/destination/dataSetId", "wrong-type")],
    ),
    "schema as text": (
        {**GOOD, "schema": "_xdm.context.profile"},
        [("/schema", "wrong-type")],
    ),
    "true is no number": (
        {**GOOD, "mergePolicy": {"id": "p", "version": True}},
        [("/mergePolicy/version", "wrong-type")],
    ),
    "text is no number": (
        {**GOOD, "mergePolicy": {"id": "p", "version": "1"}},
        [("/mergePolicy/version", "wrong-type")],
    ),
    "1.5 is no version": (
        {**GOOD, "mergePolicy": {"id": "p", "version": 1.5}},
        [("/mergePolicy/version", "wrong-type")],
    ),
    "text is no truth": (
        with_filter(emptyProfiles="false"),
        [("/filter/emptyProfiles", "wrong-type")],
    ),
    "1 is no truth": (with_filter(emptyProfiles=1), [("/filter/emptyProfiles", "wrong-type")]),
    "segments as an object": (
        with_filter(segments=SEGMENT),
        [("/filter/segments", "wrong-type")],
    ),
    "status as text": (with_item(status="realized"), [(f"{ITEM}/status", "wrong-type")]),
    "time as a number": (
        with_filter(fromIngestTimestamp=1567296000),
        [("/filter/fromIngestTimestamp", "wrong-type")],
    ),
    # Bad values.
    "version 0": (
        {**GOOD, "mergePolicy": {"id": "p", "version": 0}},
        [("/mergePolicy/version", "bad-value")],
    ),
    "other schema": ({**GOOD, "schema": {"name": "x"}}, [("/schema/name", "bad-value")]),
    "empty segmentId": (with_item(segmentId=""), [(f"{ITEM}/segmentId", "bad-value")]),
    "empty namespace": (with_item(segmentNs=""), [(f"{ITEM}/segmentNs", "bad-value")]),
    "empty datasetId": (
        {**GOOD, "destination": {"datasetId": ""}},
        [("/destination/datasetId", "bad-value")],
    ),
    "unknown status": (
        with_item(status=["realized", "gone"]),
        [(f"{ITEM}/status/1", "bad-value")],
    ),
    "status in capitals": (with_item(status=["Realized"]), [(f"{ITEM}/status/0", "bad-value")]),
    "two data sets": (
        {**GOOD, "destination": {"datasetId": "a", "dataSetId": "b"}},
        [("/destination/dataSetId", "bad-value")],
    ),
    # Empty objects and lists.
    "empty status": (with_item(status=[]), [(f"{ITEM}/status", "empty")]),
    "empty window": (
        with_filter(segments=[SEGMENT], segmentQualificationTime={}),
        [(WINDOW, "empty")],
    ),
    "empty additionalFields": ({**GOOD, "additionalFields": {}}, [("/additionalFields", "empty")]),
    "S24 empty event filter": (
        with_events(filter={}),
        [(f"{EVENTS}/filter", "empty-event-filter")],
    ),
    "S21 two commas": ({**GOOD, "fields": "a,,b"}, [("/fields", "empty-field")]),
    "S21 comma at the end": ({**GOOD, "fields": "a, "}, [("/fields", "empty-field")]),
    "S21 only a comma": ({**GOOD, "fields": ","}, [("/fields", "empty-field")]),
    "S23 two commas": (with_events(fields="a, ,b"), [(f"{EVENTS}/fields", "empty-field")]),
    # Members that do not go together.
    "S19 equal times": (
        with_filter(
            segments=[SEGMENT],
            segmentQualificationTime={
                "startTime": "2019-09-01T02:00:00+02:00",
                "endTime": "2019-09-01T00:00:00Z",
            },
        ),
        [(WINDOW, "empty-window")],
    ),
    "S19 window without segments": (
        with_filter(segmentQualificationTime={"startTime": "2019-09-01T00:00:00Z"}),
        [(WINDOW, "window-without-segments")],
    ),
    "S19 window, segments []": (
        with_filter(segments=[], segmentQualificationTime={"endTime": "2019-09-01T00:00:00Z"}),
        [(WINDOW, "window-without-segments")],
    ),
    "S20 batches without segments": (
        {**GOOD, "destination": {"datasetId": "a", "segmentPerBatch": True}},
        [("/destination/segmentPerBatch", "batches-without-segments")],
    ),
    "segmentation": (
        {**GOOD, "evaluationInfo": {"segmentation": True}},
        [("/evaluationInfo/segmentation", "not-offered")],
    ),
    "same segment twice": (
        with_filter(segments=[SEGMENT, SEGMENT]),
        [("/filter/segments/1", "duplicate-segment")],
    ),
    "same by default and without case": (
        with_filter(
            segments=[SEGMENT, {**SEGMENT, "segmentNs": "UPS", "status": ["existing", "realized"]}]
        ),
        [("/filter/segments/1", "duplicate-segment")],
    ),
    **{
        f"batches, and a filter of the wrong type: {kind}": (
            {
                **GOOD,
                "filter": value,
                "destination": {"datasetId": "a", "segmentPerBatch": True},
            },
            [("/filter", "wrong-type")],
        )
        for kind, value in {
            "null": None,
            "list": [],
            "number": 5,
            "text": "x",
            "truth": True,
        }.items()
    },
    "same segment, one with an unknown member": (
        with_filter(segments=[{**SEGMENT, "zz": 1}, SEGMENT]),
        [("/filter/segments/0/zz", "unknown-member"), ("/filter/segments/1", "duplicate-segment")],
    ),
    "same segment, one with a bad status": (
        with_filter(segments=[{**SEGMENT, "status": ["gone"]}, SEGMENT]),
        [("/filter/segments/0/status/0", "bad-value")],
    ),
    "same set of statuses": (
        with_filter(
            segments=[
                {**SEGMENT, "status": ["exited"]},
                SEGMENT,
                {**SEGMENT, "status": ["exited", "exited"]},
            ]
        ),
        [("/filter/segments/2", "duplicate-segment")],
    ),
}


@pytest.mark.parametrize(("body", "told"), BAD.values(), ids=BAD)
def test_bad_requests(body: object, told: list[tuple[str, str]]) -> None:
    assert problems(body) == told


def test_all_problems_come_at_once_in_the_order_of_their_pointers() -> None:
    body = {
        "fields": "a,,b",
        "mergePolicy": {"id": 1, "version": "1"},
        "filter": {
            "segments": [{"status": ["gone"], "x": 1}, 3, *[SEGMENT] * 10],
            "segmentQualificationTime": {"startTime": "x"},
        },
        "additionalFields": {"eventList": {"filter": {"toIngestTimestamp": "x"}}},
        "destination": {"segmentPerBatch": 1},
    }
    assert problems(body) == [
        (f"{EVENTS}/filter/toIngestTimestamp", "bad-time"),
        ("/destination/datasetId", "missing"),
        ("/destination/segmentPerBatch", "wrong-type"),
        ("/fields", "empty-field"),
        (f"{WINDOW}/startTime", "bad-time"),
        (f"{ITEM}/segmentId", "missing"),
        (f"{ITEM}/status/0", "bad-value"),
        (f"{ITEM}/x", "unknown-member"),
        ("/filter/segments/1", "wrong-type"),
        *((f"/filter/segments/{i}", "duplicate-segment") for i in range(3, 12)),
        ("/mergePolicy/id", "wrong-type"),
        ("/mergePolicy/version", "wrong-type"),
        ("/schema", "missing"),
    ]


@pytest.mark.parametrize(
    "time",
    [
        "2019-09-01",
        "2019-09-01T00:00:00",
        "2019-09-01 00:00:00Z",
        "2019-09-01T00:00Z",
        "2019-9-1T00:00:00Z",
        "2019-09-31T00:00:00Z",
        "2019-13-01T00:00:00Z",
        "2019-09-01T24:00:00Z",
        "2019-09-01T12:00:60Z",
        "2019-09-01T00:00:00+0200",
        "2019-09-01T00:00:00+02",
        "2019-09-01T00:00:00+24:00",
        "2019-09-01T00:00:00+02:60",
        "2019-09-01T00:00:00.Z",
        "2019-09-01T00:00:00Z\n",
        " 2019-09-01T00:00:00Z",
        "٢٠١٩-09-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "yesterday",
        "",
    ],
)
def test_bad_times(time: str) -> None:
    body = with_filter(fromIngestTimestamp=time)
    assert problems(body) == [("/filter/fromIngestTimestamp", "bad-time")]


@pytest.mark.parametrize(
    ("time", "instant"),
    [
        ("2018-10-25T13:22:04-07:00", datetime(2018, 10, 25, 20, 22, 4, tzinfo=UTC)),
        ("2019-09-01t00:00:00z", datetime(2019, 9, 1, tzinfo=UTC)),
        ("2019-09-01T00:00:00-00:00", datetime(2019, 9, 1, tzinfo=UTC)),
        ("2019-09-01T00:00:00.5Z", datetime(2019, 9, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2019-09-01T00:00:00.123456789Z", datetime(2019, 9, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-01-01T00:59:60+01:00", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_good_times(time: str, instant: datetime) -> None:
    request = parse_request(json.dumps(with_filter(fromIngestTimestamp=time)))
    assert request.filter.from_ingest_timestamp == instant


GOOD_BODIES = {
    "the least": GOOD,
    "Adobe's example": ADOBE_EXAMPLE,
    "dataSetId": {**GOOD, "destination": {"dataSetId": "a"}},
    "both spellings, one value": {**GOOD, "destination": {"datasetId": "a", "dataSetId": "a"}},
    "blank fields": {**GOOD, "fields": "  "},
    "blanks around commas": {**GOOD, "fields": " a , b.c "},
    "segments []": with_filter(segments=[]),
    "empty filter": with_filter(),
    "empty eventList": with_events(),
    "lineage alone": {**GOOD, "additionalFields": {"lineage": True}},
    "lineage and events": {**GOOD, "additionalFields": {"lineage": True, "eventList": {}}},
    "no segmentation": {**GOOD, "evaluationInfo": {"segmentation": False}},
    "same id, other status": with_filter(segments=[SEGMENT, {**SEGMENT, "status": ["exited"]}]),
    "same id, other namespace": with_filter(segments=[SEGMENT, {**SEGMENT, "segmentNs": "AAM"}]),
    "read-only members": {
        **GOOD,
        "id": 1,
        "imsOrgId": None,
        "sandbox": {"sandboxName": "x"},
        "version": 3,
        "updateEpoch": 1,
        "creationTime": 1,
        "updateTime": 1,
    },
}


@pytest.mark.parametrize("body", GOOD_BODIES.values(), ids=GOOD_BODIES)
def test_good_requests_keep_their_body_as_sent(body: dict[str, Any]) -> None:
    text = json.dumps(body)
    assert parse_request(text).sent == body
    assert parse_request(text.encode()).sent == body
    assert parse_request(b"\xef\xbb\xbf" + text.encode()).sent == body
    assert parse_request(body).sent == body


def test_a_body_may_be_100_deep() -> None:
    assert parse_request(nested(100)).destination.dataset_id


def test_defaults() -> None:
    request = parse_request(with_item())
    (item,) = request.filter.segments
    assert (item.segment_ns, item.status) == ("ups", ("realized", "existing"))
    assert not request.filter.empty_profiles
    assert not request.destination.segment_per_batch
    assert request.merge_policy is None


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_request(GOOD).fields = "a"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("field", "Nearest: fields."),
        ("mergepolicy", "Nearest: mergePolicy."),
        ("FIELDS", "Nearest: fields."),
        ("MERGE", "Nearest: mergePolicy."),
        ("zzz", "No similar"),
    ],
)
def test_an_unknown_member_is_told_with_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(Refused, match=hint):
        parse_request({**GOOD, name: 1})


def test_a_hostile_number_of_faults_is_answered() -> None:
    body = {**GOOD, **{f"field{i}": i for i in range(20_000)}}
    listed = problems(body)
    assert len(listed) == 1001
    assert listed[-1] == ("", "too-many-problems")


# Anything at all is a request or is refused; members of real requests make the deep ends likely.
_members = """
    fields filter segments segmentId segmentNs status destination schema datasetId dataSetId name
    mergePolicy id version additionalFields eventList segmentQualificationTime startTime endTime
    fromIngestTimestamp toIngestTimestamp emptyProfiles segmentPerBatch lineage evaluationInfo
"""
_names = st.text(max_size=3) | st.sampled_from(_members.split())
_atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_json = st.recursive(
    _atoms
    | st.sampled_from(["realized", "2019-09-01T00:00:00Z", "_xdm.context.profile", "\ud800", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=5),
    max_leaves=20,
)


calmly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy with other tests."""


def answered(body: bytes) -> None:
    """A body is a request that can be kept, or is refused with problems that can be sent."""
    try:
        kept: object = parse_request(body).sent
    except Refused as error:
        kept = [problem.as_json() for problem in error.problems]
    assert kept
    json.dumps(kept, allow_nan=False, ensure_ascii=False).encode()


@calmly
@given(st.binary())
def test_no_bytes_raise_anything_but_refused(body: bytes) -> None:
    answered(body)


@calmly
@given(_json)
def test_no_json_raises_anything_but_refused(body: object) -> None:
    answered(json.dumps(body).encode())


@calmly
@given(st.sampled_from(["fields", "filter", "mergePolicy", "additionalFields", "schema"]), _json)
def test_no_member_raises_anything_but_refused(name: str, value: object) -> None:
    answered(json.dumps({**GOOD, name: value}).encode())
