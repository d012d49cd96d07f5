"""PATCH of a merge policy: an array of operations, with Adobe's dotted paths or with slashes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue, StrictStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from profile_export.catalog import MergePolicy, Sandbox
from profile_export.errors import Problem, Refused, nearest
from profile_export.jsonbody import decode_array
from profile_export.request import READ_ONLY
from profile_export.service.catalog_models import MergePolicyIn
from profile_export.service.policy_changes import document, order_faults, policy_of
from profile_export.shape import Part, in_order, pointer, problems_of, quote

_PATHS = (
    "/name", "/default", "/isActiveOnEdge", "/schema", "/schema/name", "/identityGraph",
    "/identityGraph/type", "/attributeMerge", "/attributeMerge/type", "/attributeMerge/order",
)  # fmt: skip
_DOTTED = [f"/{path[1:].replace('/', '.')}" for path in _PATHS]
_ORDER = ("attributeMerge", "order")


class Operation(Part):
    """One operation of a PATCH."""

    op: Literal["add", "replace", "remove"]
    path: StrictStr
    value: JsonValue = 0

    @field_validator("path")
    @classmethod
    def _is_known(cls, value: str) -> str:
        path = value.replace(".", "/")
        if path in _PATHS or path.split("/")[1:2] in [[name] for name in READ_ONLY]:
            return path
        hint = nearest(value, _DOTTED)
        text = f"{quote(value)} cannot be changed. {hint} Paths: {', '.join(_DOTTED)}."
        raise PydanticCustomError("unknown-path", "{text}", {"text": text})


@dataclass(frozen=True)
class _Step:
    """A well-formed operation, and its place in the body."""

    index: int
    op: str
    path: str
    value: Any

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.split("/")[1:])


def patched(body: bytes, policy: MergePolicy, catalog: Sandbox) -> MergePolicy:
    """A policy with the operations of a body done in their order.

    Returns:
        ``policy`` itself if they touch nothing but members that are only read.

    Raises:
        Refused: every problem, of operations and of what they make together.
    """
    steps, problems = _steps(body)
    changed = document(policy)
    for step in steps:
        problems += _do(step, changed)
    merge = changed.get("attributeMerge")
    ordered = _ORDER in [step.parts for step in steps]
    if isinstance(merge, dict) and merge.get("type") == "timestampOrdered" and not ordered:
        merge.pop("order", None)  # left from before
    made: MergePolicyIn | None = None
    found: list[Problem] = []
    try:
        made = MergePolicyIn.model_validate(changed)
    except ValidationError as error:
        found += problems_of(error.errors(include_url=False), MergePolicyIn)
    if any(step.parts[0] == _ORDER[0] for step in steps):
        found += order_faults(catalog)(changed)
    told = {problem.pointer for problem in problems}
    blamed = [Problem(p.code, p.detail, _blamed(p.pointer, steps)) for p in found]
    problems += [problem for problem in blamed if problem.pointer not in told]
    if made is None or problems:
        raise Refused(in_order(problems))
    return policy_of(made, policy.id) if steps else policy


def _steps(body: bytes) -> tuple[list[_Step], list[Problem]]:
    """The operations that can be done; those on members that are only read are left out."""
    items, problems = decode_array(body)
    known = {problem.pointer for problem in problems}
    steps: list[_Step] = []
    for index, item in enumerate(items):
        found: list[Problem] = []
        try:
            made = Operation.model_validate(item)
        except ValidationError as error:
            found = problems_of(error.errors(include_url=False), Operation)
        else:
            if made.op != "remove" and "value" not in made.model_fields_set:
                found = [Problem("missing", "Member 'value' is required.", "/value")]
            elif made.path.split("/")[1] not in READ_ONLY:
                steps.append(_Step(index, made.op, made.path, made.value))
        placed = [Problem(p.code, p.detail, pointer(index) + p.pointer) for p in found]
        problems += [problem for problem in placed if problem.pointer not in known]
    return steps, problems


def _do(step: _Step, changed: dict[str, Any]) -> list[Problem]:
    *parents, name = step.parts
    here: object = changed
    for parent in parents:
        here = changed.setdefault(parent, {})
    if not isinstance(here, dict):
        return []  # an operation before made it something else, which is told
    if step.op != "remove":
        here[name] = step.value
    elif here.pop(name, None) is None:
        detail = f"The policy has nothing at {step.path}."
        return [Problem("bad-value", detail, pointer(step.index, "path"))]
    return []


def _blamed(at: str, steps: Sequence[_Step]) -> str:
    """Where in the body the operation stands that made what is wrong at a place of the policy."""
    for step in reversed(steps):
        if at == step.path or at.startswith(f"{step.path}/"):
            rest = at[len(step.path) :]
            return pointer(step.index, "path" if step.op == "remove" else "value") + rest
    for step in reversed(steps):
        if at.split("/")[1] == step.parts[0]:
            return pointer(step.index, "path" if step.op == "remove" else "value")
    return ""
