"""Which merge policy a job keeps (S9)."""

from collections.abc import Iterator
from dataclasses import dataclass

from profile_export.asked import DEFAULT_NAMESPACE, AskedPolicy, ExportRequest
from profile_export.catalog import BUILT_IN_POLICY, MergePolicy, Sandbox
from profile_export.errors import Problem, nearest
from profile_export.plan import MergePolicyPin
from profile_export.request import UNUSABLE
from profile_export.shape import pointer, quote

_MOST_OTHERS = 5


@dataclass(frozen=True)
class PolicyChoice:
    """The policy, or the problems that leave it unknown."""

    policy: MergePolicyPin | None
    problems: tuple[Problem, ...] = ()


def choose_policy(request: ExportRequest, sandbox: Sandbox) -> PolicyChoice:
    """The first that applies: the request's policy, its segments', the sandbox's, the built-in.

    Problems: ``unknown-policy``, ``unknown-policy-version``, ``policies-disagree``.
    """
    if request.merge_policy is not None:
        return _asked(request.merge_policy, sandbox)
    speaking = list(_speaking(request, sandbox))
    if speaking:
        return _of_segments(speaking, sandbox)
    return PolicyChoice(_pin(sandbox.default_policy() or BUILT_IN_POLICY))


def _asked(asked: AskedPolicy, sandbox: Sandbox) -> PolicyChoice:
    if asked.id == UNUSABLE:
        return PolicyChoice(None)  # its own problem is told already
    versions = sandbox.versions(asked.id)
    if not versions:
        return PolicyChoice(None, (_unknown(asked.id, sandbox, pointer("mergePolicy", "id")),))
    if asked.version is None:
        return PolicyChoice(_pin(versions[-1]))
    found = next((policy for policy in versions if policy.version == asked.version), None)
    if found is not None:
        return PolicyChoice(_pin(found))
    known = ", ".join(str(policy.version) for policy in versions)
    detail = f"Merge policy {quote(asked.id)} has no such version; it has: {known}."
    at = pointer("mergePolicy", "version")
    return PolicyChoice(None, (Problem("unknown-policy-version", detail, at),))


@dataclass(frozen=True)
class _Speaking:
    """An asked segment whose definition has a policy."""

    segment_id: str
    policy_id: str
    at: str

    def __str__(self) -> str:
        return f"segment {quote(self.segment_id)} has merge policy {quote(self.policy_id)}"


def _speaking(request: ExportRequest, sandbox: Sandbox) -> Iterator[_Speaking]:
    """A definition speaks for items of namespace ups with its id (S9)."""
    policies = {segment.id: segment.merge_policy_id for segment in sandbox.segments}
    for index, item in enumerate(request.filter.segments):
        policy_id = policies.get(item.segment_id)
        if policy_id is not None and item.namespace == DEFAULT_NAMESPACE:
            at = pointer("filter", "segments", index, "segmentId")
            yield _Speaking(item.segment_id, policy_id, at)


def _of_segments(speaking: list[_Speaking], sandbox: Sandbox) -> PolicyChoice:
    first_of = {each.policy_id: each for each in reversed(speaking)}
    if len(first_of) > 1:
        return PolicyChoice(None, tuple(_disagreement(each, first_of) for each in speaking))
    (policy_id,) = first_of
    versions = sandbox.versions(policy_id)
    if versions:
        return PolicyChoice(_pin(versions[-1]))
    return PolicyChoice(None, tuple(_unknown(policy_id, sandbox, each.at) for each in speaking))


def _disagreement(each: _Speaking, first_of: dict[str, _Speaking]) -> Problem:
    # One other segment for each policy, a few at most: the whole list stands in the other problems.
    others = [other for policy_id, other in first_of.items() if policy_id != each.policy_id]
    told = "; ".join(str(other) for other in others[:_MOST_OTHERS])
    detail = f"The segments disagree: {each}; {told}. Name one policy in mergePolicy (S9)."
    return Problem("policies-disagree", detail, each.at)


def _unknown(policy_id: str, sandbox: Sandbox, at: str) -> Problem:
    hint = nearest(policy_id, {policy.id for policy in sandbox.merge_policies})
    return Problem("unknown-policy", f"There is no merge policy {quote(policy_id)}. {hint}", at)


def _pin(policy: MergePolicy) -> MergePolicyPin:
    precedence = policy.attribute_merge == "dataSetPrecedence"
    return MergePolicyPin(
        id=policy.id,
        version=policy.version,
        graph=policy.graph,
        attribute_merge=policy.attribute_merge,
        order=policy.order if precedence else (),
    )
