"""The roles as groups: what they hold, and that nobody gets one because their group happens to be called like it."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from usertasks.actors import actor_for
from usertasks.roles import PERMISSIONS, Role, create_roles

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", Role)
def test_a_role_holds_what_the_table_says(role: Role, alice: User) -> None:
    create_roles(apps)
    alice.groups.set([Group.objects.get(name=role)])
    assert actor_for(alice).permissions == set(PERMISSIONS[role])


def test_people_in_a_group_that_is_called_like_a_role_do_not_get_it_unnoticed(alice: User) -> None:
    Group.objects.filter(name="service").delete()
    alice.groups.set([Group.objects.create(name="service")])
    with pytest.raises(ImproperlyConfigured, match="service"):
        create_roles(apps)
    assert not actor_for(alice).permissions


def test_making_the_roles_again_takes_nothing_away(alice: User) -> None:
    create_roles(apps)
    alice.groups.set([Group.objects.get(name="manager")])
    create_roles(apps)
    assert actor_for(alice).holds("assign_usertaskrun")


class TestLinkingAnAccount:
    def test_says_who_at_the_provider_it_is(self, settings: Settings, admin: User, alice: User) -> None:
        settings.JWT_ISSUER = "https://id.example.com"
        call_command("link_account", "admin", "0815")
        call_command("link_account", "admin", "0815")
        with pytest.raises(CommandError):
            call_command("link_account", "alice", "0815")
        with pytest.raises(CommandError):
            call_command("link_account", "admin", "4711")

    def test_takes_an_account_a_subject_and_a_provider(self, settings: Settings, admin: User) -> None:
        with pytest.raises(CommandError):
            call_command("link_account", "admin", "0815")
        settings.JWT_ISSUER = "https://id.example.com"
        for username, subject in (("nobody", "0815"), ("admin", "")):
            with pytest.raises(CommandError):
                call_command("link_account", username, subject)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", [1, 2])
def test_they_are_there_also_after_a_test_that_emptied_every_table(time: int, alice: User) -> None:
    alice.groups.set([Group.objects.get(name="lead")])
    assert actor_for(alice).holds("lead_usertaskrun")
