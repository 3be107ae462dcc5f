"""Whom a form suggests where it asks for a person."""

from __future__ import annotations

from django.contrib.auth.models import User

MAX_PEOPLE = 200


def members_of(group: str | None) -> list[str]:
    """The names of the active users in a group, as many as a list of suggestions bears; of no group, nobody."""
    if group is None:
        return []
    users = User.objects.filter(groups__name=group, is_active=True).order_by("username")
    return list(users.values_list("username", flat=True)[:MAX_PEOPLE])
