"""What it costs that typing saves itself: autosaves beside completions, and two hundred people typing at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Any
from uuid import uuid4

import orjson
import psycopg
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext

from . import data
from .client import HOST, Client
from .report import Table
from .stage import PAGE_OF_RUNS, Stage, tell, token_of
from .timing import p50, p95, per_second

TYPISTS = 200
SECONDS_BETWEEN = 5
"""Somebody who types stops for a second, after which the page saves, about so often; who never stops is saved every 10
seconds."""
SECRET = "c" * 32
BOUNDARY = "draft"
COLUMNS = ("request", "at once", "SQL", "a second", "a second per typist", "p50 ms", "p95 ms", "ratio")
COMPLETE = orjson.dumps({"results": data.ANSWERS})
TEXT = "The old one is broken, and without it the project cannot go on as it was planned. " * 4


@dataclass
class Typist:
    """One person with a session and the page of a run of theirs open, who types on and on."""

    username: str
    session: str
    run: str
    page: str = field(default_factory=lambda: uuid4().hex)
    keys: count[int] = field(default_factory=count)

    @property
    def path(self) -> str:
        return f"/inbox/tasks/{self.run}/draft/"

    def connect(self, stage: Stage) -> Client:
        client = stage.client_of(None)
        client.headers = (
            f"Host: {HOST}:{stage.port}\r\nCookie: sessionid={self.session}; csrftoken={SECRET}\r\n"
            f"X-CSRFToken: {SECRET}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        )
        return client

    def form(self) -> dict[str, str]:
        """The whole form, as the page sends it after some more keys."""
        return {
            "version": "2",
            "username": self.username,
            "page": self.page,
            "draft": "",
            "results-reason": TEXT[: 1 + next(self.keys) % len(TEXT)],
            **{f"results-{name}": str(value) for name, value in data.ANSWERS.items() if name != "reason"},
            "results-needed_by": "",
            "comment": "",
        }

    def save(self, client: Client) -> None:
        parts = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
            for name, text in self.form().items()
        )
        client.post(self.path, f"{''.join(parts)}--{BOUNDARY}--\r\n".encode())


def measure(stage: Stage) -> Table:
    with stage.connect() as database:
        typists = _typists(database)
    tell(f"drafts: {TYPISTS} people begin to type")
    for typist in typists:
        with typist.connect(stage) as client:
            typist.save(client)
    clients = stage.options.clients
    autosaves, completions = _rates(stage, typists, clients)
    latencies, rate = _typing(stage, typists)
    ratio = completions / autosaves
    return Table(
        "Drafts",
        COLUMNS,
        [
            ("completion", clients, "", completions, "", "", "", 1.0),
            ("autosave", clients, _statements(typists[0]), autosaves, "", "", "", ratio),
            (f"{TYPISTS} people typing", TYPISTS, "", rate, rate / TYPISTS, p50(latencies), p95(latencies), ratio),
        ],
        (
            f"Each of {TYPISTS} people saves every {SECONDS_BETWEEN} s, on a connection of their own; their times "
            "count from the moment when the request was due. The other rows are the most that is possible: the median "
            "of the rounds, in each of which both take turns. Ratio: how many completions (over REST) one autosave "
            f"costs. All that typing costs what {rate * ratio:.0f} completions a second do.",
        ),
    )


def _typists(database: psycopg.Connection) -> list[Typist]:
    """The first of the crowd, each signed in, with a run that is theirs."""
    users = get_user_model().objects.filter(username__startswith="person-").order_by("pk")[:TYPISTS]
    runs = data.waiting_runs(database, TYPISTS)
    assigned = "UPDATE usertasks_usertaskrun SET status = 'ASSIGNED', user_id = %s WHERE id = %s"
    for user, run in zip(users, runs, strict=True):
        database.execute(assigned, [user.username, run])
    return [Typist(user.username, _session_of(user), run) for user, run in zip(users, runs, strict=True)]


def _session_of(user: Any) -> str:
    """The cookie of somebody who has just signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def _statements(typist: Typist) -> int:
    """How many statements an autosave sends while somebody types on."""
    client = DjangoClient(SERVER_NAME=HOST)
    client.cookies["sessionid"] = typist.session
    with CaptureQueriesContext(connection) as captured:
        response = client.post(typist.path, typist.form())
    if response.status_code != 200:
        raise RuntimeError(f"The autosave was refused with {response.status_code}: {response.content[:500]!r}")
    return len(captured)


def _rates(stage: Stage, typists: Sequence[Typist], clients: int) -> tuple[float, float]:
    """(autosaves, completions) a second, `clients` at a time."""
    token = token_of(data.WORKER)
    rounds: list[tuple[float, float]] = []
    with ExitStack() as stack:
        database = stack.enter_context(stage.connect())
        completing = [stack.enter_context(stage.client_of(token)) for _ in range(clients)]
        typing = [(typist, stack.enter_context(typist.connect(stage))) for typist in typists[:clients]]
        for number in range(stage.options.rounds):
            tell(f"drafts: {clients} at a time, round {number + 1} of {stage.options.rounds}")
            runs = data.waiting_runs(database, stage.options.operations)
            if number % 2:
                saved = per_second(typing, runs, _save)
                rounds.append((saved, per_second(completing, runs, _complete)))
            else:
                completed = per_second(completing, runs, _complete)
                rounds.append((per_second(typing, runs, _save), completed))
    return statistics.median(pair[0] for pair in rounds), statistics.median(pair[1] for pair in rounds)


def _save(typing: tuple[Typist, Client], run: str) -> None:
    typist, client = typing
    typist.save(client)


def _complete(client: Client, run: str) -> None:
    client.post(f"{PAGE_OF_RUNS}{run}/complete/", COMPLETE)


def _typing(stage: Stage, typists: Sequence[Typist]) -> tuple[list[float], float]:
    """Milliseconds of each autosave, and autosaves a second, of everybody typing at their own pace."""
    tell(f"drafts: {TYPISTS} people type")
    pause = SECONDS_BETWEEN / TYPISTS
    begin = perf_counter() + 0.5

    def type_on(place: int) -> list[tuple[float, float]]:
        times: list[tuple[float, float]] = []
        with typists[place].connect(stage) as client:
            for due in range(place, stage.options.requests, TYPISTS):
                moment = begin + due * pause
                time.sleep(max(0.0, moment - perf_counter()))
                typists[place].save(client)
                times.append((moment, perf_counter()))
        return times

    with ThreadPoolExecutor(TYPISTS) as crowd:
        times = [pair for pairs in crowd.map(type_on, range(TYPISTS)) for pair in pairs]
    took = max(max(end for _, end in times) - begin, pause * len(times))
    return [(end - moment) * 1000 for moment, end in times], len(times) / took
