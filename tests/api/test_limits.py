"""How often one caller may call the REST API, and how often a token may fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.api.conftest import API, Caller, MovingClock
from tests.cast import PASSWORD, a_run, claimed_by
from tests.issuers import Issuer
from usertasks import limits

As = Callable[[User], Caller]
WRONG = "Bearer ut_wrong"


class Clock:
    moment = 0.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture(autouse=True)
def time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Three calls at once, and one every other second; three wrong tokens a minute. Time stands still."""
    settings.API_RATE, settings.API_BURST, settings.API_FAILED_RATE = 0.5, 3, 3
    settings.LOCAL_PASSWORDS = False
    clock = Clock()
    for buckets in (limits.callers, limits.failures):
        monkeypatch.setattr(buckets, "clock", clock)
    limits.forget_everything()
    yield clock
    limits.forget_everything()


def statuses(call: Callable[[], Any], times: int) -> list[int]:
    return [call().status_code for _ in range(times)]


def test_a_caller_who_calls_too_often_is_told_when_to_go_on(as_: As, alice: User, bob: User, time: Clock) -> None:
    caller = as_(alice)
    assert statuses(lambda: caller.get("user-task-runs/"), 5) == [200, 200, 200, 429, 429]
    refused = caller.get("user-task-runs/")
    assert (refused.json()["code"], refused.json()["status"]) == ("throttled", 429)
    assert refused["Content-Type"] == "application/problem+json"
    assert refused["Retry-After"] == "2"
    time.moment = 0.7
    assert caller.get("user-task-runs/")["Retry-After"] == "2"
    assert as_(bob).get("user-task-runs/").status_code == 200
    time.moment = 2
    assert statuses(lambda: caller.get("user-task-runs/"), 2) == [200, 429]


def test_tokens_and_the_session_of_one_person_count_together(as_: As, alice: User) -> None:
    browser = Client()
    browser.login(username="alice", password=PASSWORD)
    assert statuses(lambda: as_(alice).get("user-task-runs/"), 2) == [200, 200]
    assert statuses(lambda: browser.get(f"{API}user-task-runs/"), 2) == [200, 429]
    assert browser.get("/inbox/").status_code == 200


def test_a_refused_call_changes_nothing(as_: As, alice: User) -> None:
    caller, run = as_(alice), a_run()
    statuses(lambda: caller.get("user-task-runs/"), 3)
    assert caller.post(f"user-task-runs/{run.id.hex}/claim/").status_code == 429
    run.refresh_from_db()
    assert run.user_id is None


def test_a_call_that_waits_is_one_call(as_: As, alice: User, clock: MovingClock) -> None:
    caller, run = as_(alice), claimed_by(alice)
    assert caller.get(f"user-task-runs/{run.id.hex}/outcome/?wait=30").status_code == 202
    assert len(clock.pauses) > 10
    assert statuses(lambda: caller.get("user-task-runs/"), 3) == [200, 200, 429]


def test_wrong_tokens_of_one_address_are_refused_with_another_word_after_a_while(nobody: Caller, time: Clock) -> None:
    assert statuses(lambda: nobody.get("user-task-runs/", Authorization=WRONG), 5) == [401, 401, 401, 429, 429]
    refused = nobody.get("user-task-runs/", Authorization=WRONG)
    assert (refused.json()["code"], refused["Retry-After"]) == ("throttled", "20")
    time.moment = 20
    assert statuses(lambda: nobody.get("user-task-runs/", Authorization=WRONG), 2) == [401, 429]


def test_after_too_many_wrong_tokens_they_are_not_even_looked_up(
    nobody: Caller, django_assert_num_queries: Callable[[int], Any]
) -> None:
    statuses(lambda: nobody.get("user-task-runs/", Authorization=WRONG), 3)
    with django_assert_num_queries(0):
        assert nobody.get("user-task-runs/", Authorization=WRONG).status_code == 429


def test_who_was_let_in_before_does_not_suffer_from_a_neighbour(
    nobody: Caller, as_: As, alice: User, bob: User, issuer: Issuer
) -> None:
    known, unknown = as_(alice), as_(bob)
    assert known.get("user-task-runs/").status_code == 200
    statuses(lambda: nobody.get("user-task-runs/", Authorization=WRONG), 3)
    assert known.get("user-task-runs/").status_code == 200
    assert unknown.get("user-task-runs/").status_code == 429
    new = issuer.token(preferred_username="carol")
    assert nobody.get("user-task-runs/", Authorization=f"Bearer {new}").status_code == 200


def test_a_token_that_was_revoked_counts_like_any_other_that_is_not_valid(as_: As, alice: User) -> None:
    caller = as_(alice)
    assert caller.get("user-task-runs/").status_code == 200
    alice.is_active = False
    alice.save()
    assert statuses(lambda: caller.get("user-task-runs/"), 4) == [401, 401, 401, 429]


def test_tokens_of_the_issuer_that_are_not_valid_count_as_well(nobody: Caller, issuer: Issuer, alice: User) -> None:
    wrong = f"Bearer {issuer.token(aud='other')}"
    assert statuses(lambda: nobody.get("user-task-runs/", Authorization=wrong), 4) == [401, 401, 401, 429]


def test_calls_without_a_token_and_the_description_are_not_counted(nobody: Caller) -> None:
    assert statuses(lambda: nobody.get("user-task-runs/"), 10) == [401] * 10
    assert statuses(lambda: nobody.get("docs/"), 5) == [200] * 5


def test_limits_can_be_switched_off(nobody: Caller, as_: As, alice: User, settings: Any) -> None:
    settings.API_RATE = settings.API_FAILED_RATE = 0
    caller = as_(alice)
    assert statuses(lambda: caller.get("user-task-runs/"), 10) == [200] * 10
    assert statuses(lambda: nobody.get("user-task-runs/", Authorization=WRONG), 10) == [401] * 10
