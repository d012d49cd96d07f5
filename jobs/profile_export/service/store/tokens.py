"""Access tokens: made, found, listed, revoked. Only their SHA-256 is kept.

A token has 256 random bits: nobody guesses one, so a fast hash keeps it as safe as a slow one.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from profile_export.errors import NotFound
from profile_export.service.store.database import clock
from profile_export.service.store.tables import tokens

_PREFIX = "pe_"


@dataclass(frozen=True)
class Token:
    """What a token may do; the token itself is not kept."""

    id: str
    org: str
    sandboxes: tuple[str, ...]
    can_write: bool
    created: int
    revoked: int | None


def create(
    connection: Connection, org: str, sandboxes: Sequence[str], *, can_write: bool
) -> tuple[str, Token]:
    """Make a token for sandboxes of an organisation; gives it, once, and what is kept of it."""
    secret = _PREFIX + secrets.token_urlsafe(32)
    made = Token(secrets.token_hex(6), org, tuple(sandboxes), can_write, clock(connection), None)
    connection.execute(
        insert(tokens).values(
            id=made.id,
            hash=_hash(secret),
            org=org,
            sandboxes=json.dumps(list(sandboxes)),
            can_write=can_write,
            created=made.created,
        )
    )
    return secret, made


def find(connection: Connection, secret: str) -> Token | None:
    """The token that a caller shows, or None where it is unknown or revoked."""
    chosen = select(tokens).where(tokens.c.hash == _hash(secret), tokens.c.revoked.is_(None))
    row = connection.execute(chosen).one_or_none()
    return None if row is None else _token(row)


def all_of(connection: Connection) -> list[Token]:
    """Every token, oldest first, revoked ones too."""
    rows = connection.execute(select(tokens).order_by(tokens.c.created, tokens.c.id))
    return [_token(row) for row in rows]


def revoke(connection: Connection, token_id: str) -> None:
    """End a token; one that has ended stays ended.

    Raises:
        NotFound: there is none of that id.
    """
    chosen = update(tokens).where(tokens.c.id == token_id, tokens.c.revoked.is_(None))
    if connection.execute(chosen.values(revoked=clock(connection))).rowcount == 0:
        known = select(tokens.c.id).where(tokens.c.id == token_id)
        if connection.execute(known).first() is None:
            raise NotFound(f"There is no token {token_id}; `token list` shows their ids.")


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _token(row: Row[Any]) -> Token:
    return Token(
        row.id, row.org, tuple(json.loads(row.sandboxes)), row.can_write, row.created, row.revoked
    )
