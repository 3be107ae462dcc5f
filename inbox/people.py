"""Whom a form suggests where it asks for a person or a group, and who is known here."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import Group, User

from usertasks.roles import Role

MAX_PEOPLE = 200


def members_of(groups: Collection[str] | None) -> list[str]:
    """The names of the active users in any of these groups, as many as a list of suggestions bears; None is anybody."""
    users = User.objects.filter(is_active=True)
    if groups is not None:
        users = users.filter(groups__name__in=groups).distinct()
    return list(users.order_by("username").values_list("username", flat=True)[:MAX_PEOPLE])


def has_account(name: str) -> bool:
    """Whether somebody of that name can sign in."""
    return User.objects.filter(username=name, is_active=True).exists()


def is_group(name: str) -> bool:
    """Whether there is, as far as accounts tell, a group of that name."""
    return Group.objects.filter(name=name).exists()


def names_of_groups() -> list[str]:
    """The groups that people work in, as far as accounts tell: what is a role only is none."""
    groups = Group.objects.exclude(name__in=list(Role)).order_by("name")
    return list(groups.values_list("name", flat=True)[:MAX_PEOPLE])
