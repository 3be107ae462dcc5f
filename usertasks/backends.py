"""Whose session it is: Django's own back end, which reads the account with all that a page asks of it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.utils import timezone

from .grants import account_of_session
from .models import Preferences


class AccountBackend(ModelBackend):
    """Names, passwords and permissions as Django has them; the account of a session comes with its grants.

    `user.preferences_at_hand` is what they have chosen for the pages. Both are as new as the account itself, and are
    gone with the request.
    """

    def get_user(self, user_id: Any) -> User | None:
        """The account, if it may sign in."""
        found = account_of_session(user_id, now=timezone.now())
        if found is None:
            return None
        user, chosen = found
        user.preferences_at_hand = Preferences(user_id=user.get_username(), **chosen)  # type: ignore[attr-defined]
        return user
