"""Whose account it is that somebody uses whom a provider vouches for: a link keeps it theirs.

Names change, and are given to others later; the subject (`sub`) of a provider stays. So the first who comes under a
name gets the account of that name, and from then on it belongs to that subject, whatever they are called by then.
"""

from __future__ import annotations

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from . import json_text
from .accounts import Identity, account_of, require_active, require_may_be_taken_over
from .errors import NotAllowed, NotSignedIn

MAX_SUBJECT = 191
"""What allauth keeps of a subject."""


def linked_account(provider: str, subject: str, identity: Identity) -> User:
    """The account of a subject, linked now if it was not before. Raises `NotSignedIn` or `NotAllowed`."""
    if not 0 < len(subject) <= MAX_SUBJECT or json_text.flaw_of_text(subject):
        raise NotSignedIn(_("This is no subject that can be kept."))
    link = SocialAccount.objects.filter(provider=provider, uid=subject).select_related("user").first()
    user: User = link.user if link else _newly_linked(provider, subject, identity)
    require_active(user)
    return user


def link_account(provider: str, subject: str, user: User) -> None:
    """Say that an account is that of a subject of the provider, whatever it may do. Raises `NotAllowed` for one that
    belongs to somebody else, or a subject that has another account."""
    links = SocialAccount.objects.filter(provider=provider)
    if links.filter(uid=subject).exclude(user=user).exists() or links.filter(user=user).exclude(uid=subject).exists():
        raise NotAllowed(_("One of the two is linked already. A superuser can delete the link under Social accounts."))
    links.get_or_create(provider=provider, uid=subject, defaults={"user": user})


@transaction.atomic
def _newly_linked(provider: str, subject: str, identity: Identity) -> User:
    """The account of that name, if it belongs to nobody else. The same person may come twice at once."""
    was_there = User.objects.filter(username=identity.user_id).exists()
    user = User.objects.select_for_update().get(pk=account_of(identity).pk)
    links = SocialAccount.objects.filter(provider=provider, user=user)
    if links.exclude(uid=subject).exists():
        raise NotAllowed(
            _("The account %(name)s belongs to somebody else at %(provider)s. An admin can undo that in the admin.")
            % {"name": user.get_username(), "provider": settings.OIDC_NAME}
        )
    if not links.exists():
        if was_there:
            require_may_be_taken_over(user)
        SocialAccount.objects.create(provider=provider, uid=subject, user=user)
    return user
