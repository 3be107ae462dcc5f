"""Ten people want their next task at the same moment: each is given one, none is given twice, and nobody waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import pytest
from django.db import connection, transaction

from tests.cast import FINANCE, a_run, a_user
from tests.inbox.pages import signed_in
from tests.test_parity import copies_of
from usertasks.actors import Actor
from usertasks.models import Status, UserTaskEvent, UserTaskRun
from usertasks.operations import claim_next

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

PEOPLE, ROUNDS = 10, 100
SECRET = "a" * 32
"""What a browser has been given to show that a form is of ours."""


def person(number: int) -> Actor:
    return Actor(f"person-{number}", groups=frozenset({FINANCE}))


def waiting(count: int) -> None:
    run = a_run(priority=90)
    copies_of(run, count - 1)


def pressed_by_all(rounds: int, press: Callable[[int], Any]) -> list[list[Any]]:
    """What each was given in each round; all of them press at the same moment."""
    start = Barrier(PEOPLE, timeout=60)

    def press_again_and_again(number: int) -> list[Any]:
        given = []
        for _ in range(rounds):
            start.wait()
            given.append(press(number))
            connection.close()
        return given

    with ThreadPoolExecutor(PEOPLE) as threads:
        return list(threads.map(press_again_and_again, range(PEOPLE)))


def assert_each_was_given_once(given: list[list[UUID]]) -> None:
    owners = {run_id: f"person-{number}" for number, ids in enumerate(given) for run_id in ids}
    assert len(owners) == sum(map(len, given))
    assert dict(UserTaskRun.objects.values_list("id", "user_id")) == owners
    assert not UserTaskRun.objects.exclude(status=Status.ASSIGNED).exists()
    events = Counter(UserTaskEvent.objects.values_list("run_id", "type"))
    assert events == Counter({(run_id, kind): 1 for run_id in owners for kind in ("created", "assigned")})


def test_ten_people_a_hundred_times_take_a_thousand_tasks_and_none_twice() -> None:
    waiting(PEOPLE * ROUNDS)

    def press(number: int) -> UUID | None:
        run = claim_next(by=person(number))
        return run.id if run else None

    given = pressed_by_all(ROUNDS, press)
    assert [ids.count(None) for ids in given] == [0] * PEOPLE
    assert_each_was_given_once(given)
    assert claim_next(by=person(0)) is None


def test_nobody_waits_for_another() -> None:
    """While somebody is still taking the most urgent one, the others are given what comes next."""
    waiting(3)

    def press(number: int) -> UUID | None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")
            run = claim_next(by=person(number))
            return run.id if run else None
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as thread:
        first = claim_next(by=person(0))
        others = [thread.submit(press, number).result() for number in (1, 2, 3)]
    assert first is not None
    assert len({first.id, *others}) == 4
    assert others[2] is None


def test_ten_browsers_at_once_are_each_led_to_a_task_of_their_own(live_server: Any) -> None:
    rounds = 5
    people = [a_user(f"person-{number}", groups=[FINANCE]) for number in range(PEOPLE)]
    sessions = [signed_in(user).cookies["sessionid"].value for user in people]
    waiting(PEOPLE * rounds)

    def press(number: int) -> UUID:
        browser = HTTPConnection(urlsplit(live_server.url).netloc, timeout=60)
        headers = {
            "Cookie": f"sessionid={sessions[number]}; csrftoken={SECRET}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        browser.request("POST", "/inbox/next/", urlencode({"csrfmiddlewaretoken": SECRET}), headers)
        answer = browser.getresponse()
        assert answer.status == 302
        browser.close()
        return UUID(urlsplit(answer.headers["Location"]).path.split("/")[3])

    assert_each_was_given_once(pressed_by_all(rounds, press))
