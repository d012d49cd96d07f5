"""Why: the tie breaks of S9, S11 and S13 in words, and the tree that joins a person's identities.

No PySpark, and no decision: who won comes from the stages. A reason only names the first thing in
which the known winner is ahead.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from profile_export.asked import DEFAULT_NAMESPACE
from profile_export.catalog import BUILT_IN_POLICY, Sandbox
from profile_export.plan import ExportPlan
from profile_export.request import parse_request

Step: TypeAlias = Literal["request", "segments", "default", "builtIn", "unknown"]
By: TypeAlias = Literal[
    "onlyOne", "order", "time", "status", "datasetId", "primaryIdentity", "validUntil"
]
"""What decided between two values or entries; ``onlyOne``: there was nothing to decide."""
_LAST_RESORT: tuple[By, ...] = (
    "onlyOne", "order", "time", "status", "datasetId", "primaryIdentity", "validUntil",
)  # fmt: skip


class Origin(NamedTuple):
    """A value's record by what S11 orders by: ``position`` in the policy's order, ``time`` µs."""

    dataset_id: str
    position: int
    time: int | None
    pk: str


class Merging(NamedTuple):
    """A membership entry by what S13 orders by; ``time`` and ``valid_until`` in µs."""

    time: int | None
    status: str | None
    dataset_id: str
    pk: str
    valid_until: int | None


def value_lost_by(winner: Origin, loser: Origin, *, by_order: bool) -> By:
    """What decided against a record's value of a leaf (S11)."""
    if by_order and winner.position != loser.position:
        return "order"
    if winner.time != loser.time:
        return "time"
    return "datasetId" if winner.dataset_id != loser.dataset_id else "primaryIdentity"


def entry_lost_by(winner: Merging, loser: Merging) -> By:
    """What decided against a membership entry (S13)."""
    if winner.time != loser.time:
        return "time"
    if winner.status != loser.status:
        return "status"
    if winner.dataset_id != loser.dataset_id:
        return "datasetId"
    return "primaryIdentity" if winner.pk != loser.pk else "validUntil"


def won_by(lost: Iterable[By]) -> By:
    """What the winner needed: the finest distinction that any loser made necessary."""
    return max(lost, key=_LAST_RESORT.index, default="onlyOne")


def policy_step(plan: ExportPlan, sandbox: Sandbox) -> tuple[Step, str]:
    """Which step of S9 chose the plan's policy, and a sentence that says so."""
    asked, pinned = parse_request(plan.request).merge_policy, plan.merge_policy.id
    if asked is not None:
        version = "the latest version" if asked.version is None else f"version {asked.version}"
        return "request", f"The request names it in mergePolicy ({version})."
    defined = [
        segment
        for item in plan.audience.segments
        if item.namespace == DEFAULT_NAMESPACE
        and (segment := sandbox.segment(item.segment_id)) is not None
        and segment.merge_policy_id is not None
    ]
    agreed = [segment for segment in defined if segment.merge_policy_id == pinned]
    if agreed:
        names = ", ".join(dict.fromkeys(segment.id for segment in agreed))
        return "segments", f"The request names none; the definition of segment {names} does."
    default = sandbox.default_policy()
    if not defined and default is not None and default.id == pinned:
        return "default", "Neither the request nor its segments name one: the sandbox's default."
    if not defined and default is None and pinned == BUILT_IN_POLICY.id:
        return "builtIn", "Neither request, segments nor sandbox name one: the built-in policy."
    return "unknown", "It was pinned when the job was made; the sandbox file has changed since."


class Joining(NamedTuple):
    """A row's identities; ``row`` says which row it is, ``pk`` is its primary identity."""

    row: int
    pk: str
    keys: Sequence[str]


class Joined(NamedTuple):
    """One link of the tree: ``joined`` is reached from ``known`` by ``row``."""

    known: str
    joined: str
    row: int
    depth: int


def tree(root: str, rows: Iterable[Joining]) -> list[Joined]:
    """A spanning tree of a component, found breadth first and told depth first.

    So every identity is reached from ``root`` by as few rows as can be, and a chain reads from top
    to bottom. Of several rows that join the same two identities the first is named.
    """
    near: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        for key in row.keys:
            if key != row.pk:
                near.setdefault(row.pk, []).append((key, row.row))
                near.setdefault(key, []).append((row.pk, row.row))
    below: dict[str, list[tuple[str, int]]] = {}
    seen, queue = {root}, deque([root])
    while queue:
        here = queue.popleft()
        for there, by in near.get(here, ()):
            if there not in seen:
                seen.add(there)
                queue.append(there)
                below.setdefault(here, []).append((there, by))
    return _walk(root, below)


def _walk(root: str, below: Mapping[str, Sequence[tuple[str, int]]]) -> list[Joined]:
    links: list[Joined] = []
    stack = [Joined(root, key, row, 1) for key, row in reversed(below.get(root, ()))]
    while stack:
        link = stack.pop()
        links.append(link)
        inner = reversed(below.get(link.joined, ()))
        stack += [Joined(link.joined, key, row, link.depth + 1) for key, row in inner]
    return links
