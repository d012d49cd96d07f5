"""JWTs of an identity provider: its key set is served here, on 127.0.0.1."""

import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.testclient import TestClient

from profile_export.errors import Refused
from profile_export.service import jwt as ours
from profile_export.service.config import ServiceConfig
from profile_export.service.jwt import KeysAway, KeySet
from serving import NAME, ORG

URL = "/data/core/ups/export/jobs"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
PUBLIC = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


class Provider:
    """A key set behind a URL, which can go away, and whose calls are counted."""

    def __init__(self) -> None:
        self.keys = [public(RSA, "r1"), public(EC, "e1")]
        self.away, self.breaks_off, self.calls = False, False, 0
        self.body: bytes | None = None
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.calls += 1
                if provider.breaks_off:
                    at_once = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                    self.rfile.close()
                    self.wfile.close()
                    self.connection.close()
                    return
                self.send_response(503 if provider.away else 200)
                self.end_headers()
                self.wfile.write(provider.body or json.dumps({"keys": provider.keys}).encode())

            def log_message(self, *_: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"


def public(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


def claims(**over: Any) -> dict[str, Any]:
    usual = {
        "exp": int(time.time()) + 60,
        "iss": "https://id.example",
        "aud": "profile-export",
        "org": ORG,
        "sandboxes": [NAME],
        "rights": "read write",
    }
    return {name: value for name, value in (usual | over).items() if value is not None}


def signed(key: Any = RSA, kid: str | None = "r1", algorithm: str = "RS256", **over: Any) -> str:
    return jwt.encode(claims(**over), key, algorithm, headers={"kid": kid} if kid else None)


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """One kind of store will do."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def config(provider: Provider) -> ServiceConfig:
    return ServiceConfig(
        jwks_url=provider.url, jwt_issuer="https://id.example", jwt_audience="profile-export"
    )


@pytest.fixture
def get(client: TestClient, headers: Callable[..., dict[str, str]]) -> Callable[..., Any]:
    def call(token: str, method: str = "GET", **over: str) -> Any:
        mine: dict[str, Any] = headers(**over)
        mine["authorization"] = f"Bearer {token}".encode()
        return client.request(method, URL, headers=mine, content=b"{" if method == "POST" else None)

    return call


def test_good_tokens(get: Callable[..., Any]) -> None:
    for token in (
        signed(),
        signed(EC, "e1", "ES256"),
        signed(sandboxes="dev prod", rights=["write"]),
        signed(aud=["x", "profile-export"]),
        signed(exp=int(time.time()) - 5),  # clocks differ a little
    ):
        assert get(token).status_code == 200
        assert get(token, "POST").status_code == 400
    assert get(signed(rights="read")).status_code == 200
    assert get(signed(rights="read"), "POST").json()["error_code"] == "403027"


def test_our_own_tokens_still_do(client: TestClient, headers: Callable[..., Any]) -> None:
    assert client.get(URL, headers=headers()).status_code == 200


@pytest.mark.parametrize(
    "over",
    [
        {"org": "x"},
        {"org": None},
        {"org": 5},
        {"sandboxes": None},
        {"sandboxes": []},
        {"sandboxes": "prod2"},
        {"sandboxes": {"prod": 1}},
        {"rights": None},
        {"rights": "admin"},
    ],
    ids=str,
)
def test_valid_tokens_that_give_no_access(get: Callable[..., Any], over: dict[str, Any]) -> None:
    answer = get(signed(**over))
    assert (answer.status_code, answer.json()["error_code"]) == (403, "403027")


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _hs256(key: bytes, **header: Any) -> str:
    text = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'r1', **header})}.{_part(claims())}"
    mac = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _forged(**header: Any) -> str:
    """The signature of a good token under another header."""
    _, body, signature = signed().split(".")
    return f"{_part({'alg': 'RS256', 'kid': 'r1', **header})}.{body}.{signature}"


BAD = {
    "alg none": f"{_part({'alg': 'none', 'kid': 'r1'})}.{_part(claims())}.",
    "alg None": f"{_part({'alg': 'None', 'kid': 'r1'})}.{_part(claims())}.",
    "no alg": f"{_part({'kid': 'r1'})}.{_part(claims())}.",
    "HS256 with the public key": _hs256(PUBLIC),
    "HS256 called RS256": _hs256(PUBLIC, alg="RS256"),
    "RS512": jwt.encode(claims(), RSA, "RS512", headers={"kid": "r1"}),
    "PS256": jwt.encode(claims(), RSA, "PS256", headers={"kid": "r1"}),
    "expired": signed(exp=int(time.time()) - 60),
    "no expiry": signed(exp=None),
    "expiry as text": signed(exp="never"),
    "not yet": signed(nbf=int(time.time()) + 3600),
    "issuer": signed(iss="https://evil.example"),
    "no issuer": signed(iss=None),
    "audience": signed(aud="others"),
    "no audience": signed(aud=None),
    "another key": signed(OTHER),
    "another key's name": signed(EC, "r1", "ES256"),
    "unknown key": signed(OTHER, "r9"),
    "no key named, of two": signed(kid=None),
    "key in the header": _forged(jwk=public(OTHER, "r1")),
    "key by URL": _forged(jku="http://127.0.0.1:1/keys", kid="x"),
    "odd kid": _forged(kid=["r1"]),
    "critical": _forged(crit=["b64"], b64=False),
    "changed": ".".join([signed().split(".")[0], _part(claims(org="x")), signed().split(".")[2]]),
    "nothing": "..",
    "no base64": "a.b.c",
    "not JSON": "AAAA.AAAA.AAAA",
    "deep": f"{base64.urlsafe_b64encode(b'[' * 3000).decode()}.e30.AA",
    "not latin": "eyJé.e30.AA",
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_bad_tokens(get: Callable[..., Any], token: str) -> None:
    answer = get(token)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "401013")


def test_keys_are_fetched_once(get: Callable[..., Any], provider: Provider) -> None:
    for _ in range(5):
        assert get(signed()).status_code == 200
        assert get(signed(OTHER, "unknown")).status_code == 401
    assert provider.calls == 1


def test_a_new_key_is_found(
    get: Callable[..., Any], provider: Provider, client: TestClient
) -> None:
    assert get(signed()).status_code == 200
    provider.keys.append(public(OTHER, "r2"))
    keys: Any = client.app.state.keys  # type: ignore[attr-defined]
    keys._client.cooldown_duration = 0.0
    assert get(signed(OTHER, "r2")).status_code == 200


def test_a_provider_that_is_away_is_no_fault_of_the_token(
    get: Callable[..., Any], provider: Provider
) -> None:
    provider.away = True
    for _ in range(3):
        answer = get(signed())
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("key-set-away")
        assert provider.url not in answer.text
        assert answer.headers["retry-after"]
    assert provider.calls == 1  # callers do not wait for each other's attempts


def test_a_provider_that_breaks_off_is_away(get: Callable[..., Any], provider: Provider) -> None:
    provider.breaks_off = True
    answer = get(signed())
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("key-set-away")


@pytest.mark.parametrize(
    "body",
    [
        *(b"<html>", b"[]", b"{}", b'{"keys": []}', b'{"keys": 5}', b"[" * 100_000),
        b'{"keys": [{"kty": "RSA", "alg": "none", "n": "AQAB", "e": "AQAB"}]}',
    ],
    ids=lambda body: body[:50],
)
def test_what_is_no_key_set(get: Callable[..., Any], provider: Provider, body: bytes) -> None:
    provider.body = body
    assert get(signed()).status_code == 503


def test_known_keys_outlive_their_provider_for_a_while(
    provider: Provider, config: ServiceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = KeySet(config)
    assert keys.claims(signed()) is not None
    monkeypatch.setattr(keys._client.jwk_set_cache, "get", lambda: None)  # as if 5 minutes passed
    monkeypatch.setattr(ours, "PAUSE_SECONDS", 0.0)
    provider.breaks_off = True
    assert keys.claims(signed()) is not None
    provider.breaks_off, provider.away = False, True
    assert keys.claims(signed()) is not None
    monkeypatch.setattr(ours, "STALE_SECONDS", 0.0)
    with pytest.raises(KeysAway):
        keys.claims(signed())


def test_one_key_needs_no_name(provider: Provider, config: ServiceConfig) -> None:
    provider.keys = [public(RSA, "r1"), public(OTHER, "enc", use="enc")]
    assert KeySet(config).claims(signed(kid=None)) is not None
    assert KeySet(config).claims(signed(OTHER, "enc")) is None


def test_without_settings_any_issuer_and_audience_will_do(provider: Provider) -> None:
    keys = KeySet(ServiceConfig(jwks_url=provider.url))
    assert keys.claims(signed(iss="x", aud="y")) is not None
    assert keys.claims(signed(iss=None, aud=None)) is not None
    assert keys.claims(signed(exp=None)) is None


@pytest.mark.parametrize("url", ["file:///etc/passwd", "keys", "ftp://x/y", "data:,{}", "http"])
def test_urls_that_hold_no_keys(url: str) -> None:
    with pytest.raises(Refused, match="bad-jwks-url"):
        KeySet(ServiceConfig(jwks_url=url))
