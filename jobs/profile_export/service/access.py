"""Who calls, and may they: headers and tokens, answered as Adobe's gateway answers.

The first fault in this order is answered, before anything is said about the body: no token, a bad
token, no API key, no organisation, no sandbox, a scope or right that the token does not have.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from profile_export.service.jwt import grant_of_jwt, looks_like_jwt
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
class Grant:
    """What a token allows: an organisation, sandboxes of it, and whether it may write."""

    org: str
    sandboxes: tuple[str, ...]
    can_write: bool


@dataclass(frozen=True)
class Caller:
    """Who calls: everything that a route sees lies in this sandbox."""

    sandbox_id: int
    org: str
    sandbox: str


_NO_TOKEN = AccessDenied(403, "403010", "Oauth token is missing.")
_BAD_TOKEN = AccessDenied(401, "401013", "Oauth token is not valid")
_NO_KEY = AccessDenied(403, "403000", "Api Key is required")
_NO_HEADER = AccessDenied(400, "400003", "Missing header")
_NOT_YOURS = AccessDenied(403, "403027", "The token does not give this access")


def _caller(request: Request, *, write: bool) -> Caller:
    store: Store = request.app.state.store
    grant = _grant(request, store)
    headers = request.headers
    if not headers.get("x-api-key", "").strip():
        raise _NO_KEY
    org, sandbox = (headers.get(name, "").strip() for name in _SCOPE)
    if not org or not sandbox:
        raise _NO_HEADER
    if org != grant.org or sandbox not in grant.sandboxes or (write and not grant.can_write):
        raise _NOT_YOURS
    with store.read() as connection:
        sandbox_id = sandboxes.find_id(connection, org, sandbox)
    if sandbox_id is None:
        raise _NOT_YOURS
    return Caller(sandbox_id, org, sandbox)


_SCOPE = ("x-gw-ims-org-id", "x-sandbox-name")


def _grant(request: Request, store: Store) -> Grant:
    scheme, _, secret = request.headers.get("authorization", "").strip().partition(" ")
    secret = secret.strip()
    if not scheme:
        raise _NO_TOKEN
    if scheme.lower() != "bearer" or not secret:
        raise _BAD_TOKEN
    if looks_like_jwt(secret):
        claims = grant_of_jwt(secret, request.app.state.config)
        if claims is None:
            raise _BAD_TOKEN
        return Grant(*claims)
    with store.read() as connection:
        found = tokens.find(connection, secret)
    if found is None:
        raise _BAD_TOKEN
    return Grant(found.org, found.sandboxes, found.can_write)


def reader(request: Request) -> Caller:
    """Let in who may read the sandbox."""
    return _caller(request, write=False)


def writer(request: Request) -> Caller:
    """Let in who may write to the sandbox."""
    return _caller(request, write=True)


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
