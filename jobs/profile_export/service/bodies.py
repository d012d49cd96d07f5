"""Bodies of requests: their type and size, then every problem of their content at once."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from profile_export.errors import ExportError, Problem, Refused
from profile_export.jsonbody import decode
from profile_export.request import READ_ONLY
from profile_export.service.config import ServiceConfig
from profile_export.shape import in_order, problems_of

MOST_BYTES = 1 << 20
_UTF_8 = ("", "utf-8", "utf8", "us-ascii")
_Model = TypeVar("_Model", bound=BaseModel)


class TooLarge(ExportError):
    """A body over 1 MiB."""

    code, title, status = "body-too-large", "Content too large", 413


class TooSlow(ExportError):
    """A body that does not come."""

    code, title, status = "body-too-slow", "Request timeout", 408


class WrongType(ExportError):
    """A body that does not say that it is JSON."""

    code, title, status = "unsupported-media-type", "Unsupported media type", 415


async def _raw(request: Request) -> bytes:
    """The body's bytes, counted as they come: a client may state too little."""
    config: ServiceConfig = request.app.state.config
    parts: list[bytes] = []
    size, stated = 0, request.headers.get("content-length", "")
    if stated != "0" and (stated or "transfer-encoding" in request.headers):
        _check_type(request)
    if stated.isdecimal() and int(stated[:15]) > MOST_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(config.body_seconds):
            async for part in request.stream():
                size += len(part)
                if size > MOST_BYTES:
                    raise _too_large()
                parts.append(part)
    except TimeoutError:
        detail = f"The body has not come within {config.body_seconds:g} seconds."
        raise TooSlow(detail) from None
    return b"".join(parts)


def _check_type(request: Request) -> None:
    type_, _, more = request.headers.get("content-type", "").partition(";")
    type_ = type_.strip().lower()
    if type_ != "application/json" and not (
        type_.startswith("application/") and type_.endswith("+json")
    ):
        raise WrongType("The body must be sent with Content-Type: application/json.")
    for parameter in more.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in _UTF_8:
            raise WrongType("The body must be JSON in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise WrongType("The body must be sent without a Content-Encoding.")


RawBody = Annotated[bytes, Depends(_raw)]
"""A route takes this after its caller: access is checked first."""


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {MOST_BYTES:,} bytes.")


def validated(
    body: bytes | Mapping[str, object],
    model: type[_Model],
    also: Callable[[Mapping[str, object]], Iterable[Problem]] = lambda _: (),
) -> _Model:
    """The body as a model; read-only members of our documents are ignored.

    Args:
        body: As it came, or decoded.
        model: What it must be.
        also: What else is wrong with its usable members, well-formed or not.

    Raises:
        Refused: every problem, in the order of their pointers.
    """
    sent, problems = decode(body)
    usable = {name: value for name, value in sent.items() if name not in READ_ONLY}
    made: _Model | None = None
    found: list[Problem] = []
    try:
        made = model.model_validate(usable)
    except ValidationError as error:
        found = problems_of(error.errors(include_url=False), model)
    known = {problem.pointer for problem in problems}
    problems += [problem for problem in found if problem.pointer not in known]
    known = {problem.pointer for problem in problems}
    problems += [problem for problem in also(usable) if problem.pointer not in known]
    if made is None or problems:
        raise Refused(in_order(problems))
    return made
