"""Who is acting: a name, groups and permissions, as the rules see them, and from where.

The domain never looks at a request or a session; a door turns whoever knocks into an `Actor`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_backends
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin, User
from django.db import connection
from django.utils import timezone

APP = "usertasks"


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

# Every call asks this, so it is one statement, and in SQL: the ORM takes longer to write five than to send them.
GRANTS = """
SELECT 'group', g.name FROM auth_group g JOIN auth_user_groups m ON m.group_id = g.id WHERE m.user_id = %(user)s
UNION ALL
SELECT 'permission', p.codename FROM auth_permission p
    JOIN django_content_type c ON c.id = p.content_type_id AND c.app_label = %(app)s
    JOIN auth_user_user_permissions h ON h.permission_id = p.id
WHERE h.user_id = %(user)s
UNION ALL
SELECT 'permission', p.codename FROM auth_permission p
    JOIN django_content_type c ON c.id = p.content_type_id AND c.app_label = %(app)s
    JOIN auth_group_permissions h ON h.permission_id = p.id
    JOIN auth_user_groups m ON m.group_id = h.group_id
WHERE m.user_id = %(user)s
"""

# The same for somebody whose token says which groups count; `names` stands for a placeholder for each.
GRANTS_WITHIN = """
SELECT 'permission', p.codename FROM auth_permission p
    JOIN django_content_type c ON c.id = p.content_type_id AND c.app_label = %(app)s
    JOIN auth_user_user_permissions h ON h.permission_id = p.id
WHERE h.user_id = %(user)s
UNION ALL
SELECT 'permission', p.codename FROM auth_permission p
    JOIN django_content_type c ON c.id = p.content_type_id AND c.app_label = %(app)s
    JOIN auth_group_permissions h ON h.permission_id = p.id
    JOIN auth_group g ON g.id = h.group_id
