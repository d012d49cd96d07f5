"""Answers of a service, for ``jobs``: what is read of them, and its errors as ours.

Another service may be at the address, or a proxy before this one: what is not as it is read here is
told as no answer of ours.
"""

from collections.abc import Iterator
from json import loads
from typing import Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from profile_export.errors import Conflict, ExportError, NotFound, Problem, Refused

_AWAY = (429, 502, 503, 504)
"""Statuses of a service that is away, its store is, or of a proxy before it that lets nobody
through just now."""


class ServiceError(ExportError):
    """The service cannot be reached, lets nobody in, or has a fault."""

    code, title, exit_code = "service", "Service", 1


class Unreachable(ServiceError):
    """Nothing answers, or nothing of use: it may be back in a moment."""

    @property
    def may_have_arrived(self) -> bool:
        """Whether the call may have been done all the same: its answer was lost on the way."""
        cause = self.__cause__
        return cause is not None and not isinstance(
            cause, httpx.ConnectError | httpx.ConnectTimeout
        )


class _Read(BaseModel):
    """Base of what is read of an object; it may have more."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class _Progress(_Read):
    stage: str
    fraction: float


class _Metrics(_Read):
    total_exported_profile_counter: int = 0
    progress: _Progress | None = None


class _Failure(_Read):
    code: str
    msg: str


class JobAnswer(_Read):
    """A job document."""

    id: int
    status: Literal["NEW", "PROCESSING", "SUCCEEDED", "FAILED", "CANCELLING", "CANCELLED"]
    metrics: _Metrics
    errors: list[_Failure] = []


class _Listed(JobAnswer):
    creation_time: int
    errors: list[_Failure]


class _Page(_Read):
    page_offset: str


class _Link(_Read):
    next: str


class PageAnswer(_Read):
    """A page of the list of jobs."""

    records: list[_Listed]
    page: _Page
    link: _Link


def read(answer: httpx.Response, text: str | bytes, model: type[_Read] = _Read) -> dict[str, Any]:
    """The object that is a text of an answer, as it came.

    Args:
        answer: Whose text it is.
        text: JSON.
        model: What is read of it.

    Raises:
        ServiceError: it is not that.
    """
    what = "no JSON"
    try:
        found: dict[str, Any] = loads(text)
        what = "other JSON than it gives"
        model.model_validate(found)
    except (ValueError, RecursionError) as error:
        raise _kind(answer)(
            f"What answers at {answer.url.copy_with(query=None)} is no Profile Export service, or"
            f" a proxy before one (HTTP {answer.status_code}, {what}). Check --url."
        ) from error
    return found


def raise_for(answer: httpx.Response) -> None:
    """Raise what the status of an answer says, if it is an error.

    Raises:
        Refused, NotFound, Conflict: as the service says.
        ServiceError: it lets us not in, or has a fault.
    """
    if answer.status_code < 400:
        return
    said = read(answer, answer.content)
    code = str(said.get("type", "")).rpartition(":")[2] or None
    detail = str(said.get("detail") or said.get("message") or f"HTTP {answer.status_code}")
    if answer.status_code in (400, 413, 415, 422):
        problems = list(_problems(said.get("errors")))
        raise Refused(problems or [Problem(code or "refused", detail)])
    if answer.status_code == 404:
        raise NotFound(detail, code=code)
    if answer.status_code == 409:
        raise Conflict(detail, code=code)
    if answer.status_code in (401, 403):
        told = f"The service does not let you in: {detail.removesuffix('.')}."
        raise Refused([Problem("no-access", told)])
    raise _kind(answer)(f"The service answers {answer.status_code}: {detail}", code=code)


def _kind(answer: httpx.Response) -> type[ServiceError]:
    return Unreachable if answer.status_code in _AWAY else ServiceError


def _problems(listed: object) -> Iterator[Problem]:
    """Of an error; those of a proxy may be of another kind, or none."""
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            parameter = each.get("parameter")
            yield Problem(
                str(each.get("code", "")),
                str(each.get("detail", "")),
                str(each.get("pointer", "")),
                parameter=None if parameter is None else str(parameter),
            )
