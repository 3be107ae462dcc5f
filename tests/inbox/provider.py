"""An OpenID provider on loopback: oidc-provider-mock, which can be told to fail, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import requests
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings
from werkzeug.serving import make_server

CLIENT_ID = "usertasks"
SECONDS = 10

Answer = Callable[[bytes], tuple[str, bytes]]
"""What an endpoint says in place of what it wanted to say: a status line and a body of JSON."""


class Provider:
    """The WSGI application, and what tests ask of it."""

    def __init__(self) -> None:
        self.application = oidc_provider_mock.app(require_nonce=True)
        self.instead: dict[str, Answer] = {}
        self.forms: dict[str, dict[str, list[str]]] = {}
        self.url = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.forms[path] = parse_qs(body.decode())
        environ["wsgi.input"] = BytesIO(body)
        if path not in self.instead:
            answer: Iterable[bytes] = self.application(environ, start_response)
            return answer
        said: list[bytes] = []
        said.extend(self.application(environ, lambda *_more: said.append))
        status, body = self.instead[path](b"".join(said))
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def serves(self, settings: Settings) -> None:
        """From now on, people sign in here; they call it Acme."""
        settings.OIDC_SERVER_URL, settings.OIDC_NAME = self.url, "Acme"
        settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, "secret"

    def knows(self, subject: str, **claims: Any) -> None:
        """From now on, these are the claims of that subject."""
        requests.put(f"{self.url}/users/{subject}", json=claims, timeout=SECONDS).raise_for_status()

    def says(self, path: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """From now on, the JSON of that endpoint goes through `change` first."""
        self.instead[path] = lambda said: ("200 OK", json.dumps(change(json.loads(said))).encode())

    def fails(self, path: str, status: str = "500 Internal Server Error", body: bytes = b"oops") -> None:
        self.instead[path] = lambda said: (status, body)


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()
    server = make_server("localhost", 0, provider, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    provider.url = f"http://localhost:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(SECONDS)
        server.server_close()


def way_there(client: Client, **form: str) -> str:
    """Where the sign-in page sends this browser."""
    response = client.post("/sign-in/elsewhere/", form)
    assert response.status_code == 200
    return str(response.context["address"])


def way_back(address: str, **answer: str) -> str:
    """Where the provider sends a browser that answered its page so: the path, with what it says."""
    response = requests.post(address, data=answer, allow_redirects=False, timeout=SECONDS)
    there = urlsplit(response.headers["Location"])
    return f"{there.path}?{there.query}"


def come_in(client: Client, subject: str, **form: str) -> HttpResponse:
    """Sign in by the provider; the answer to the browser's return."""
    return client.get(way_back(way_there(client, **form), sub=subject))  # type: ignore[return-value]
