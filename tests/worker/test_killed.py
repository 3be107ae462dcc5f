"""Workers are killed at the worst moments, again and again: nothing is lost, done twice or stuck."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from tests.cast import FINANCE, a_definition, a_run
from tests.worker.mortals import Mortal, context
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.deliveries import Deliveries
from usertasks.models import (
    ArmedHook,
    Delivery,
    DeliveryState,
    EventType,
    HookAction,
    HookState,
    UserTaskEvent,
    UserTaskRun,
    WebhookEndpoint,
)
from usertasks.worker import TaskHooks, work_off

DEATHS = 50
RUNS_PER_DEATH = 4
SHORTEST, LONGEST = 0.02, 0.25
"""Seconds between two deaths."""
ACTIONS = [
    {"hook": "ON_ARRIVAL", "delay_seconds": 0, "task": {"task_def_name": "send-reminder", "variables": {}}},
    {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 1, "reassign": {"user_group": FINANCE}},
    {"hook": "ON_ARRIVAL", "delay_seconds": 3, "cancel": {}},
]


class Received:
    """What came to a receiver on loopback: (run, number of the event) in the order of arrival."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, int]] = []
        received = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                received.messages.append((body["data"]["run"]["id"], body["data"]["event"]["number"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def received() -> Iterator[Received]:
    taken = Received()
    thread = threading.Thread(target=taken.server.serve_forever, daemon=True)
    thread.start()
    yield taken
    taken.server.shutdown()
    taken.server.server_close()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_fifty_deaths_lose_nothing_and_do_nothing_twice(received: Received, admin: User, mona: User) -> None:
    a_definition()
    WebhookEndpoint.objects.create(owner=admin, url=received.url)
    _live_and_die(Random(50), mona)
    work_off([TaskHooks(), Deliveries()], timezone.now() + timedelta(hours=2))
    _assert_every_hook_was_settled_once()
    _assert_every_event_was_delivered_in_order(received.messages)


def _live_and_die(chance: Random, mona: User) -> None:
    origin, database = context(), str(connection.settings_dict["NAME"])
    workers = [Mortal.born(origin, database) for _ in range(2)]
    for _ in range(DEATHS):
        for run in [a_run(user_id="alice", actions=ACTIONS) for _ in range(RUNS_PER_DEATH)][::2]:
            operations.assign(run.id, by=actor_for(mona), user_id="bob", override_claim=True)
        time.sleep(chance.uniform(SHORTEST, LONGEST))
        workers.pop(chance.randrange(2)).kill()
        workers.append(Mortal.born(origin, database))
    for worker in workers:
        worker.kill()


def _assert_every_hook_was_settled_once() -> None:
    assert UserTaskRun.objects.count() == DEATHS * RUNS_PER_DEATH
    assert not ArmedHook.objects.armed().exists()
    fired = Counter(ArmedHook.objects.filter(state=HookState.FIRED).values_list("action", flat=True))
    assert fired[HookAction.TASK] == UserTaskEvent.objects.filter(type=EventType.TASK_EXECUTED).count()
    assert fired[HookAction.CANCEL] == UserTaskEvent.objects.filter(type=EventType.CANCELLED).count()
    by_timers = UserTaskEvent.objects.filter(type=EventType.ASSIGNED, data__has_key="hook")
    assert fired[HookAction.REASSIGN] == by_timers.count()
    assert min(fired.values()) > 0


def _assert_every_event_was_delivered_in_order(messages: list[tuple[str, int]]) -> None:
    assert not Delivery.objects.exclude(state=DeliveryState.DELIVERED).exists()
    assert not UserTaskEvent.objects.unpublished().exists()
    first = list(dict.fromkeys(messages))
    assert len(first) == UserTaskEvent.objects.count()
    numbers = defaultdict(list)
    for run, number in first:
        numbers[run].append(number)
    assert all(told == list(range(1, len(told) + 1)) for told in numbers.values())
