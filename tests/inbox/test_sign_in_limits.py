"""Guessing passwords is slow: how often a name may be tried, from where, and how nobody is locked out by others."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from inbox.models import SignInAttempt
from inbox.sign_in_limits import attempt_of
from tests.cast import PASSWORD, claimed_by
from tests.inbox.pages import signed_in, task_url
from usertasks.errors import Throttled

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
PERIOD = timedelta(minutes=15)
pytestmark = pytest.mark.django_db


@pytest.fixture
def now(settings: Settings) -> datetime:
    settings.SIGN_IN_FAILURES, settings.SIGN_IN_FAILURES_PER_ADDRESS = 3, 5
    return timezone.now()


def attempts(name: str, address: str | None, now: datetime, times: int) -> int:
    """Try so often, a second apart; how often it was let through."""
    through = 0
    for second in range(times):
        try:
            attempt_of(name, address, now + timedelta(seconds=second)).begin()
        except Throttled:
            continue
        through += 1
    return through


def test_a_name_may_be_tried_a_few_times_from_one_address_and_then_again_later(now: datetime) -> None:
    assert attempts("alice", HERE, now, 10) == 3
    with pytest.raises(Throttled) as refused:
        attempt_of("alice", HERE, now + timedelta(minutes=5)).begin()
    assert refused.value.retry_after == 600
    # Each becomes free as it grows old, and waiting is not made longer by trying.
    assert attempts("alice", HERE, now + PERIOD, 10) == 3


def test_however_it_is_spelled_it_is_the_same_name(now: datetime) -> None:
    spellings = ["alice", "ALICE", " alice", "alice\0", "Alice", "\uff41lice", "ali\uff43e"]
    assert sum(attempts(name, HERE, now, 1) for name in spellings) == 3


def test_nobody_is_locked_out_at_another_address(now: datetime) -> None:
    assert attempts("alice", HERE, now, 10) == 3
    assert attempts("alice", ELSEWHERE, now, 10) == 3


def test_an_address_may_try_only_so_many_names(now: datetime) -> None:
    names = [f"user-{number}" for number in range(20)]
    assert sum(attempts(name, HERE, now, 1) for name in names) == 5
    assert attempts("user-0", ELSEWHERE, now, 1) == 1


def test_addresses_of_one_ipv6_customer_are_one(now: datetime) -> None:
    assert sum(attempts("alice", f"2001:db8::{last:x}", now, 1) for last in range(1, 9)) == 3
    assert attempts("alice", "2001:db8:0:1::1", now, 1) == 1


def test_a_name_that_is_tried_from_everywhere_is_slowed_down_and_not_locked(now: datetime) -> None:
    assert sum(attempts("alice", f"192.0.2.{last}", now, 1) for last in range(1, 31)) == 30
    moment = now + timedelta(seconds=30)
    assert attempts("alice", ELSEWHERE, moment, 10) == 2
    assert attempts("alice", ELSEWHERE, moment + timedelta(minutes=2), 1) == 1
    assert attempts("bob", ELSEWHERE, moment, 1) == 1


def test_the_right_password_forgets_what_failed_at_that_address(now: datetime) -> None:
    attempts("alice", HERE, now, 2)
    attempts("bob", HERE, now, 1)
    attempt = attempt_of("alice", HERE, now + timedelta(seconds=9))
    attempt.begin()
    attempt.succeed()
    assert attempts("alice", HERE, now + timedelta(seconds=10), 10) == 2  # the address has failed three times before


def test_nothing_is_kept_longer_than_it_counts_nor_can_be_read(now: datetime) -> None:
    attempts("alice", HERE, now, 1)
    assert not any("alice" in row.key or HERE in row.key for row in SignInAttempt.objects.all())
    attempts("bob", ELSEWHERE, now + PERIOD, 1)
    assert SignInAttempt.objects.count() == 3


def sign_in(client: Client, password: str, **more: Any) -> Any:
    return client.post("/sign-in/", {"username": "alice", "password": password, **more})


def test_whoever_guesses_waits_even_with_the_right_password(now: datetime, alice: User) -> None:
    client = Client()
    assert [sign_in(client, "guess").status_code for _time in range(4)] == [200, 200, 200, 429]
    response = sign_in(client, PASSWORD)
    assert (response.status_code, 890 <= int(response["Retry-After"]) <= 900) == (429, True)
    html = response.content.decode()
    assert ('value="alice"' in html, PASSWORD in html) == (True, False)
    assert sign_in(Client(REMOTE_ADDR=ELSEWHERE), PASSWORD).status_code == 302


def test_whoever_remembers_the_password_in_time_begins_anew(now: datetime, alice: User) -> None:
    for _time in range(2):
        statuses = [sign_in(Client(), password).status_code for password in ("guess", "guess", PASSWORD)]
        assert statuses == [200, 200, 302]


def test_behind_a_proxy_the_address_is_the_one_that_it_saw(now: datetime, alice: User, settings: Settings) -> None:
    settings.BEHIND_PROXY = True
    for number in range(9):
        sign_in(Client(headers={"X-Forwarded-For": f"203.0.113.{number}, {HERE}"}), "guess")
    assert sign_in(Client(headers={"X-Forwarded-For": HERE}), PASSWORD).status_code == 429
    assert sign_in(Client(headers={"X-Forwarded-For": ELSEWHERE}), PASSWORD).status_code == 302


def test_what_was_typed_waits_with_them(now: datetime, alice: User) -> None:
    run, client = claimed_by(alice), Client()
    form = {
        "username": "alice",
        "version": str(run.version),
        "action": "save_progress",
        "results-justification": "mine",
    }
    typed = client.post(task_url(run), form).context["typed"].to_text()
    for _time in range(4):
        response = sign_in(client, "guess", typed=typed, next=task_url(run))
    assert (response.status_code, response.context["typed"].to_text()) == (429, typed)
    assert response.context["next"] == task_url(run)


def test_no_log_says_what_was_typed(now: datetime, alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for _time in range(5):
        Client().post("/sign-in/", {"username": "hunter2-by-mistake", "password": "correct-guess"})
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert ("hunter2" in logged, "correct-guess" in logged) == (False, False)


def test_a_form_that_is_not_filled_in_is_no_guess(now: datetime) -> None:
    for _time in range(9):
        assert Client().post("/sign-in/", {"username": "alice", "password": ""}).status_code == 200


def test_whoever_guesses_the_old_password_waits_as_well(now: datetime, admin: User, settings: Settings) -> None:
    client = signed_in(admin)
    guess = {"old_password": "wrong", "new_password1": "correct battery", "new_password2": "correct battery"}
    answers = [client.post("/admin/password_change/", guess) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    settings.LOCAL_PASSWORDS = False
    assert client.get("/admin/password_change/").status_code == 403
