"""Tokens, substitutes and leads that are changed from several places at the same moment."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.races.crowd import at_once, codes
from usertasks.actors import actor_for
from usertasks.leads import appoint, dismiss
from usertasks.models import ApiToken, Substitution
from usertasks.substitutions import name_substitute
from usertasks.tokens import MAX_LIVE, issue_token

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_a_form_that_is_sent_twice_at_once_makes_one_token(alice: User) -> None:
    by, now = actor_for(alice), timezone.now()
    answers = at_once([lambda: issue_token("alice", by=by, now=now, name="report")] * 6)
    assert Counter(codes(answers)) == {"done": 1, "invalid_argument": 5}
    assert ApiToken.objects.count() == 1


def test_nobody_gets_past_the_limit_in_a_crowd(alice: User) -> None:
    by, now = actor_for(alice), timezone.now()
    for _ in range(MAX_LIVE - 2):
        ApiToken.objects.issue(alice)
    answers = at_once([lambda: issue_token("alice", by=by, now=now)] * 6)
    assert Counter(codes(answers)) == {"done": 2, "invalid_argument": 4}


def test_the_same_substitute_is_named_once(alice: User, bob: User) -> None:
    by, now = actor_for(alice), timezone.now()
    until = now + timedelta(days=7)
    answers = at_once(
        [lambda: name_substitute("alice", "bob", by=by, now=now, starts_at=now, ends_at=until)] * 6
    )  # fmt: skip
    assert Counter(codes(answers)) == {"done": 1, "invalid_argument": 5}
    assert Substitution.objects.count() == 1


def test_a_lead_whose_groups_all_go_at_once_loses_the_role(charlie: User) -> None:
    groups = [f"group-{number}" for number in range(6)]
    for group in groups:
        appoint("charlie", group)
    at_once([lambda group=group: dismiss("charlie", group) for group in groups])  # type: ignore[misc]
    assert not charlie.groups.filter(name="lead").exists()
