"""A real issuer of tokens on this machine: it publishes keys over HTTP, counts who asks, and can misbehave."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from usertasks.signing_keys import ring_of

SUBJECT = "0815"
AUDIENCE = "usertasks"


@dataclass(frozen=True)
class Signer:
    """A private key, its id and what it signs with."""

    kid: str
    algorithm: str
    private: Any

    def published(self, **more: Any) -> dict[str, Any]:
        """The JSON Web Key of its public half."""
        key: Any = get_default_algorithms()[self.algorithm]
        return {**json.loads(key.to_jwk(self.private.public_key())), "kid": self.kid, "use": "sig", **more}

    def secret(self) -> dict[str, Any]:
        """The JSON Web Key that nobody publishes."""
        key: Any = get_default_algorithms()[self.algorithm]
        return dict(json.loads(key.to_jwk(self.private)))

    def public_pem(self) -> bytes:
        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem


@cache
def signer(algorithm: str = "RS256", kid: str = "first") -> Signer:
    """Made once for all tests: a good key takes a while."""
    private: Any
    match algorithm:
        case "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            private = ec.generate_private_key(ec.SECP384R1())
        case "EdDSA":
            private = ed25519.Ed25519PrivateKey.generate()
        case _:
            private = rsa.generate_private_key(65537, 2048)
    return Signer(kid, algorithm, private)


@dataclass
class Issuer:
    """What it publishes, and which paths it was asked for; `respond` overrides what a path answers."""

    url: str
    keys: list[dict[str, Any]] = field(default_factory=lambda: [signer().published()])
    asked: list[str] = field(default_factory=list)
    says: dict[str, Any] = field(default_factory=dict)
    respond: Callable[[BaseHTTPRequestHandler], bool] = lambda request: False

    def discovery(self) -> dict[str, Any]:
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.says}

    @property
    def fetches(self) -> int:
        """How often somebody began to fetch its keys."""
        return sum(path.endswith("/openid-configuration") for path in self.asked)

    def claims(self, **more: Any) -> dict[str, Any]:
        """Those of a valid access token of alice; None takes one away."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "exp": now + 300}
        claims = {**usual, "preferred_username": "alice", **more}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, by: Signer | None = None, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token that says so, signed with the key that it publishes or `by` another."""
        by = by or signer()
        headers = {"kid": by.kid, **(header or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        return jwt.PyJWS().encode(
            json.dumps(self.claims(**claims)).encode(), by.private, algorithm=by.algorithm, headers=headers
        )


def part(value: Any) -> str:
    """A part of a token, as it travels."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.fixture
def issuer(settings: Any) -> Iterator[Issuer]:
    """The one whose tokens are taken."""
    with running_issuer() as issuer:
        settings.JWT_AUDIENCE, settings.JWT_ISSUER = AUDIENCE, issuer.url
        ring_of.cache_clear()  # the port may have been another one's
        yield issuer


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            company.asked.append(self.path)
            if company.respond(self):
                return
            documents = {"/.well-known/openid-configuration": company.discovery(), "/keys": {"keys": company.keys}}
            answer_with(self, 200 if self.path in documents else 404, documents.get(self.path))

        def do_POST(self) -> None:
            """A client asks for a token for itself, with its id and its secret."""
            self.rfile.read(int(self.headers["Content-Length"]))
            client = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")[0]
            token = company.token(sub=f"id of {client}", preferred_username=f"service-account-{client}")
            answer_with(self, 200, {"access_token": token, "token_type": "Bearer", "expires_in": 300})

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    company = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield company
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer_with(request: BaseHTTPRequestHandler, status: int, document: Any, **headers: str) -> bool:
    """Send that document; True, because the request is answered."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
    return True


def unavailable(request: BaseHTTPRequestHandler) -> bool:
    """The answer of an issuer that is down."""
    return answer_with(request, 503, {})
