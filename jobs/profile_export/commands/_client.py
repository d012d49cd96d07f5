"""A client of the service, for ``jobs``."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from profile_export.commands._answers import (
    JobAnswer,
    PageAnswer,
    Unreachable,
    raise_for,
    read,
)
from profile_export.errors import Problem, Refused

JOBS = "/data/core/ups/export/jobs"
_SECONDS = httpx.Timeout(30.0, read=120.0)
_EVENT_SILENCE = 60.0
"""The service says something every 15 s on a stream of events."""


@dataclass(frozen=True)
class Place:
    """Which service, and what of it."""

    url: str
    org: str
    sandbox: str


class Client:
    """Calls of one sandbox. As a context it closes its connections."""

    def __init__(self, place: Place, token: str) -> None:
        self._url = place.url.rstrip("/")
        headers = {
            "authorization": f"Bearer {token}",
            "x-api-key": "profile-export",
            "x-gw-ims-org-id": place.org,
            "x-sandbox-name": place.sandbox,
        }
        try:
            self._http = httpx.Client(base_url=self._url, headers=headers, timeout=_SECONDS)
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise _bad_url(place.url) from error
        base = self._http.base_url
        if base.userinfo:  # it would be sent in place of the token, and shown in messages
            detail = "The address has a user name or a password in it; the token says who asks."
            raise Refused([Problem("bad-url", detail, parameter="--url")])
        if base.scheme not in ("http", "https") or not base.host:
            raise _bad_url(place.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One call.

        Raises:
            Refused, NotFound, Conflict: as the service says.
            ServiceError: it cannot be reached, lets us not in, or has a fault.
        """
        with self._reaching():
            answer = self._http.request(method, path, **options)
        raise_for(answer)
        return answer

    def job(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """One call whose answer is a job document.

        Raises:
            As :meth:`call`.
        """
        answer = self.call(method, path, **options)
        return read(answer, answer.content, JobAnswer)

    def page(self, asked: Mapping[str, str | int]) -> dict[str, Any]:
        """A page of the list of jobs.

        Raises:
            As :meth:`call`.
        """
        answer = self.call("GET", JOBS, params=asked)
        return read(answer, answer.content, PageAnswer)

    def events(self, path: str) -> Iterator[dict[str, Any]]:
        """The documents of a stream of events; it may end before its job does.

        Raises:
            As :meth:`call`.
        """
        timeout = httpx.Timeout(30.0, read=_EVENT_SILENCE)
        with (
            self._reaching(),
            self._http.stream("GET", path, timeout=timeout) as answer,
        ):
            if answer.status_code >= 400:
                answer.read()
                raise_for(answer)
            data: list[str] = []
            for line in _lines(answer.iter_bytes()):
                if line.startswith("data:"):
                    data.append(line.removeprefix("data:").strip())
                elif not line and data:
                    yield read(answer, "\n".join(data), JobAnswer)
                    data = []

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.InvalidURL as error:
            raise _bad_url(self._url) from error
        except httpx.RequestError as error:
            raise Unreachable(
                f"No service answers at {self._url} ({type(error).__name__}). Is it running?"
                " profile-export serve starts one; --url names another.",
                code="service-away",
            ) from error


def _lines(parts: Iterable[bytes]) -> Iterator[str]:
    """Lines as a stream of events has them. Other letters that end one in a text (U+2028, say) may
    be in a document."""
    held = b""
    for part in parts:
        # A CR that is the last yet may be half of a CR LF.
        *lines, held = re.split(rb"\r\n|\n|\r(?!\Z)", held + part)
        yield from (line.decode(errors="replace") for line in lines)


def _bad_url(url: str) -> Refused:
    detail = f"{url!r} is no address of a service; write http://HOST:PORT."
    return Refused([Problem("bad-url", detail, parameter="--url")])
