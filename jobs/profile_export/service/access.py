"""Who calls, and may they: headers and tokens, answered as Adobe's gateway answers.

The first fault in this order is answered, before anything is said about the body: no token, a bad
token, no API key, no organisation, no sandbox, a scope or right that the token does not have.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection

from profile_export.service.jwt import Claims, KeySet, looks_like_jwt
from profile_export.service.store import Store, sandboxes, tokens


class AccessDenied(Exception):
    """A call that is not let in.

    Attributes:
        status: Of the answer.
        code: Adobe's, as clients know it.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    def as_json(self) -> dict[str, str]:
        return {"error_code": self.code, "message": str(self)}


@dataclass(frozen=True)
class Caller:
    """Who calls: everything that a route sees lies in this sandbox."""

    sandbox_id: int
    org: str
    sandbox: str


_SCOPE = ("x-gw-ims-org-id", "x-sandbox-name")


def _no_token() -> AccessDenied:
    return AccessDenied(403, "403010", "Oauth token is missing.")


def _bad_token() -> AccessDenied:
    return AccessDenied(401, "401013", "Oauth token is not valid")


def _not_yours() -> AccessDenied:
    return AccessDenied(403, "403027", "The token does not give this access")


def _caller(request: Request, *, write: bool) -> Caller:
    store: Store = request.app.state.store
    keys: KeySet = request.app.state.keys
    secret = _secret(request)
    by_jwt = keys.claims(secret) if looks_like_jwt(secret) else None
    with store.read() as connection:
        grant = by_jwt or _grant(connection, secret)
        headers = request.headers
        if not headers.get("x-api-key", "").strip():
            raise AccessDenied(403, "403000", "Api Key is required")
        org, sandbox = (headers.get(name, "").strip() for name in _SCOPE)
        if not org or not sandbox:
            raise AccessDenied(400, "400003", "Missing header")
        if org != grant.org or sandbox not in grant.sandboxes or (write and not grant.can_write):
            raise _not_yours()
        sandbox_id = sandboxes.find_id(connection, org, sandbox)
        if sandbox_id is None:
            raise _not_yours()
    return Caller(sandbox_id, org, sandbox)


def _secret(request: Request) -> str:
    """The token as sent, in a scheme that is matched without case."""
    scheme, _, secret = request.headers.get("authorization", "").strip().partition(" ")
    secret = secret.strip()
    if not scheme:
        raise _no_token()
    if scheme.lower() != "bearer" or not secret:
        raise _bad_token()
    return secret


def _grant(connection: Connection, secret: str) -> Claims:
    found = tokens.find(connection, secret)
    if found is None:
        raise _bad_token()
    return Claims(found.org, found.sandboxes, can_write=found.can_write)


def reader(request: Request) -> Caller:
    """Let in who may read the sandbox."""
    return _caller(request, write=False)


def writer(request: Request) -> Caller:
    """Let in who may write to the sandbox."""
    return _caller(request, write=True)


def planner(request: Request) -> Caller:
    """Let in who may write to the sandbox; a dry run only reads."""
    return _caller(request, write=request.query_params.get("dryRun", "").lower() != "true")


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
Planner = Annotated[Caller, Depends(planner)]