WHERE g.name IN ({names})
"""

# What names alone decide: whoever they belong to, the identity provider says.
STANDINGS = """
SELECT 'leads', user_group FROM usertasks_grouplead WHERE user_id = %(name)s
UNION ALL
SELECT 'stands_in_for', user_id FROM usertasks_substitution
WHERE substitute_id = %(name)s AND starts_at <= %(now)s AND ends_at > %(now)s
"""

# The same for whoever has a token, who is found by the way: one statement for each call that a program makes.
HOLDER = f"""
WITH token AS MATERIALIZED (
    SELECT t.id, t.scopes, t.last_used_at, u.id AS user_id, u.username, u.is_superuser
    FROM usertasks_apitoken t JOIN auth_user u ON u.id = t.user_id
    WHERE t.digest = %(digest)s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
        AND u.is_active
)
SELECT 'token', CAST(id AS text) FROM token
UNION ALL SELECT 'user', CAST(user_id AS text) FROM token
UNION ALL SELECT 'name', username FROM token
UNION ALL SELECT 'scopes', CAST(scopes AS text) FROM token
UNION ALL SELECT 'superuser', 'yes' FROM token WHERE is_superuser
UNION ALL SELECT 'used lately', 'yes' FROM token WHERE last_used_at > %(lately)s
UNION ALL {GRANTS.replace("%(user)s", "(SELECT user_id FROM token)")}
UNION ALL {STANDINGS.replace("%(name)s", "(SELECT username FROM token)")}
"""  # nosec B608 # nothing but what stands above


@dataclass(frozen=True)
class Holder:
    """The active person of a valid token. `grants` is None where more than rows decides about their permissions."""

    token_id: int
    user: User
    scopes: frozenset[Scope]
    was_used_lately: bool
    grants: Grants | None


type Grants = tuple[tuple[str, str], ...]
"""Kind and name: what somebody was granted, as the statements above tell it."""


def holder_of_token(digest: str, *, now: datetime, lately: datetime) -> Holder | None:
    """Whose token has this digest, if it is valid `now`; and whether it was used since `lately`."""
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(HOLDER, {"digest": digest, "now": adapt(now), "lately": adapt(lately), "app": APP})
        rows: list[tuple[str, str]] = list(cursor.fetchall())
    said = dict(rows)
    if "token" not in said:
        return None
    is_superuser = "superuser" in said
    known = {"id": int(said["user"]), "username": said["name"], "is_active": True, "is_superuser": is_superuser}
    return Holder(
        token_id=int(said["token"]),
        user=_user_with(known),
        scopes=frozenset(Scope(scope) for scope in json.loads(said["scopes"])),
        was_used_lately="used lately" in said,
        grants=None if is_superuser or not _grants_are_rows() else tuple(row for row in rows if row[0] in GRANTED),
    )


def _user_with(known: dict[str, Any]) -> User:
    """The account of which these columns are known; the others are read when somebody asks for them."""
    names = [field.attname for field in User._meta.concrete_fields if field.attname in known]
    return User.from_db(connection.alias, names, [known[name] for name in names])  # in the order of the model's fields


GRANTED = frozenset({"group", "permission", "leads", "stands_in_for"})


def actor_granted(name: str, grants: Grants, *, origin: Origin) -> Actor:
    """The actor that an account of that name is with these grants."""
    return _actor(name, grants, origin)


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
    if user.is_active and not user.is_superuser and _grants_are_rows():
        sql, names = (GRANTS, {}) if groups is None else _grants_within(groups)
        rows = _rows(f"{sql}UNION ALL{STANDINGS}", name, now, user=user.pk, app=APP, **names)
    else:
        granted = user.get_all_permissions()
        rows = _rows(STANDINGS, name, now)
        rows += [("group", group) for group in user.groups.values_list("name", flat=True) if groups is None]
        rows += [("permission", held.removeprefix(f"{APP}.")) for held in granted if held.startswith(f"{APP}.")]
    return _actor(name, [*rows, *(("group", group) for group in groups or ())], origin)


def _grants_within(groups: Iterable[str]) -> tuple[str, dict[str, str]]:
    """The statement for these groups, and its parameters."""
    names = {f"group{number}": group for number, group in enumerate(sorted(groups))}
    return GRANTS_WITHIN.format(names=", ".join(f"%({name})s" for name in names) or "NULL"), names


def _grants_are_rows() -> bool:
    """Whether permissions are what Django's tables say: no backend of the deployment has another opinion."""
    opinions = ("get_all_permissions", "get_user_permissions", "get_group_permissions", "_get_permissions")
    return all(
        getattr(type(backend), opinion, None) is getattr(ModelBackend, opinion)
        for backend in get_backends()
        for opinion in opinions
    )


def _rows(sql: str, name: str, now: datetime | None, **parameters: Any) -> list[tuple[str, str]]:
    moment = connection.ops.adapt_datetimefield_value(now or timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(sql, {"name": name, "now": moment, **parameters})
        return list(cursor.fetchall())


def _actor(name: str, rows: Iterable[tuple[str, str]], origin: Origin) -> Actor:
    said: dict[str, set[str]] = {kind: set() for kind in GRANTED}
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
    return actor_for(user) if user else _actor(user_id, _rows(STANDINGS, user_id, None), INSIDE)


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
    holders = {
        permission: set(
            User.objects.with_perm(f"{APP}.{permission}", backend="django.contrib.auth.backends.ModelBackend")
            .values_list("username", flat=True)
        )
        for permission in permissions
    }  # fmt: skip
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


SUBSTITUTES = """
SELECT 'substitute', substitute_id FROM usertasks_substitution
WHERE user_id = %(name)s AND starts_at <= %(now)s AND ends_at > %(now)s
"""


def _substitutes_of(user_id: str) -> set[str]:
    """Who stands in for somebody now, as far as they can sign in."""
    named = {name for _kind, name in _rows(SUBSTITUTES, user_id, None)}
    return set(User.objects.filter(username__in=named, is_active=True).values_list("username", flat=True))
