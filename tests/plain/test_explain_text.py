"""The words of explain, its reasons and its tree of links: without an engine."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from profile_export.catalog import BUILT_IN_POLICY, MergePolicy, Sandbox, SegmentDefinition
from profile_export.explained.account import (
    Account,
    Attached,
    Check,
    Entry,
    EventGroup,
    InBatch,
    Key,
    Leaf,
    Link,
    Person,
    Policy,
    ReadDataset,
    Record,
    SegmentTest,
    Shared,
    Value,
    Verdict,
)
from profile_export.explained.asked import identity_problems
from profile_export.explained.reasons import (
    By,
    Joining,
    Merging,
    Origin,
    entry_lost_by,
    policy_step,
    tree,
    value_lost_by,
    won_by,
)
from profile_export.explained.text import words
from profile_export.explained.values import identity, iso, iso_micros, plain, rows_in
from profile_export.identity_keys import key_of
from profile_export.plan import AskedSegment, Audience, ExportPlan, MergePolicyPin, TableRef, Target
from profile_export.schema import Struct

C1, MAIL = Key(namespace="crmId", value="c1"), Key(namespace="email", value="x@y")
DAY = "2025-01-0{}T00:00:00Z"
OF_CRM = {"dataset_id": "dsA", "dataset": "crm", "primary_identity": C1}


def account(**changes: object) -> Account:
    """A person of one record and one event, exported; with changes."""
    record = Record(
        **OF_CRM, participates=True, ingest_time=DAY.format(2), update_time=DAY.format(1),
        record_id="r1", identities=(C1, MAIL), replaced=1,
    )  # fmt: skip
    event = EventGroup(
        **OF_CRM, participates=True, count=3, first=DAY.format(1), last=DAY.format(3),
        greatest_ingest_time=DAY.format(4), identities=(C1,),
    )  # fmt: skip
    person = Person(
        key=C1, identities=(C1, MAIL), identities_total=2,
        records=(record,), records_total=1, replaced=(record,), replaced_total=1,
        events=(event,), events_total=1,
        links=(Link(known=C1, joined=MAIL, kind="record", depth=1, **OF_CRM),), links_total=1,
        most_shared=(Shared(identity=MAIL, primaries=28),),
    )  # fmt: skip
    whole: dict[str, object] = {
        "asked": "crmId:c1",
        "identity": C1,
        "job_id": 7,
        "as_of": DAY.format(9),
        "read": (
            ReadDataset(
                dataset_id="dsA", dataset="crm", kind="profile", version=3, participates=True
            ),
        ),
        "person": person,
        "policy": Policy(
            id="p", version=2, name="CRM first", identity_graph="pdg",
            attribute_merge="dataSetPrecedence", order=("dsA",), step="default", because="Default.",
        ),
        "leaves": (
            leaf("a", 1),
            Leaf(path="b", candidates=0, winner=None, losers=(), losers_total=0),
        ),
        "attached": Attached(attached=1, superseded=2, outside_ingest_times=0, truncated=0),
        "segments": (),
        "checks": (Check(rule="S14", reason="tooManyIdentities", excludes=False, because="Few."),),
        "verdict": Verdict(
            candidate=True, exported=True, reason=None, because="It passes.",
            batches=(
                InBatch(batch=0, batch_id="b0", segment={"segmentNs": "AAM", "segmentId": "s"}),
            ),
        ),
    }  # fmt: skip
    return Account.model_validate({**whole, **changes})


def value(shown: object, by: By, day: int | None = 1) -> Value:
    return Value(value=shown, update_time=DAY.format(day) if day else None, by=by, **OF_CRM)


def leaf(path: str, shown: object, *losers: Value, by: By = "onlyOne") -> Leaf:
    return Leaf(
        path=path,
        candidates=1 + len(losers),
        winner=value(shown, by),
        losers=losers,
        losers_total=len(losers),
    )


def test_the_answer_comes_first() -> None:
    first, second, *_ = words(account()).splitlines()
    assert first == "crmId:c1 is in the export of job 7, made 2025-01-09T00:00:00Z."
    assert second == "It passes."


def test_of_a_request_it_only_would_be() -> None:
    verdict = Verdict(
        candidate=True, exported=False, reason="notInSegment", because="No entry.", batches=()
    )
    told = words(account(job_id=None, verdict=verdict))
    first = "crmId:c1 would not be in an export made 2025-01-09T00:00:00Z: notInSegment."
    assert told.splitlines()[:2] == [first, "No entry."]
    assert "None: the person is not exported." in told


@pytest.mark.parametrize(
    "line",
    [
        "  The person crmId:c1, with 2 identities:",
        "    crmId:c1",
        "      email:x@y  by the record crmId:c1 of crm",
        "    crm, crmId:c1: ingested 2025-01-02T00:00:00Z, updated 2025-01-01T00:00:00Z, _id r1",
        "  1 record that they replaced, of no effect (S4):",
        "    crm, crmId:c1: 3, from 2025-01-01T00:00:00Z to 2025-01-03T00:00:00Z",
        "  1 of them are in timeSeriesEvents; left out: 2 superseded by another event of the same"
        " _id (S23).",
        "  CRM first (p, version 2)",
        "  Default.",
        "  The order: crm.",
        "  a = 1",
        "    from crm, crmId:c1, updated 2025-01-01T00:00:00Z: the only value",
        "  Null, as no current record has a value: b",
        "  None is asked for: everyone passes.",
        "  S14 passes: Few.",
        "    batch b0, segment AAM:s",
    ],
)
def test_a_line_of_the_account(line: str) -> None:
    assert line in words(account()).splitlines()


@pytest.mark.parametrize(
    ("by", "day", "told"),
    [
        ("order", 2, "later in the order"),
        ("time", 1, "older"),
        ("time", None, "its update time is unknown"),
        ("datasetId", 1, "as new, smaller dataset id"),
        ("primaryIdentity", 1, "as new, smaller primary identity"),
    ],
)
def test_why_a_value_lost(by: By, day: int | None, told: str) -> None:
    lost = value("old", by, day)
    lines = words(account(leaves=(leaf("a", "new", lost, by=by),))).splitlines()
    time = lost.update_time or "unknown"
    assert f'    over "old" from crm, crmId:c1, updated {time}: {told}' in lines


def test_an_equal_loser_is_said_to_be_equal() -> None:
    told = words(account(leaves=(leaf("a", "x", value("x", "time"), by="time"),)))
    assert "    over the same from crm, crmId:c1" in told


def test_long_values_and_long_lists_are_cut() -> None:
    losers = tuple(value(number, "time") for number in range(30))
    told = words(account(leaves=(leaf("a", "x" * 200, *losers, by="time"),)))
    assert f'a = "{"x" * 59}... (202 characters)' in told
    assert "over 19 from" in told
    assert "over 20 from" not in told
    assert "... and 10 more" in told


def test_data_cannot_steer_the_terminal() -> None:
    told = words(account(asked="crmId:\x1b[2Jc1\n"))
    assert "\x1b" not in told
    assert words(account(leaves=(leaf("a", "\x1b[31m"),))).isprintable() is False  # its line breaks
    assert "\x1b" not in words(account(leaves=(leaf("a", "\x1b[31m"),)))


def test_too_many_identities_name_what_is_shared() -> None:
    because = "It has 94 identities, more than the 50 allowed (maxIdentities)."
    out = Verdict(
        candidate=True, exported=False, reason="tooManyIdentities", because=because, batches=()
    )
    check = Check(rule="S14", reason="tooManyIdentities", excludes=True, because=because)
    told = words(account(verdict=out, checks=(check,)))
    assert "email:x@y stands in rows of 28 primary identities" in told
    assert f"S14 excludes it (tooManyIdentities): {because}" in told
    assert "stands in rows" not in words(account())


def test_a_segment_with_its_competing_entries() -> None:
    def entry(won: bool, by: By, day: int) -> Entry:
        return Entry(
            **OF_CRM, status="exited", last_qualification_time=DAY.format(day),
            valid_until=None, won=won, by=by,
        )  # fmt: skip

    test = SegmentTest(
        segment_id="s", segment_ns="UPS", name="buyers", asked_status=("realized",),
        status="exited", effective_status="exited", last_qualification_time=DAY.format(2),
        valid_until=None, window=None, matches=False, failed="status", because="Exited.",
        entries=(entry(True, "time", 2), entry(False, "time", 1)), entries_total=2,
    )  # fmt: skip
    lines = words(account(segments=(test,))).splitlines()
    assert "  UPS:s (buyers): no match" in lines
    stated = "The entry: exited, qualified at 2025-01-02T00:00:00Z"
    assert f"    {stated}; any time is asked for." in lines
    assert "      this: exited at 2025-01-02T00:00:00Z, from crm, crmId:c1: the latest" in lines
    assert "      over: exited at 2025-01-01T00:00:00Z, from crm, crmId:c1: earlier" in lines


def test_the_window_is_told_where_the_status_hides_it() -> None:
    test = SegmentTest(
        segment_id="s", segment_ns="ups", name=None, asked_status=("realized",), status="realized",
        effective_status="exited", last_qualification_time=None, valid_until=DAY.format(1),
        window={"startTime": DAY.format(2), "endTime": None}, matches=False, failed="status",
        because="It lapsed.", entries=(), entries_total=0,
    )  # fmt: skip
    stated = "The entry: realized, qualified at an unknown time, valid until 2025-01-01T00:00:00Z"
    window = "asked for is the window from 2025-01-02T00:00:00Z, before any time."
    assert f"    {stated}; {window}" in words(account(segments=(test,))).splitlines()


def test_json_is_camel_case_and_reads_back() -> None:
    told = account().model_dump(mode="json", by_alias=True)
    assert told["person"]["identitiesTotal"] == 2
    assert told["leaves"][0]["winner"]["updateTime"] == DAY.format(1)
    assert Account.model_validate(told) == account()


@pytest.mark.parametrize(
    ("loser", "by_order", "by"),
    [
        (Origin("ds2", 1, 99, "k"), True, "order"),
        (Origin("ds2", 1, 4, "k"), False, "time"),
        (Origin("ds1", 0, None, "k"), True, "time"),
        (Origin("ds0", 1, 5, "k"), False, "datasetId"),
        (Origin("ds1", 0, 5, "j"), False, "primaryIdentity"),
        (Origin("ds1", 0, 5, "j"), True, "primaryIdentity"),
    ],
)
def test_what_a_value_lost_by(loser: Origin, by_order: bool, by: By) -> None:
    assert value_lost_by(Origin("ds1", 0, 5, "k"), loser, by_order=by_order) == by


@pytest.mark.parametrize(
    ("loser", "by"),
    [
        (Merging(None, "exited", "ds", "k", None), "time"),
        (Merging(5, "realized", "ds", "k", None), "status"),
        (Merging(5, "exited", "dr", "k", None), "datasetId"),
        (Merging(5, "exited", "ds", "j", None), "primaryIdentity"),
        (Merging(5, "exited", "ds", "k", 3), "validUntil"),
    ],
)
def test_what_an_entry_lost_by(loser: Merging, by: By) -> None:
    assert entry_lost_by(Merging(5, "exited", "ds", "k", 4), loser) == by


def test_the_winner_needed_the_finest_distinction() -> None:
    assert won_by([]) == "onlyOne"
    assert won_by(["time", "datasetId", "time"]) == "datasetId"
    assert won_by(["order", "time"]) == "time"


def test_the_tree_reaches_everyone_once_and_by_few_rows() -> None:
    rows = [
        Joining(0, "a", ["a", "b"]),
        Joining(1, "c", ["c", "b"]),
        Joining(2, "c", ["c", "d"]),
        Joining(3, "d", ["b", "d"]),
        Joining(4, "a", ["a", "b"]),
    ]
    told = [(k.known, k.joined, k.row, k.depth) for k in tree("a", rows)]
    assert told == [("a", "b", 0, 1), ("b", "c", 1, 2), ("b", "d", 3, 2)]
    assert tree("a", []) == []


def test_a_chain_of_thousands_is_no_deep_recursion() -> None:
    rows = [Joining(i, f"n{i}", [f"n{i}", f"n{i + 1}"]) for i in range(5000)]
    assert [link.depth for link in tree("n0", rows)] == list(range(1, 5001))


def plan(request: dict[str, object], policy: str, *segments: str) -> ExportPlan:
    table = TableRef(format="delta", location="/nowhere")
    return ExportPlan(
        job_id=1, ims_org_id="o", sandbox="s", as_of=datetime(2025, 1, 1, tzinfo=UTC),
        request={
            "destination": {"datasetId": "out"},
            "schema": {"name": "_xdm.context.profile"},
            **request,
        },
        merge_policy=MergePolicyPin(
            id=policy, version=1, graph="none", attribute_merge="timestampOrdered"
        ),
        namespaces={}, inputs=(),
        audience=Audience(
            segments=tuple(
                AskedSegment(
                    segment_id=s.split(":")[-1],
                    namespace=s.split(":")[0] if ":" in s else "ups",
                    statuses=("realized",),
                )
                for s in segments
            ),
            qualified_from=None, qualified_before=None, updated_after=None, empty_profiles=False,
            max_identities=50,
        ),
        output=Struct(), membership=Struct(), events=None, lineage=False,
        target=Target(dataset_id="out", name="out", table=table),
        batches=(), segment_per_batch=False,
    )  # fmt: skip


SANDBOX = Sandbox(
    ims_org_id="o",
    name="s",
    merge_policies=tuple(
        MergePolicy(name, name, 1, "none", "timestampOrdered", default=name == "d")
        for name in "pqd"
    ),
    segments=(SegmentDefinition("s1", "one", merge_policy_id="p"), SegmentDefinition("s2", "two")),
)
BARE = Sandbox(ims_org_id="o", name="s")


@pytest.mark.parametrize(
    ("made", "sandbox", "step", "words_of_it"),
    [
        (plan({"mergePolicy": {"id": "q"}}, "q", "s1"), SANDBOX, "request", "the latest version"),
        (plan({"mergePolicy": {"id": "q", "version": 3}}, "q"), SANDBOX, "request", "version 3"),
        (plan({}, "p", "s2", "s1"), SANDBOX, "segments", "definition of segment s1"),
        (plan({}, "d", "aam:s1"), SANDBOX, "default", "the sandbox's default"),
        (plan({}, "d"), SANDBOX, "default", "the sandbox's default"),
        (plan({}, BUILT_IN_POLICY.id), BARE, "builtIn", "the built-in policy"),
        (plan({}, "q"), SANDBOX, "unknown", "has changed since"),
        (plan({}, "q", "s1"), SANDBOX, "unknown", "has changed since"),
    ],
)
def test_which_step_chose_the_policy(
    made: ExportPlan, sandbox: Sandbox, step: str, words_of_it: str
) -> None:
    found, because = policy_step(made, sandbox)
    assert found == step
    assert words_of_it in because


@pytest.mark.parametrize("asked", ["", "c1", ":c1", "crmId:", "crmId:   "])
def test_what_is_no_identity(asked: str) -> None:
    assert [p.code for p in identity_problems(asked)] == ["bad-identity"]


def test_identities_as_understood() -> None:
    assert list(identity_problems("url:https://x:80/")) == []
    assert key_of("CrmId", "  a b ") == "crmid\0a b"
    assert (
        str(identity(key_of("CRMID", "https://x:80"), {"crmid": "crmId"})) == "crmId:https://x:80"
    )
    assert str(identity(key_of("Other", "1"), {"crmid": "crmId"})) == "other:1"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (datetime(2025, 1, 1, tzinfo=UTC), "2025-01-01T00:00:00Z"),
        (datetime(2025, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "2025-01-01T00:00:00Z"),
        (datetime(2025, 1, 1), "2025-01-01T00:00:00Z"),  # noqa: DTZ001 - a time without zone
        (datetime(2025, 1, 1, microsecond=5000, tzinfo=UTC), "2025-01-01T00:00:00.005Z"),
        (datetime(2025, 1, 1, microsecond=5, tzinfo=UTC), "2025-01-01T00:00:00.000005Z"),
        (date(2025, 1, 31), "2025-01-31"),
        (Decimal("1E+2"), "100"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (1.5, 1.5),
        (True, True),
        (b"ab", "YWI="),
        ([{"a": Decimal("1.50")}, None], [{"a": "1.50"}, None]),
    ],
)
def test_values_as_json(value: object, told: object) -> None:
    assert plain(value) == told


def test_rows_of_values_that_python_does_not_have() -> None:
    """Years outside 1 to 9999, and maps whose keys are structs; what it has comes as it is."""
    by_struct = pa.map_(pa.struct([("a", pa.int32())]), pa.list_(pa.date32()))
    held = pa.table(
        {
            "day": pa.array([-800_000, 1, None], pa.date32()),
            "time": pa.array([400_000_000_000_000_000, 0, None], pa.timestamp("us", "UTC")),
            "map": pa.array([[({"a": 1}, [3_000_000])], [], None], by_struct),
            "text": pa.array([[("k", "v")], [], None], pa.map_(pa.string(), pa.string())),
        }
    )
    far = {
        "day": "-800000 days since 1970",
        "time": "400000000000000000 µs since 1970",
        "map": [{"key": {"a": 1}, "value": ["3000000 days since 1970"]}],
        "text": {"k": "v"},
    }
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    near = {"day": date(1970, 1, 2), "time": epoch, "map": {}, "text": {}}
    assert rows_in(held) == [far, near, dict.fromkeys(far)]


def test_times_of_microseconds() -> None:
    assert iso_micros(None) is None
    assert iso_micros(-1) == "1969-12-31T23:59:59.999999Z"
    assert iso_micros(2**62) == f"{2**62} µs since 1970"
    assert iso(datetime(2025, 1, 1, tzinfo=UTC)) == iso_micros(1735689600000000)
