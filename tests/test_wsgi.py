"""What a web server hands over, and Django would misread: the application as it is served."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import override_settings

from config.wsgi import application
from tests.cast import claimed_by, token_of


@pytest.fixture
def call(alice: User) -> Any:
    """Sends alice's request to the application; gives its status and its JSON."""
    token = token_of(alice)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)

    def send(path: str, body: bytes, **more: str) -> tuple[int, Any]:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": BytesIO(),
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            **more,
        }
        answer: dict[str, Any] = {}
        content = b"".join(application(environ, lambda status, headers: answer.update(status=int(status[:3]))))
        return answer["status"], json.loads(content)

    yield send
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_a_chunked_body_is_read_like_any_other(call: Any, alice: User) -> None:
    run = claimed_by(alice)
    body = json.dumps({"results": {"requestedItem": "lightsaber"}}).encode()
    status, told = call(f"/api/v1/user-task-runs/{run.id.hex}/save-progress/", body, HTTP_TRANSFER_ENCODING="chunked")
    assert (status, told["results"]) == (200, {"requestedItem": "lightsaber"})


def test_a_chunked_body_that_is_too_large_says_so(call: Any, alice: User) -> None:
    run = claimed_by(alice)
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        path = f"/api/v1/user-task-runs/{run.id.hex}/save-progress/"
        status, told = call(path, b"x" * 200, HTTP_TRANSFER_ENCODING="chunked")
    assert (status, told["code"]) == (413, "too_large")


def test_a_content_type_of_any_length_is_no_error(call: Any, alice: User) -> None:
    run = claimed_by(alice)
    body = b'{"results": {}}'
    path = f"/api/v1/user-task-runs/{run.id.hex}/save-progress/"
    status, _ = call(path, body, CONTENT_LENGTH=str(len(body)), CONTENT_TYPE="x" * 20_000)
    assert status == 200
