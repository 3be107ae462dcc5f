"""Appointing and dismissing leads: the role comes with the first group and goes with the last."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.cast import FINANCE, a_run, a_user
from usertasks.actors import actor_for
from usertasks.errors import InvalidArgument
from usertasks.leads import appoint, dismiss, follow_the_leads
from usertasks.models import GroupLead
from usertasks.rules import Action, decide

pytestmark = pytest.mark.django_db


def test_who_is_appointed_moves_the_runs_of_the_group(charlie: User) -> None:
    assert not decide(Action.ASSIGN, a_run(), actor_for(charlie)).allowed
    appoint("charlie", FINANCE)
    assert actor_for(charlie).leads == {FINANCE}
    assert decide(Action.ASSIGN, a_run(), actor_for(charlie)).reason == "group_lead"
    assert not decide(Action.ASSIGN, a_run(user_group="it2"), actor_for(charlie)).allowed


def test_the_role_goes_with_the_last_group(charlie: User) -> None:
    for group in (FINANCE, "legal", FINANCE):
        appoint("charlie", group)
    assert GroupLead.objects.count() == 2
    dismiss("charlie", FINANCE)
    assert actor_for(charlie).leads == {"legal"}
    dismiss("charlie", "legal")
    assert actor_for(charlie).leads == frozenset()
    assert not charlie.groups.filter(name="lead").exists()


def test_who_was_not_appointed_keeps_what_they_have(db: None) -> None:
    lena = a_user("lena", groups=["lead"])
    dismiss("lena", FINANCE)
    assert lena.groups.filter(name="lead").exists()


def test_an_account_that_comes_later_gets_the_role(db: None) -> None:
    appoint("lena", FINANCE)
    lena = a_user("lena")
    assert actor_for(lena).leads == frozenset()
    follow_the_leads("lena")
    assert actor_for(lena).leads == {FINANCE}


@pytest.mark.parametrize(("user", "group"), [("", FINANCE), ("charlie", " "), ("a\0b", FINANCE), ("x" * 256, FINANCE)])
def test_names_that_cannot_be_stored_are_refused(charlie: User, user: str, group: str) -> None:
    with pytest.raises(InvalidArgument):
        appoint(user, group)
