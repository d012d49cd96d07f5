"""Bodies of requests: their type and size, then every problem of their content at once."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from profile_export.errors import ExportError, Problem, Refused
from profile_export.jsonbody import decode
from profile_export.request import READ_ONLY
from profile_export.shape import in_order, problems_of

MOST_BYTES = 1 << 20
_Model = TypeVar("_Model", bound=BaseModel)


class TooLarge(ExportError):
    """A body over 1 MiB."""

    code, title, status = "body-too-large", "Content too large", 413


class WrongType(ExportError):
    """A body that does not say that it is JSON."""

    code, title, status = "unsupported-media-type", "Unsupported media type", 415


async def _raw(request: Request) -> bytes:
    """The body's bytes, counted as they come: the length that a client states is not believed."""
    type_ = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if type_ != "application/json" and not type_.endswith("+json"):
        raise WrongType("The body must be sent with Content-Type: application/json.")
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > MOST_BYTES:
        raise _too_large()
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


RawBody = Annotated[bytes, Depends(_raw)]
"""A route takes this after its caller: access is checked first."""


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {MOST_BYTES:,} bytes.")


def validated(body: bytes | Mapping[str, object], model: type[_Model]) -> _Model:
    """The body as a model; read-only members of our documents are ignored.

    Raises:
        Refused: every problem, in the order of their pointers.
    """
    sent, problems = decode(body)
    usable = {name: value for name, value in sent.items() if name not in READ_ONLY}
    made: _Model | None = None
    try:
        made = model.model_validate(usable)
    except ValidationError as error:
        known = {problem.pointer for problem in problems}
        found = problems_of(error.errors(include_url=False), model)
        problems += [problem for problem in found if problem.pointer not in known]
    if made is None or problems:
        raise Refused(in_order(problems))
    return made


def bad_parameter(name: str, detail: str) -> Refused:
    """The refusal of a query parameter."""
    return Refused([Problem("bad-parameter", detail, parameter=name)])
