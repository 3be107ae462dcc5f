"""What became of a run, for whoever waits for it over HTTP. No test waits: the clock moves when a request sleeps."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from tests.api.conftest import Caller, MovingClock
from tests.cast import PASSWORD, a_definition, a_run, claimed_by, done_by
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.api import feed_shapes
from usertasks.api.waiting import LONGEST_PAUSE, Clock, room
from usertasks.models import UserTaskField, UserTaskRun

As = Callable[[User], Caller]
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}
OPEN = {"output": None, "failure": None}


def outcome(caller: Caller, run: UserTaskRun, query: str = "") -> Any:
    return caller.get(f"user-task-runs/{run.id.hex}/outcome/{query}")


def complete(run: UserTaskRun, user: User) -> Callable[[], UserTaskRun]:
    return lambda: operations.complete(run.id, RESULTS, by=actor_for(user))


def test_an_open_run_has_no_outcome_yet(as_: As, alice: User) -> None:
    for run, status in ((a_run(), "UNASSIGNED"), (claimed_by(alice), "ASSIGNED")):
        answer = outcome(as_(alice), run)
        assert (answer.status_code, answer.json()) == (202, {"status": status, **OPEN})
        assert answer["Retry-After"] == "1"


def test_the_output_of_a_done_run_has_a_key_for_every_field(as_: As, alice: User) -> None:
    fields = [UserTaskField(name="a", type="INT", required=False), UserTaskField(name="b", type="STR", required=False)]
    run = a_run(a_definition("form", fields), user_id="alice")
    operations.complete(run.id, {"b": "x"}, by=actor_for(alice))
    answer = outcome(as_(alice), run)
    assert answer.status_code == 200
    assert answer.json() == {"status": "DONE", "output": {"a": None, "b": "x"}, "failure": None}
    assert "Retry-After" not in answer


@pytest.mark.parametrize(
    ("name", "failure"),
    [(None, ("USER_TASK_CANCELLED", "ERROR")), ("too-late", ("too-late", "EXCEPTION"))],
)
def test_a_cancelled_run_fails_by_the_name_that_was_given(
    as_: As, mona: User, name: str | None, failure: tuple[str, str]
) -> None:
    run = a_run(on_cancellation_exception_name=name)
    operations.cancel(run.id, by=actor_for(mona))
    told = outcome(as_(mona), run).json()
    assert (told["status"], told["output"]) == ("CANCELLED", None)
    assert (told["failure"]["name"], told["failure"]["kind"]) == failure
    assert told["failure"]["message"]


def test_what_one_may_not_see_has_no_outcome(as_: As, charlie: User, alice: User, nobody: Caller) -> None:
    assert outcome(as_(charlie), done_by(alice), "?wait=30").json()["code"] == "not_found"
    assert as_(charlie).get(f"user-task-runs/{uuid.uuid4().hex}/outcome/").json()["code"] == "not_found"
    assert outcome(nobody, done_by(alice)).json()["code"] == "not_signed_in"


@pytest.mark.parametrize("wait", ["-1", "30.01", "31", "1e1", "nan", "inf", "ten", "5.", " 5", "+5", "9" * 400])
def test_a_wait_that_is_no_number_of_seconds_up_to_30_is_refused(as_: As, alice: User, wait: str) -> None:
    answer = as_(alice).client.get(
        f"/api/v1/user-task-runs/{a_run().id.hex}/outcome/", {"wait": wait}, headers=as_(alice).headers
    )
    assert (answer.status_code, answer.json()["code"], list(answer.json()["errors"])) == (
        400,
        "invalid_argument",
        ["wait"],
    )


@pytest.mark.parametrize("query", ["?wait=", "?wait=1&wait=1", "?waiting=1"])
def test_unknown_and_repeated_parameters_are_refused(as_: As, alice: User, query: str) -> None:
    assert outcome(as_(alice), a_run(), query).json()["code"] == "invalid_argument"


@pytest.mark.parametrize("wait", ["0", "0.0", "", "?"])
def test_without_a_wait_the_answer_comes_at_once(as_: As, alice: User, clock: MovingClock, wait: str) -> None:
    assert outcome(as_(alice), a_run(), f"?wait={wait}" if wait.startswith("0") else "").status_code == 202
    assert clock.pauses == []


def test_whoever_waits_is_told_as_soon_as_the_run_ends(as_: As, alice: User, clock: MovingClock) -> None:
    run = claimed_by(alice)
    clock.at(7.5, complete(run, alice))
    answer = outcome(as_(alice), run, "?wait=30")
    assert (answer.status_code, answer.json()["output"]) == (200, RESULTS)
    assert 7.5 <= clock.moment <= 7.5 + LONGEST_PAUSE


@pytest.mark.parametrize("wait", [0.05, 2.5, 30])
def test_the_time_is_over_when_it_is_over(as_: As, alice: User, clock: MovingClock, wait: float) -> None:
    assert outcome(as_(alice), a_run(), f"?wait={wait}").status_code == 202
    assert clock.moment == pytest.approx(wait)


def test_looks_become_rarer(as_: As, alice: User, clock: MovingClock) -> None:
    outcome(as_(alice), a_run(), "?wait=30")
    assert clock.pauses[0] == pytest.approx(0.1)
    assert clock.pauses[:-1] == sorted(clock.pauses[:-1])
    assert max(clock.pauses) == LONGEST_PAUSE


def test_who_may_no_longer_see_the_run_is_told_nothing_of_it(
    as_: As, alice: User, mona: User, clock: MovingClock
) -> None:
    run = a_run()
    clock.at(1, lambda: operations.assign(run.id, by=actor_for(mona), user_id="bob", override_claim=True))
    clock.at(3, lambda: operations.cancel(run.id, by=actor_for(mona)))
    assert outcome(as_(alice), run, "?wait=30").json()["code"] == "not_found"
    assert clock.moment < 3


def test_rights_that_are_taken_away_count_while_one_waits(as_: As, mona: User, clock: MovingClock) -> None:
    run = a_run()
    clock.at(1, mona.user_permissions.clear)
    assert outcome(as_(mona), run, "?wait=30").json()["code"] == "not_found"


def test_leaving_the_group_counts_while_one_waits(as_: As, alice: User, clock: MovingClock) -> None:
    run = a_run()
    clock.at(1, alice.groups.clear)
    assert outcome(as_(alice), run, "?wait=30").json()["code"] == "not_found"


@pytest.mark.parametrize(
    "ends",
    [
        lambda user: user.api_tokens.all().delete(),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: user.delete(),
    ],
    ids=["token taken away", "account closed", "account deleted"],
)
def test_who_is_shut_out_while_waiting_is_not_told(as_: As, alice: User, clock: MovingClock, ends: Any) -> None:
    clock.at(1, lambda: ends(alice))
    answer = outcome(as_(alice), a_run(), "?wait=30")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert clock.moment < 3


def test_a_browser_may_wait_too(as_: As, alice: User, clock: MovingClock) -> None:
    run = claimed_by(alice)
    caller = Caller(None)
    assert caller.client.login(username="alice", password=PASSWORD)
    clock.at(1, complete(run, alice))
    assert outcome(caller, run, "?wait=5").status_code == 200


def test_who_finds_no_place_to_wait_is_answered_at_once(
    as_: As, alice: User, clock: MovingClock, settings: Settings
) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "MAX_WAITERS": 2}
    run, caller, answers = claimed_by(alice), as_(alice), dict[str, Any]()

    def ask(name: str) -> Callable[[], None]:
        return lambda: answers.update({name: (outcome(caller, run, "?wait=30"), clock.moment)})

    clock.at(0.1, ask("second"))
    clock.at(0.3, ask("third"))
    clock.at(5, complete(run, alice))
    assert outcome(caller, run, "?wait=30").status_code == 200
    assert answers["second"][0].status_code == 200
    third, moment = answers["third"]
    assert (third.status_code, third["Retry-After"]) == (202, "1")
    assert moment < 1


def test_a_place_is_free_again_after_a_refusal(
    as_: As, alice: User, mona: User, clock: MovingClock, settings: Settings
) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "MAX_WAITERS": 1}
    clock.at(1, alice.groups.clear)
    run = a_run()
    assert outcome(as_(alice), run, "?wait=30").status_code == 404
    clock.pauses.clear()
    assert outcome(as_(mona), run, "?wait=1").status_code == 202
    assert clock.pauses


def test_a_look_costs_the_same_however_long_one_waits(
    as_: As, alice: User, clock: MovingClock, django_assert_num_queries: Any
) -> None:
    run, caller = a_run(), as_(alice)
    outcome(caller, run)  # the first use of a token is written down
    with django_assert_num_queries(2):  # the token and the rights, the run
        outcome(caller, run)
    pauses = len(_pauses_of(caller, run, clock))
    with django_assert_num_queries(2 + 2 * pauses):
        outcome(caller, run, "?wait=10")


def _pauses_of(caller: Caller, run: UserTaskRun, clock: MovingClock) -> list[float]:
    clock.pauses.clear()
    outcome(caller, run, "?wait=10")
    return list(clock.pauses)


class Watching(Clock):
    """The real clock, which notes whether whoever sleeps holds a connection."""

    def __init__(self) -> None:
        self.held: list[bool] = []
        self.has_sleepers = Event()

    def sleep(self, seconds: float) -> None:
        self.held.append(connection.connection is not None)
        self.has_sleepers.set()
        super().sleep(seconds)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_waits_holds_no_connection_and_sees_what_another_one_commits(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, watching, caller = claimed_by(alice), Watching(), Caller(alice)
    monkeypatch.setattr(room, "clock", watching)

    def complete_elsewhere() -> None:
        watching.has_sleepers.wait(10)
        try:
            operations.complete(run.id, RESULTS, by=actor_for(alice))
        finally:
            connection.close()

    thread = Thread(target=complete_elsewhere)
    thread.start()
    answer = outcome(caller, run, "?wait=20")
    thread.join()
    assert (answer.status_code, answer.json()["output"]) == (200, RESULTS)
    assert set(watching.held) == {False}


def test_the_outcome_has_the_keys_that_are_described(as_: As, alice: User) -> None:
    assert list(outcome(as_(alice), done_by(alice)).json()) == list(feed_shapes.Outcome().fields)
