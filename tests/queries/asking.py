"""Asking for everything: a row for each request there is, and the statements that it takes in a world of a size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import resolve

from tests.leaks.addresses import PLACE, TO_LEAVE, patterns
from tests.queries.world import World
from usertasks.rpc.interceptor import SERVICE, CallInterceptor
from usertasks.rpc.servicer import Servicer

type Sent = Callable[[World], Mapping[str, Any]]
type Watch[Noted] = Callable[[], AbstractContextManager[list[Noted]]]
type Places = Callable[[World], Mapping[str, Any]]

NUMBERS = re.compile(r"\bs\d+_x\d+\b|\(?(?:%s, )+%s\)?(?:, \((?:%s, )*%s\))*")
"""What differs between two statements that do the same with other numbers of values."""


def nothing(world: World) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Row:
    """A request, and what it is answered with in a world of any size.

    `sent` gives what is sent: the query of a GET, else the body of the API or the form of a page. `at` gives the parts
    of the address where they are others than `places_of` says. `by` names who asks.
    """

    method: str
    pattern: str
    status: int = 200
    sent: Sent = nothing
    at: Places = nothing
    by: Sequence[str] = ("mel",)
    name: str = ""
    headers: Callable[[], Mapping[str, str]] = dict

    def __str__(self) -> str:
        return " ".join(filter(None, (self.method, self.pattern, self.name)))


def ask(row: Row, by: str, world: World, places: Mapping[str, Any], watching: Watch[Any]) -> list[Any]:
    """Ask, and take back what it did; the shapes of the statements that it took, or what `watching` notes of them."""
    path = "/" + PLACE.sub(lambda place: str({**places, **row.at(world)}[place[1]]), row.pattern)
    sent, client = dict(row.sent(world)), _client(row, by, world)
    if row.pattern.startswith("api/") and row.method != "GET":
        sent = {"data": json.dumps(sent), "content_type": "application/json"}
    else:
        sent = {"data": sent}
    cache.clear()
    with transaction.atomic(), watching() as statements:
        answer: Any = getattr(client, row.method.lower())(path, **sent, headers=row.headers())
        # What is streamed is asked for while it is read.
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        transaction.set_rollback(True)
    assert answer.status_code == row.status, (str(row), by, answer.status_code, content[-1500:])
    return statements


def _client(row: Row, by: str, world: World) -> Client:
    if row.pattern.startswith("api/") and by in world.token:
        return Client(headers={"Authorization": f"Bearer {world.token[by]}"})
    client = Client()
    if by:
        client.cookies = world.session_of(by)
    return client


@contextmanager
def noting() -> Iterator[list[str]]:
    """The statements that are asked of the database meanwhile."""
    statements: list[str] = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        statements.append(NUMBERS.sub("...", sql))
        return execute(sql, *more)

    with connection.execute_wrapper(note):
        yield statements


def methods_of(pattern: str, places: Mapping[str, Any]) -> list[str]:
    """Those that an address may answer to: of the API what its description says, of a page what a browser sends."""
    path = "/" + PLACE.sub(lambda place: str(places[place[1]]), pattern)
    served: Any = getattr(resolve(path).func, "actions", None)
    return [method.upper() for method in served if method != "head"] if served else ["GET", "POST"]


def status_of(method: str, pattern: str, world: World, places: Mapping[str, Any]) -> int:
    """How a superuser who sends nothing is answered; what it did is taken back."""
    path = "/" + PLACE.sub(lambda place: str(places[place[1]]), pattern)
    client = Client()
    client.cookies = world.session_of("root")
    with transaction.atomic():
        answer = client.generic(method, path)
        transaction.set_rollback(True)
    return answer.status_code


def all_patterns() -> list[str]:
    """Every address of the application."""
    return [*dict.fromkeys(patterns()), *TO_LEAVE]


@dataclass
class Context:
    """What grpc gives the one who answers a call: who calls, and where a refusal is told."""

    token: str
    status: Any = None

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", self.token),)

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1234"

    def code(self) -> Any:
        return self.status

    def set_trailing_metadata(self, metadata: Any) -> None:
        pass

    def abort(self, status: Any, words: str) -> None:
        self.status = status
        raise AssertionError(f"{status.name}: {words}")


@dataclass(frozen=True)
class CallDetails:
    method: str
    invocation_metadata: Sequence[Any] = ()


@dataclass(frozen=True)
class Call:
    """A call of LittleHorse's service, and what is sent."""

    rpc: str
    message: Callable[[World], Any]
    by: str = "mona"
    name: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.rpc, self.name)))


@contextmanager
def kept_open() -> Iterator[None]:
    """A call ends with its connection closed, and with it the test's transaction; Django's client does the same."""
    mine = connections[connection.alias]
    mine.close_if_unusable_or_obsolete = lambda: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        del mine.close_if_unusable_or_obsolete


def call(call: Call, world: World, watching: Watch[Any]) -> list[Any]:
    """Answer it in this thread, where its statements are counted; and take back what it did."""
    plain = grpc.unary_unary_rpc_method_handler(getattr(Servicer(), call.rpc))
    handler = CallInterceptor().intercept_service(lambda details: plain, CallDetails(SERVICE + call.rpc))
    message = call.message(world)
    with kept_open(), transaction.atomic(), watching() as statements:
        handler.unary_unary(message, Context(world.token[call.by]))
        transaction.set_rollback(True)
    return statements
