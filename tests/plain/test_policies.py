"""Which merge policy a job keeps, and what is told where none can be (S9)."""

from dataclasses import replace
from typing import Any

import pytest

from catalogs import (
    SANDBOX,
    ask,
    events,
    plan_of,
    refused,
    segments,
    told,
)
from profile_export.catalog import BUILT_IN_POLICY, MergePolicy


@pytest.mark.parametrize(
    ("body", "policy"),
    [
        pytest.param({}, ("timestampOrdered-none-mp", 1), id="S9 the built-in"),
        pytest.param(ask("time"), ("time", 2), id="S9 the latest version"),
        pytest.param(ask("time", 1), ("time", 1), id="S9 the asked version"),
        pytest.param(ask(BUILT_IN_POLICY.id, 1), (BUILT_IN_POLICY.id, 1), id="S9 built-in by name"),
        pytest.param(segments("buyers", "plain", "other"), ("order", 1), id="S9 of a segment"),
        pytest.param(segments("buyers", "again"), ("order", 1), id="S9 segments that agree"),
        pytest.param(segments("buyers", segmentNs="UPS"), ("order", 1), id="S9 without case"),
        pytest.param(
            segments("buyers", segmentNs="AAM"),
            (BUILT_IN_POLICY.id, 1),
            id="S9 a definition speaks for ups only",
        ),
        pytest.param(
            {**ask("time"), **segments("buyers", "lapsed")},
            ("time", 2),
            id="S9 the request's ends a disagreement",
        ),
    ],
)
def test_policy(body: dict[str, Any], policy: tuple[str, int]) -> None:
    plan = plan_of(body)
    assert (plan.merge_policy.id, plan.merge_policy.version) == policy


def test_s9_the_sandbox_default_comes_after_the_segments() -> None:
    default = MergePolicy("dflt", "d", 4, "none", "timestampOrdered", default=True)
    sandbox = replace(SANDBOX, merge_policies=(*SANDBOX.merge_policies, default))
    assert plan_of({}, sandbox).merge_policy.id == "dflt"
    assert plan_of(segments("plain"), sandbox).merge_policy.version == 4
    assert plan_of(segments("buyers"), sandbox).merge_policy.id == "order"


def test_s9_a_default_for_another_schema_does_not_apply() -> None:
    other = replace(BUILT_IN_POLICY, id="other", default=True, schema_name="_xdm.context.account")
    assert plan_of({}, replace(SANDBOX, merge_policies=(other,))).merge_policy.id != "other"


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        pytest.param(ask("tme"), [("/mergePolicy/id", "unknown-policy")], id="S9 unknown"),
        pytest.param(
            ask("time", 3), [("/mergePolicy/version", "unknown-policy-version")], id="S9 version"
        ),
        pytest.param(
            segments("buyers", "plain", "lapsed", "again"),
            [(f"/filter/segments/{i}/segmentId", "policies-disagree") for i in (0, 2, 3)],
            id="S9 disagreement",
        ),
        pytest.param(
            {**ask("tme"), "fields": "nothing", **events(fields="nothing")},
            [("/mergePolicy/id", "unknown-policy")],
            id="paths are not checked when the policy is unknown",
        ),
        pytest.param(
            {**ask("tme"), "fields": "a,,b", "destination": {"datasetId": "x"}},
            [
                ("/destination/datasetId", "unknown-dataset"),
                ("/fields", "empty-field"),
                ("/mergePolicy/id", "unknown-policy"),
            ],
            id="but all else is",
        ),
        pytest.param(
            {"mergePolicy": {"id": 5}, "fields": "nothing"},
            [("/mergePolicy/id", "wrong-type")],
            id="a policy of the wrong type is unknown",
        ),
    ],
)
def test_policy_problems(body: dict[str, Any], problems: list[tuple[str, str]]) -> None:
    assert told(refused(body)) == problems


def test_s9_the_message_names_each_segment_and_its_policy() -> None:
    first, second = refused(segments("buyers", "lapsed"))
    for name in ("'buyers'", "'order'", "'lapsed'", "'crm-only'"):
        assert name in first.detail
        assert name in second.detail


def test_s9_a_segment_whose_policy_is_gone() -> None:
    sandbox = replace(SANDBOX, merge_policies=())
    problems = refused(segments("plain", "buyers"), sandbox)
    assert told(problems) == [("/filter/segments/1/segmentId", "unknown-policy")]
