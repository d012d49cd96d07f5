"""What happens to every call: a request id, a line in the log, paths without a trailing slash.

An answer that ends the connection waits for the body.
"""

import asyncio
import logging
import re
import time
from secrets import token_hex

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from profile_export.children.process import ending
from profile_export.service.answers import problem, unexpected
from profile_export.service.rest_of_body import RestOfBody

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_SCHEME_AND_HOST = re.compile(r"\Ahttps?://[^/]*", re.IGNORECASE)
_log = logging.getLogger("profile_export.access")


class EveryCall:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        scope["path"] = _path(scope["path"])
        status, started = 0, time.perf_counter()
        body = RestOfBody(scope, receive)

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                await body.read_on()
                status = message["status"]
                _add_headers(message, request_id)
            await send(message)

        try:
            await self._app(scope, body.receive, answered)
        except ClientDisconnect:
            status = status or 499
        except asyncio.CancelledError:  # the service ends, and has waited for this call for long
            if not status:  # else the server breaks the connection off
                body.leave()
                await problem(Request(scope), ending())(scope, body.receive, answered)
        except Exception as error:
            if status:  # too late for another answer: the server breaks the connection off
                raise
            await unexpected(Request(scope), error)(scope, body.receive, answered)
        finally:
            _log_call(scope, status=status, seconds=time.perf_counter() - started)


def _request_id(scope: Scope) -> str:
    sent = Headers(scope=scope).get("x-request-id", "")
    return sent if _ID.fullmatch(sent) else token_hex(16)


def _path(target: str) -> str:
    """The path of a call: a request to a proxy names scheme and host before it (RFC 9112)."""
    path = _SCHEME_AND_HOST.sub("", target)
    return path.rstrip("/") or "/"


def _add_headers(start: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=start)
    headers["x-request-id"] = request_id
    headers.setdefault("x-content-type-options", "nosniff")
    if "etag" not in headers:  # people's data stays in no cache
        headers.setdefault("cache-control", "no-store")


def _log_call(scope: Scope, *, status: int, seconds: float) -> None:
    told = {
        "request_id": scope["state"]["request_id"],
        "job": scope["state"].get("job_id"),
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    _log.info("call", extra={name: value for name, value in told.items() if value})
