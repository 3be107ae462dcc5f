"""Who acts is read in one statement of our own; it says what Django's backends say."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User

from tests.cast import FINANCE, MANAGING, a_user
from usertasks.actors import Actor, actor_for
from usertasks.backends import AccountBackend
from usertasks.models import Preferences

LENIENT = "tests.test_actors.LenientBackend"


class LenientBackend(ModelBackend):
    """A deployment's own idea of who may do what."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return {"usertasks.override_claim"}


def asked_of_django(user: User) -> Actor:
    """The same, by the roundabout way."""
    fresh = User.objects.get(pk=user.pk)
    return Actor(
        fresh.username,
        frozenset(group.name for group in fresh.groups.all()),
        frozenset(
            name.removeprefix("usertasks.") for name in fresh.get_all_permissions() if name.startswith("usertasks.")
        ),
    )


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


@pytest.mark.parametrize("name", ["alice", "charlie", "mona", "service", "admin"])
def test_an_actor_has_the_groups_and_permissions_that_django_tells(name: str, request: pytest.FixtureRequest) -> None:
    user: User = request.getfixturevalue(name)
    assert actor_for(user) == asked_of_django(user)


def test_permissions_come_from_groups_too_and_once(alice: User) -> None:
    Group.objects.get(name=FINANCE).permissions.add(permission("view_usertaskrun"), permission("view_user"))
    alice.user_permissions.add(permission("view_usertaskrun"), permission("add_usertaskrun"))
    assert actor_for(alice) == Actor("alice", frozenset({FINANCE}), frozenset({"view_usertaskrun", "add_usertaskrun"}))
    assert actor_for(alice) == asked_of_django(alice)


def test_a_group_whose_name_is_odd_stays_whole(db: None) -> None:
    odd = "a, b'; 100% %s"
    assert actor_for(a_user("dora", groups=[odd])).groups == {odd}


def test_someone_who_left_holds_nothing(db: None) -> None:
    left = a_user("eve", groups=[FINANCE], permissions=MANAGING, is_active=False)
    assert actor_for(left) == Actor("eve", frozenset({FINANCE}))


def test_a_backend_with_its_own_opinion_is_asked(alice: User, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [LENIENT]
    assert actor_for(alice).permissions == {"override_claim"}


def test_an_actor_costs_one_query(mona: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        actor_for(mona)


def account_of(user: User) -> Any:
    return AccountBackend().get_user(user.pk)


@pytest.mark.parametrize("name", ["alice", "charlie", "mona", "service", "admin"])
def test_the_account_of_a_session_is_the_one_of_the_table(name: str, request: pytest.FixtureRequest) -> None:
    user: User = request.getfixturevalue(name)
    found = account_of(user)
    for field in User._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(user, field.attname), field.attname
    assert found.get_session_auth_hash() == user.get_session_auth_hash()
    assert actor_for(found) == actor_for(user)


def test_a_session_costs_one_statement_with_grants_and_preferences(mona: User, django_assert_num_queries: Any) -> None:
    Preferences.objects.create(user_id=mona.username, language="de", time_zone="Europe/Berlin", has_shortcuts=False)
    expected = actor_for(mona)
    with django_assert_num_queries(1):
        found = account_of(mona)
        chosen = found.preferences_at_hand
        assert (chosen.language, chosen.time_zone, chosen.has_shortcuts) == ("de", "Europe/Berlin", False)
        assert actor_for(found) == expected


def test_who_has_chosen_nothing_has_the_defaults(mona: User) -> None:
    chosen = account_of(mona).preferences_at_hand
    assert (chosen.language, chosen.time_zone, chosen.has_shortcuts) == ("", "", True)


def test_nobody_who_left_has_a_session(mona: User) -> None:
    User.objects.filter(pk=mona.pk).update(is_active=False)
    assert account_of(mona) is None
    assert AccountBackend().get_user(0) is None


def test_the_account_of_a_session_has_what_was_granted_until_then_and_no_later(mona: User) -> None:
    before = account_of(mona)
    mona.groups.add(Group.objects.create(name="later"))
    assert "later" not in actor_for(before).groups
    assert "later" in actor_for(account_of(mona)).groups
