"""`claim-next/`, `count/`, `snooze/` and `wake/`: going from one run to the next by program."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.api.conftest import Caller
from tests.cast import FINANCE, a_definition, a_run, claimed_by
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import Snooze, Status

As = Callable[[User], Caller]

NEXT, COUNT = "user-task-runs/claim-next/", "user-task-runs/count/"


def at(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_claim_next_gives_the_most_urgent_and_204_in_the_end(as_: As, alice: User) -> None:
    definition = a_definition()
    low, high = a_run(definition, priority=10), a_run(definition, priority=90)
    a_run(definition, user_group="it")
    answers = [as_(alice).post(NEXT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 204]
    assert [answer.json()["id"] for answer in answers[:2]] == [high.id.hex, low.id.hex]
    assert (answers[0].json()["user_id"], answers[0].headers["ETag"]) == ("alice", '"2"')
    assert answers[0].json()["status"] == Status.ASSIGNED
    assert answers[2].content == b""


def test_claim_next_within_a_group(as_: As, alice: User) -> None:
    run = a_run()
    assert as_(alice).post(NEXT, {"user_group": "it"}).status_code == 204
    assert as_(alice).post(NEXT, {"user_group": None}).json()["id"] == run.id.hex
    other = a_run()
    assert as_(alice).post(NEXT, {"user_group": FINANCE}).json()["id"] == other.id.hex


@pytest.mark.parametrize(
    "body", [{"user_group": ""}, {"user_group": 3}, {"user_group": "a\0"}, {"user_id": "bob"}, {"limit": 1}]
)
def test_claim_next_refuses_what_it_does_not_know(as_: As, alice: User, body: Any) -> None:
    run = a_run()
    answer = as_(alice).post(NEXT, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    run.refresh_from_db()
    assert run.status == Status.UNASSIGNED


def test_count_equals_the_length_of_the_list(as_: As, alice: User, mona: User) -> None:
    definition = a_definition()
    for _ in range(3):
        a_run(definition)
    claimed_by(alice, definition=definition)
    a_run(definition, user_group="it", notes="red")
    queries = ["", "status=UNASSIGNED", "status=UNASSIGNED&status=ASSIGNED", "text=red", "overdue=true", "sort=due"]
    for user in (alice, mona):
        for query in queries:
            listed = as_(user).get(f"user-task-runs/?{query}").json()["results"]
            answer = as_(user).get(f"{COUNT}?{query}")
            assert (answer.status_code, answer.json()) == (200, {"count": len(listed)}), query


@pytest.mark.parametrize("query", ["limit=1", "cursor=x", "sort=x", "status=", "colour=red", "text=%20"])
def test_count_refuses_what_is_no_filter(as_: As, alice: User, query: str) -> None:
    answer = as_(alice).get(f"{COUNT}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


def test_snooze_and_wake_tell_the_caller_alone(as_: As, alice: User, bob: User) -> None:
    run, until = a_run(), at(1)
    path = f"user-task-runs/{run.id.hex}/"
    answer = as_(alice).post(path + "snooze/", {"until": until})
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json()["snoozed_until"]) == datetime.fromisoformat(until)
    assert (answer.json()["version"], answer.headers["ETag"]) == (1, '"1"')
    assert as_(bob).get(path).json()["snoozed_until"] is None
    assert as_(alice).get(f"{COUNT}?snoozed=true").json() == {"count": 1}
    assert as_(alice).get(f"{COUNT}?snoozed=false").json() == {"count": 0}
    assert as_(bob).get(f"{COUNT}?snoozed=true").json() == {"count": 0}
    for _ in range(2):
        answer = as_(alice).post(path + "wake/")
        assert (answer.status_code, answer.json()["snoozed_until"]) == (200, None)
    assert not Snooze.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"until": "tomorrow"}, "invalid"),
        ({"until": None}, "wrong_type"),
        ({"until": 5}, "wrong_type"),
        ({"until": "2020-01-01T00:00:00Z"}, "out_of_range"),
        ({"until": "9999-12-31T23:59:59Z"}, "out_of_range"),
        ({"until": "2030-01-01T00:00:00"}, "invalid"),
    ],
)
def test_a_time_that_makes_no_sense_is_named(as_: As, alice: User, body: Any, code: str) -> None:
    answer = as_(alice).post(f"user-task-runs/{a_run().id.hex}/snooze/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert [fault["code"] for fault in answer.json()["errors"]["until"]] == [code]


def test_what_one_does_not_see_or_is_over_is_not_put_off(as_: As, alice: User, charlie: User, mona: User) -> None:
    run = a_run()
    path, body = f"user-task-runs/{run.id.hex}/", {"until": at(1)}
    assert as_(charlie).post(path + "snooze/", body).status_code == 404
    assert as_(charlie).post(path + "wake/").status_code == 404
    operations.cancel(run.id, by=actor_for(mona))
    answer = as_(alice).post(path + "snooze/", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert as_(alice).post(path + "wake/").status_code == 200


def test_nobody_is_given_anything(nobody: Caller) -> None:
    run = a_run()
    paths = (NEXT, f"user-task-runs/{run.id.hex}/snooze/", f"user-task-runs/{run.id.hex}/wake/")
    assert {nobody.post(path).status_code for path in paths} == {401}
    assert nobody.get(COUNT).status_code == 401
