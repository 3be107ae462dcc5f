"""The API as its callers use it: over HTTP, with a token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.cast import token_of
from usertasks.api import waiting

API = "/api/v1/"


class Caller:
    """Somebody with a token. Each method gives Django's response to `/api/v1/<path>`."""

    def __init__(self, user: User | None) -> None:
        self.client = Client()
        self.headers = {"Authorization": f"Bearer {token_of(user)}"} if user else {}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(API + path, headers={**self.headers, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, json.dumps({} if body is None else body), **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, json.dumps(body), **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, "", **headers)

    def send(self, method: str, path: str, text: str | bytes, **headers: str) -> Any:
        """A body as it stands, JSON or not."""
        return self.client.generic(
            method, API + path, text, content_type="application/json", headers={**self.headers, **headers}
        )


@pytest.fixture
def as_(db: None) -> Callable[[User], Caller]:
    """`as_(alice).get("user-task-runs/")`."""
    return Caller


@pytest.fixture
def nobody(db: None) -> Caller:
    return Caller(None)


class MovingClock(waiting.Clock):
    """Time that passes only while somebody waits; what was planned happens on the way."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.planned: list[tuple[float, Callable[[], Any]]] = []
        self.pauses: list[float] = []

    def at(self, moment: float, happening: Callable[[], Any]) -> None:
        """Plan what somebody does at that moment."""
        self.planned.append((moment, happening))

    def now(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.moment += seconds
        due = [happening for moment, happening in self.planned if moment <= self.moment]
        self.planned = [(moment, happening) for moment, happening in self.planned if moment > self.moment]
        for happening in due:
            happening()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[MovingClock]:
    """The clock of the requests that wait: no test of the API waits for real."""
    clock = MovingClock()
    monkeypatch.setattr(waiting.room, "clock", clock)
    yield clock
    assert waiting.room.taken == 0
