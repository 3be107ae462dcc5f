"""Many who sign in at once: guesses are counted all the same, and an account belongs to one subject of the provider."""

from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from inbox.sign_in_limits import attempt_of
from inbox.single_sign_on import account_of_subject
from tests.races.crowd import at_once, codes
from usertasks.accounts import Identity

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
ALICE = Identity("alice", frozenset({"finance", "it"}), "alice@acme.example")


def test_guessing_at_once_gives_no_more_guesses() -> None:
    attempt = attempt_of("alice", "192.0.2.1", timezone.now())
    answers = codes(at_once([attempt.begin] * 40))
    assert set(answers) <= {"done", "throttled"}
    assert answers.count("done") <= 10


def test_two_tabs_that_come_back_at_once_are_one_person(settings: Settings) -> None:
    settings.OIDC_SERVER_URL = "https://id.example"
    accounts = at_once([lambda: account_of_subject("a-1", ALICE)] * 8)
    assert {account.pk for account in accounts} == {User.objects.get().pk}
    assert set(User.objects.get().groups.values_list("name", flat=True)) == {"finance", "it"}


def test_of_those_who_are_called_alike_the_first_gets_the_account(settings: Settings) -> None:
    settings.OIDC_SERVER_URL = "https://id.example"
    subjects = [f"a-{number}" for number in range(8)]
    calls = [lambda subject=subject: account_of_subject(subject, ALICE) for subject in subjects]
    assert sorted(codes(at_once(calls))) == ["done"] + ["not_allowed"] * 7
    assert SocialAccount.objects.count() == 1
