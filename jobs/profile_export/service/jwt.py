"""JWTs of an identity provider, checked against its key set (JWKS URL).

Accepted are RS256 and ES256, never a key that both sides know; ``exp`` must be there. What a token
may do is in three claims: ``org``, ``sandboxes`` and ``rights`` (docs/access.md).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

from profile_export.errors import ExportError, Problem, Refused
from profile_export.service.config import ServiceConfig

ALGORITHMS = ("RS256", "ES256")
FETCH_SECONDS = 5.0
FRESH_SECONDS = 300.0
STALE_SECONDS = 3600.0
"""So long known keys are believed while their provider cannot be reached."""
PAUSE_SECONDS = 10.0
"""Between two attempts at a provider that does not answer: callers must not wait for each."""
UNKNOWN_KEY_SECONDS = 30.0
"""Between two fetches for keys that nobody knows: anybody can send a token that names one."""
LEEWAY_SECONDS = 10.0
_NO_KEY_SET = (jwt.PyJWTError, ValueError, TypeError, NotImplementedError, RecursionError)
"""What a document that is none is read with: whose fault it is, a token's it is not."""


class KeysAway(ExportError):
    """Nobody can say whether a token is good: the identity provider does not answer."""

    code, title, status = "key-set-away", "Identity provider not reachable", 503


@dataclass(frozen=True)
class Claims:
    """What a valid token says of its holder; empty where it says nothing of us."""

    org: str
    sandboxes: tuple[str, ...]
    can_write: bool


class KeySet:
    """The keys of an identity provider, fetched when needed and kept.

    Raises:
        Refused: ``bad-jwks-url``: the URL is neither http nor https.
    """

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config
        url = config.jwks_url or "http://none.invalid"
        try:
            self._client = jwt.PyJWKClient(
                url,
                lifespan=FRESH_SECONDS,
                timeout=FETCH_SECONDS,
                cooldown_duration=UNKNOWN_KEY_SECONDS,
            )
        except (jwt.PyJWTError, ValueError):
            detail = "The key set must be at an http or https URL."
            raise Refused([Problem("bad-jwks-url", detail, parameter="--jwks-url")]) from None
        self._last: tuple[float, jwt.PyJWKSet] | None = None
        self._away_until = 0.0

    def claims(self, token: str) -> Claims | None:
        """What a token says; None for one that is not valid.

        Raises:
            KeysAway: the keys cannot be had now.
        """
        if self._config.jwks_url is None:
            return None
        try:
            key = self._key(token)
            if key is None:
                return None
            required = ["exp", *(["iss"] if self._config.jwt_issuer else [])]
            said = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self._config.jwt_issuer,
                audience=self._config.jwt_audience,
                leeway=LEEWAY_SECONDS,
                options={
                    "require": required,
                    "verify_aud": self._config.jwt_audience is not None,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None
        return _claims(said)

    def _key(self, token: str) -> jwt.PyJWK | None:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            return None
        wanted = header.get("kid")
        found = _named(self._keys(), wanted)
        if found is None and wanted is not None:
            # Perhaps a new one: the client asks again, at most every UNKNOWN_KEY_SECONDS.
            found = _named(self._keys(unknown=str(wanted)), wanted)
        return found

    def _keys(self, *, unknown: str | None = None) -> jwt.PyJWKSet:
        """The key set; with the name of an unknown key, a newer one if it is time for one."""
        now = time.monotonic()
        if now >= self._away_until:
            try:
                if unknown is not None:
                    self._client.get_signing_key(unknown)
                found = self._client.get_jwk_set()
                self._last = now, found
                return found
            except (jwt.PyJWKClientConnectionError, OSError):  # a connection that breaks off is raw
                self._away_until = now + PAUSE_SECONDS
            except _NO_KEY_SET:  # or none with the unknown key in it
                if unknown is None:
                    self._away_until = now + PAUSE_SECONDS
        if self._last is not None and now - self._last[0] < STALE_SECONDS:
            return self._last[1]
        raise KeysAway("The keys of the identity provider cannot be fetched. Try again.")


def looks_like_jwt(token: str) -> bool:
    """Three dotted parts; our own tokens have none."""
    return token.count(".") == 2


def _named(keys: jwt.PyJWKSet, wanted: object) -> jwt.PyJWK | None:
    """The key of that name, for signatures; of a nameless token the only one that there is."""
    usable = [key for key in keys.keys if key.public_key_use in (None, "sig")]
    if wanted is None:
        return usable[0] if len(usable) == 1 else None
    return next((key for key in usable if key.key_id == wanted), None)


def _claims(said: Mapping[str, object]) -> Claims:
    org, rights = said.get("org"), _words(said.get("rights"))
    if not isinstance(org, str) or not {"read", "write"} & set(rights):
        return Claims("", (), can_write=False)
    return Claims(org, _words(said.get("sandboxes")), can_write="write" in rights)


def _words(value: object) -> tuple[str, ...]:
    """A list of texts, or texts parted by blanks: providers give both."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()
