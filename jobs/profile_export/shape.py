"""From pydantic's complaints to our problems: a code, a JSON pointer and a sentence.

Shared by everything that a user writes: request bodies (:mod:`~profile_export.request`) and sandbox
files (:mod:`~profile_export.sandbox`).
"""

import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from profile_export.errors import Problem, nearest

_EXPECTED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "tuple_type": "an array",
    "model_type": "an object",
    "dict_type": "an object",
}
_EMPTY = {"too_short": "empty"}
_INDEX = re.compile(r"\d{1,9}", re.ASCII)
MOST_PROBLEMS = 1000
MOST_HINTS = 50
"""Nearest names cost a comparison with every known name; a hostile body must not buy thousands."""
_LONGEST_QUOTE = 100


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) with its escapes: ``pointer("a/b", 0)`` is ``/a~1b/0``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems by pointer, array items by number; those of one pointer stay as they were found.

    Beyond a thousand the rest is only counted (``too-many-problems``): a body of 1 MiB can hold
    enough faults for an answer of 30.
    """
    ordered = sorted(problems, key=lambda problem: _place(problem.pointer))
    more = len(ordered) - MOST_PROBLEMS
    if more <= 0:
        return ordered
    detail = f"{more} more problems are not listed; mend these first."
    return [*ordered[:MOST_PROBLEMS], Problem("too-many-problems", detail)]


def _place(at: str) -> tuple[tuple[int, int, str], ...]:
    parts = at.split("/")[1:]
    return tuple((0, int(p), "") if _INDEX.fullmatch(p) else (1, 0, p) for p in parts)


def quote(text: str) -> str:
    """A user's text inside a message: quoted, printable, and cut where it is long."""
    cut = text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"
    return repr(cut)


def kind(value: object) -> str:
    """What a JSON or YAML value is, in a sentence: ``a number``, ``null``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "an array"
        case Mapping():
            return "an object"
        case _:
            return f"a {type(value).__name__}"


def not_null(value: object) -> object:
    """Refuse null, for optional members too: absent and null are not the same.

    Raises:
        PydanticCustomError: ``wrong-type``, for use as a pydantic validator.
    """
    if value is None:
        text = "Must not be null; leave the member out if nothing is meant."
        raise PydanticCustomError("wrong-type", "{text}", {"text": text})
    return value


Text = Annotated[StrictStr, Field(min_length=1)]


class Part(BaseModel):
    """Base of what is read: immutable, camelCase, unknown members and null refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    _null_is_no_value = field_validator("*", mode="before")(not_null)


def problems_of(
    details: Sequence[ErrorDetails], model: type[BaseModel], *, quotes_help: bool = False
) -> list[Problem]:
    """Every complaint of pydantic as one of ours, at the pointer of the member.

    Args:
        details: ``errors()`` of what ``model.model_validate`` raised.
        model: Where the names near an unknown member are looked up.
        quotes_help: In YAML an unquoted ``5e10`` is a number; say that quotes make it text.
    """
    found: list[Problem] = []
    for detail in details:
        if detail["type"] == "too_short" and detail["input"]:
            continue  # pydantic counts only the good items; the bad ones have their own problem
        hinted = len(found) < MOST_HINTS
        code, text = _code_and_text(detail, model if hinted else None, quotes_help=quotes_help)
        found.append(Problem(code, text, pointer(*detail["loc"])))
    return found


def _code_and_text(
    detail: ErrorDetails, model: type[BaseModel] | None, *, quotes_help: bool
) -> tuple[str, str]:
    type_, value = detail["type"], detail["input"]
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    ctx = detail.get("ctx", {})
    if type_ == "missing":
        return "missing", f"Member {name!r} is required."
    if type_ == "extra_forbidden":
        hint = nearest(name, members(model, detail["loc"][:-1])) if model else ""
        return "unknown-member", f"Unknown member {quote(name)}. {hint}".rstrip()
    if type_ == "literal_error":
        if isinstance(value, str):
            return "bad-value", f"{quote(value)} is not allowed here; it must be {ctx['expected']}."
        return "wrong-type", must_be(str(ctx["expected"]), value)
    if type_ in _EXPECTED:
        helped = quotes_help and type_ == "string_type" and not isinstance(value, list | dict)
        quotes = " Put it in quotes." if helped and value is not None else ""
        return "wrong-type", must_be(_EXPECTED[type_], value) + quotes
    if type_ in _EMPTY:
        return _EMPTY[type_], f"{name!r} must not be empty; leave it out to get the default."
    if type_ == "string_too_short":
        return "bad-value", f"{name!r} must not be an empty string."
    if "-" in type_:  # raised by a validator of ours, under our own code
        return type_, detail["msg"]
    return "bad-value", f"{detail['msg'].replace('Input should', f'{name!r} should')}."


def must_be(expected: str, value: object) -> str:
    """The sentence for a value of a wrong type."""
    return f"Must be {expected}, not {kind(value)}."


def members(model: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    """The names that the object at ``loc`` inside ``model`` may have."""
    here: type[BaseModel] | None = model
    for name in loc:
        if isinstance(name, str) and here is not None:
            fields = {f.alias or n: f.annotation for n, f in here.model_fields.items()}
            here = _model_in(fields.get(name))
    return [f.alias or n for n, f in here.model_fields.items()] if here is not None else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in typing.get_args(annotation))
    return next((model for model in inner if model is not None), None)
