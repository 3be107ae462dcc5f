"""Accounts of people whom an identity provider vouches for: what it claims of them, and what follows from that here.

The provider owns who somebody is and which groups they are in; what a group may do belongs to us. So a group of theirs
that happens to be called like a role of ours gives nothing: roles come from `OIDC_ROLES` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from . import json_text
from .actors import actor_for
from .errors import NotAllowed, NotSignedIn
from .grants import APP
from .leads import follow_the_leads
from .models import ApiToken, GroupLead
from .roles import STAFF, Role

MAX_NAME = 150
"""What Django keeps of the name of a user or of a group."""
MAX_EMAIL = 254
ROLE_NAMES = frozenset(role.value for role in Role)
LEADS = f"{Role.LEAD}:"
"""How the role of a lead begins in `OIDC_ROLES`; the group follows."""


@dataclass(frozen=True)
class Identity:
    """Somebody as the provider describes them; `groups` is None where it said nothing of groups, or was not asked."""

    user_id: str
    groups: frozenset[str] | None = None
    email: str = ""
    full_name: str = ""


@dataclass(frozen=True)
class Standing:
    """What follows from the groups of an identity: the Django groups, roles included, and the groups that they lead."""

    groups: frozenset[str]
    roles: frozenset[Role]
    leads: frozenset[str]


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """Who the provider says this is, by the claims that the settings name. Raises `NotSignedIn` for nobody we can name,
    `NotAllowed` where the groups are kept from us."""
    user_id = _claim(claims, settings.OIDC_USER_ID_CLAIM)
    if flaw := _flaw_of_user_id(user_id):
        raise NotSignedIn(
            _("The claim %(claim)s, which says who somebody is, %(flaw)s.")
            % {"claim": settings.OIDC_USER_ID_CLAIM, "flaw": flaw}
        )
    return Identity(user_id, _groups(claims), _email(claims), _text(claims, "name"))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the path to it: `realm_access.roles`. Names with dots in them are names first."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _flaw_of_user_id(user_id: Any) -> str | None:
    if user_id is None:
        return _("is missing")
    if not isinstance(user_id, str):
        return _("is no text")
    if not user_id.strip():
        return _("is blank")
    if user_id.startswith(f"{APP}:"):
        return _("is a name that only this system uses")
    return _flaw_of_name(user_id)


def _flaw_of_name(name: str) -> str | None:
    if len(name) > MAX_NAME:
        return _("has more than %(number)s characters") % {"number": MAX_NAME}
    if not name.isprintable() or name != name.strip():
        return _("has white space around it, or characters that cannot be seen")
    return json_text.flaw_of_text(name)


def _groups(claims: Mapping[str, Any]) -> frozenset[str] | None:
    """The names that can be those of groups; what else the claim lists is left out."""
    if not settings.OIDC_GROUPS_CLAIM:
        return None
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, Mapping) and settings.OIDC_GROUPS_CLAIM in elsewhere:
        # OpenID Connect's "distributed claims": Entra does this to people in more than 200 groups.
        raise NotAllowed(
            _("The provider does not list your groups, for they are too many. An admin can have it send fewer.")
        )
    named = _claim(claims, settings.OIDC_GROUPS_CLAIM)
    if named is None:
        return None
    listed = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return frozenset(name for name in listed if isinstance(name, str) and name and not _flaw_of_name(name))


def _email(claims: Mapping[str, Any]) -> str:
    email = _text(claims, "email")
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= MAX_EMAIL else ""


def _text(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is kept for people to read; nothing, where it cannot be kept."""
    text = claims.get(name)
    return text if isinstance(text, str) and not json_text.flaw_of_text(text) else ""


def has_role_mapping() -> bool:
    """Whether the provider decides about roles; otherwise they are given here, and it leaves them alone."""
    return bool(settings.OIDC_ROLES)


def standing_of(identity: Identity) -> Standing:
    """What an identity's groups give, without writing anything. Without groups: nothing."""
    named = identity.groups or frozenset()
    mapped = [role for name in sorted(named) for role in _roles_at(name)]
    leads = frozenset(role.removeprefix(LEADS) for role in mapped if role.startswith(LEADS))
    roles = frozenset(Role.LEAD if role.startswith(LEADS) else Role(role) for role in mapped)
    return Standing(named - ROLE_NAMES | {role.value for role in roles}, roles, leads)


def groups_named(identity: Identity) -> frozenset[str] | None:
    """The Django groups of an identity, mapped roles included; None where it says nothing of groups."""
    return None if identity.groups is None else standing_of(identity).groups


def _roles_at(name: str) -> list[Any]:
    roles = settings.OIDC_ROLES.get(name, [])
    return roles if isinstance(roles, list) else [roles]


