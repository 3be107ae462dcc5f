"""Who is acting: a name, groups and permissions, as the rules see them, and from where.

The domain never looks at a request or a session; a door turns whoever knocks into an `Actor`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin, User

from .grants import APP, KINDS, grants_of, grants_of_name, substitutes_of_name


class Scope(StrEnum):
    """What a token may be used for, at most; never more than what its person may."""

    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    RUNS_ACT_ON_BEHALF = "runs:act-on-behalf"
    DEFS_WRITE = "defs:write"
    ADMIN = "admin"


EVERY_SCOPE = frozenset({Scope.ADMIN})
"""`admin` is everything that the person may."""

SCOPE_OF: Mapping[str, Scope] = {
    "view_usertaskrun": Scope.RUNS_READ,
    "add_usertaskrun": Scope.RUNS_WRITE,
    "assign_usertaskrun": Scope.RUNS_WRITE,
    "cancel_usertaskrun": Scope.RUNS_WRITE,
    "override_claim": Scope.RUNS_WRITE,
    "lead_usertaskrun": Scope.RUNS_READ,
    "act_on_behalf": Scope.RUNS_ACT_ON_BEHALF,
    "view_usertaskdef": Scope.RUNS_READ,
    "add_usertaskdef": Scope.DEFS_WRITE,
}
"""Permission → the scope without which a token does not have it; any other takes `admin`."""


class Door(StrEnum):
    """Through which door somebody came."""

    REST = "rest"
    GRPC = "grpc"
    PAGE = "page"
    ADMIN = "admin"
    WORKER = "worker"
    COMMAND = "command"


@dataclass(frozen=True)
class Origin:
    """Through which door, and from which address (IPv4 or IPv6), where there is one."""

    door: Door
    address: str | None = None


INSIDE = Origin(Door.COMMAND)
"""A command, a shell, a test: whoever has the machine."""


@dataclass(frozen=True)
class Actor:
    """`user_id` is a Django username, `groups` are names of Django groups, `permissions` e.g. `view_usertaskrun`.

    `leads` are the groups whose runs they move, `stands_in_for` the people whose substitute they are now. `scopes` say
    what the token is for with which they came.
    """

    user_id: str
    groups: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    leads: frozenset[str] = frozenset()
    stands_in_for: frozenset[str] = frozenset()
    scopes: frozenset[Scope] = EVERY_SCOPE
    origin: Origin = INSIDE

    def holds(self, permission: str) -> bool:
        """Whether a permission of this application (without its prefix) was granted."""
        return permission in self.permissions

    def has_scope(self, scope: Scope) -> bool:
        """Whether the token is for that; one that is for writing runs is for reading them as well."""
        if Scope.ADMIN in self.scopes or scope in self.scopes:
            return True
        return scope is Scope.RUNS_READ and Scope.RUNS_WRITE in self.scopes

    def as_member(self) -> Actor:
        """The same one with nothing but their name and groups: what is theirs to do, whatever else they may see."""
        return replace(self, permissions=frozenset(), leads=frozenset(), stands_in_for=frozenset())

    def within(self, scopes: frozenset[Scope]) -> Actor:
        """The same one with a token for `scopes`: permissions that these do not cover are gone."""
        limited = replace(self, scopes=scopes)
        held = (name for name in self.permissions if limited.has_scope(SCOPE_OF.get(name, Scope.ADMIN)))
        return replace(limited, permissions=frozenset(held))


SYSTEM = Actor(
    "usertasks:worker",
    permissions=frozenset({"view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim"}),
    origin=Origin(Door.WORKER),
)
"""Who acts when a timer does; no account has a colon in its name unless somebody insists."""


def actor_for(
    user: AbstractBaseUser | AnonymousUser,
    *,
    origin: Origin = INSIDE,
    now: datetime | None = None,
    groups: frozenset[str] | None = None,
) -> Actor:
    """The actor that a signed-in Django user is, with the substitutions of `now`.

    Where `groups` are given, these count instead of those of the account, with the permissions that they hold here.
    """
    assert isinstance(user, PermissionsMixin)
    name = user.get_username()
    return _actor(name, grants_of(user, name, now=now, groups=groups), origin)


def _actor(name: str, rows: Iterable[tuple[str, str]], origin: Origin) -> Actor:
    said: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for kind, value in rows:
        said[kind].add(value)
    is_lead = "lead_usertaskrun" in said["permission"]
    return Actor(
        user_id=name,
        groups=frozenset(said["group"]),
        permissions=frozenset(said["permission"]),
        leads=frozenset(said["leads"] if is_lead else ()),
        stands_in_for=frozenset(said["stands_in_for"]),
        origin=origin,
    )


def actor_named(user_id: str) -> Actor:
    """The actor of that name; an active account gives groups and permissions, an unknown name has none."""
    user = User.objects.filter(username=user_id, is_active=True).first()
    return actor_for(user) if user else _actor(user_id, grants_of_name(user_id), INSIDE)


def is_member(user_id: str, user_group: str) -> bool:
    """Whether an active account of that name is in that group."""
    return User.objects.filter(username=user_id, is_active=True, groups__name=user_group).exists()


def actors_near(*, user_id: str | None, user_group: str | None, permissions: Iterable[str]) -> list[Actor]:
    """Everyone whom a run of that owner and group could concern, knowing of each only what was asked.

    That is the owner and their substitutes, the active members of the group, and the active holders of any of the
    permissions: a fixed number of queries, however many people there are.
    """
    members = set(
        User.objects.filter(groups__name=user_group, is_active=True).values_list("username", flat=True)
        if user_group
        else []
    )
    holders = _holders_of(list(permissions))
    substitutes = _substitutes_of(user_id) if user_id else set()
    names = members.union(*holders.values(), substitutes, [user_id] if user_id else [])
    return [
        Actor(
            user_id=name,
            groups=frozenset([user_group] if user_group and name in members else []),
            permissions=frozenset(permission for permission, names in holders.items() if name in names),
            stands_in_for=frozenset([user_id] if user_id and name in substitutes else []),
        )
        for name in sorted(names)
    ]


def _holders_of(permissions: Sequence[str]) -> dict[str, set[str]]:
    """Permission → the names of the active accounts that hold it, by themselves, by a group or as superusers.

    Each way is asked by itself: of `with_perm`, which asks for all of them at once, PostgreSQL makes a walk through
    everybody's permissions for each account.
    """
    active = User.objects.filter(is_active=True)
    everything = list(active.filter(is_superuser=True).values_list("username", flat=True))
    holders = {permission: set(everything) for permission in permissions}
    for way in ("user_permissions", "groups__permissions"):
        asked = {f"{way}__content_type__app_label": APP, f"{way}__codename__in": permissions}
        for name, permission in active.filter(**asked).values_list("username", f"{way}__codename"):
            holders[permission].add(name)
    return holders


def _substitutes_of(user_id: str) -> set[str]:
    """Who stands in for somebody now, as far as they can sign in."""
    return set(
        User.objects.filter(username__in=substitutes_of_name(user_id), is_active=True).values_list(
            "username", flat=True
        )
    )
