"""Errors as answers: problem+json for ours, Adobe's shape for access, no trace for the rest."""

import logging
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from profile_export.errors import PROBLEM, ExportError, NotFound, Problem, Refused, problem_json
from profile_export.service.access import AccessDenied

_log = logging.getLogger("profile_export.service")
_NAMED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""What ``Allow`` names. HEAD is there wherever GET is, and goes without saying."""


class InternalError(ExportError):
    """Something that should not happen; what, is in the service's log."""

    code, title, status = "internal-error", "Internal error", 500


class NoSuchMethod(ExportError):
    """The route has other methods."""

    code, title, status = "method-not-allowed", "Method not allowed", 405


def answer_errors(app: FastAPI) -> None:
    """Register how an app answers each kind of error."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Response]] = {
        AccessDenied: _denied,
        ExportError: _told,
        RequestValidationError: _bad_parameters,
        HTTPException: _of_routing,
        DataError: _unkeepable,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def problem(request: Request, error: ExportError, **headers: str) -> Response:
    """An error as problem+json."""
    request_id = getattr(request.state, "request_id", "")
    content = problem_json(error, request_id=request_id)
    if error.status == 503:
        headers = {"Retry-After": "5", **headers}
    return JSONResponse(content, error.status, headers=headers or None, media_type=PROBLEM)


def _denied(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AccessDenied)
    asked = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return JSONResponse(error.as_json(), error.status, headers=asked)


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, ExportError)
    return problem(request, error)


def _bad_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        Problem("bad-parameter", str(each["msg"]), parameter=str(each["loc"][-1]))
        for each in error.errors()
    ]
    return problem(request, Refused(found))


def _of_routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = _allowed(request)
        told = NoSuchMethod(f"{request.method} is not offered here; allowed: {allowed}.")
        return problem(request, told, Allow=allowed)
    if error.status_code == 404:
        return problem(request, NotFound("There is nothing at this address."))
    other = InternalError(str(error.detail))
    other.status = error.status_code
    return problem(request, other)


def _allowed(request: Request) -> str:
    """The methods of every route at this path: the framework tells those of the first only."""
    found = {
        method
        for route in request.app.router.routes
        for method in _NAMED_METHODS
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
    }
    return ", ".join(method for method in _NAMED_METHODS if method in found)


def _unkeepable(request: Request, _error: Exception) -> Response:
    """What a column cannot hold, and got past the checks: U+0000 in a parameter, an endless number.

    The two databases differ in it, so it is answered here, and in one way.
    """
    return problem(request, Refused([Problem("bad-value", "A value cannot be kept or looked up.")]))


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to a fault of ours. What it was is in the log, and nowhere else."""
    extra = {"request_id": getattr(request.state, "request_id", "")}
    _log.error("unexpected error", exc_info=error, extra=extra)
    return problem(request, InternalError("Something went wrong here; it is in the service's log."))