def require_good_mapping() -> None:
    """Raises `ImproperlyConfigured` where `OIDC_ROLES` is not what `docs/sign-in.md` says."""
    if not isinstance(settings.OIDC_ROLES, Mapping):
        raise ImproperlyConfigured("OIDC_ROLES must be an object that maps values of the groups claim to roles.")
    if settings.OIDC_ROLES and not settings.OIDC_GROUPS_CLAIM:
        raise ImproperlyConfigured("OIDC_ROLES has no effect without OIDC_GROUPS_CLAIM.")
    for name in settings.OIDC_ROLES:
        for role in _roles_at(name):
            if not _is_role(role):
                known = ", ".join([*sorted(ROLE_NAMES), f"{LEADS}GROUP"])
                raise ImproperlyConfigured(f"OIDC_ROLES: {name!r} maps to {role!r}, which is none of {known}.")


def _is_role(role: Any) -> bool:
    if not isinstance(role, str):
        return False
    if role.startswith(LEADS):
        group = role.removeprefix(LEADS)
        return bool(group) and not _flaw_of_name(group)
    return role in ROLE_NAMES


def account_of(identity: Identity) -> User:
    """The account of that name, made where there is none, with no password. Raises `NotAllowed` if it is off."""
    user, is_new = User.objects.get_or_create(username=identity.user_id, defaults={"password": _no_password()})
    if is_new:
        follow_the_leads(user.get_username())
    require_active(user)
    return user


def require_active(user: User) -> None:
    """Raises `NotAllowed` for an account that is switched off."""
    if not user.is_active:
        raise NotAllowed(_("This account is switched off. An admin can switch it on again."))


def _no_password() -> str:
    user = User()
    user.set_unusable_password()
    return user.password


def require_may_be_taken_over(user: User) -> None:
    """Raises `NotAllowed` where an account that was there has a password of its own, or is worth having: a name that
    somebody may choose for themselves at the provider does not say that they are the same."""
    if _is_worth_having(user):
        raise NotAllowed(
            _(
                "The account %(name)s has rights of its own, so its name is not enough. "
                "Have an administrator link it: `manage.py link_account`."
            )
            % {"name": user.get_username()}
        )
    if settings.LOCAL_PASSWORDS and user.has_usable_password():
        raise NotAllowed(
            _(
                "There is an account %(name)s with a password of its own. "
                "Sign in with that, or have an admin take the password away."
            )
            % {"name": user.get_username()}
        )


def _is_worth_having(user: User) -> bool:
    is_trusted = user.is_superuser or user.is_staff or actor_for(user).permissions
    return bool(is_trusted) or ApiToken.objects.live(timezone.now()).filter(user=user).exists()


@transaction.atomic
def follow(identity: Identity, user: User) -> None:
    """Give the account what the provider says now, and take away what it does not say any more.

    A provider that sends no groups claim for people without a group, as several do, is taken to say "none". Where no
    claim is configured, groups are left alone; where no roles are mapped, so are roles, `is_staff` and leads.
    """
    standing = standing_of(identity)
    if settings.OIDC_GROUPS_CLAIM:
        _put_into_groups(user, standing.groups)
    if has_role_mapping():
        _make_lead_of(user, standing.leads)
        if not user.is_superuser:
            user.is_staff = not standing.roles.isdisjoint(STAFF)
    if identity.email:
        user.email = identity.email
    if identity.full_name:
        first_name, _space, last_name = identity.full_name.strip().partition(" ")
        user.first_name, user.last_name = first_name[:MAX_NAME], last_name.strip()[:MAX_NAME]
    user.save(update_fields=["is_staff", "email", "first_name", "last_name"])


def _put_into_groups(user: User, names: Iterable[str]) -> None:
    held = set() if has_role_mapping() else set(user.groups.filter(name__in=ROLE_NAMES).values_list("name", flat=True))
    wanted = held.union(names)
    missing = wanted.difference(Group.objects.filter(name__in=wanted).values_list("name", flat=True))
    # Two who sign in at once may bring the same new group.
    Group.objects.bulk_create([Group(name=name) for name in sorted(missing)], ignore_conflicts=True)
    user.groups.set(Group.objects.filter(name__in=wanted))


def _make_lead_of(user: User, groups: Iterable[str]) -> None:
    led = GroupLead.objects.filter(user_id=user.get_username())
    led.exclude(user_group__in=groups).delete()
    leads = [GroupLead(user_id=user.get_username(), user_group=group) for group in sorted(groups)]
    GroupLead.objects.bulk_create(leads, ignore_conflicts=True)
