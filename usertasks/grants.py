"""What accounts were granted: groups, permissions, whose leads and whose substitutes they are, in one statement.

Every call asks this first, so it is written in SQL, over Django's own tables: the ORM takes longer to write five
statements than to send them. Whoever is found by a token or a session comes with it: `user.grants_at_hand`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_backends
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from .prepared import prepared_cursor

APP = "usertasks"

type Grants = tuple[tuple[str, str], ...]
"""Kind and name: what somebody was granted, as the statements tell it."""

KINDS = frozenset({"group", "permission", "leads", "stands_in_for"})

OF_ACCOUNT = """
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
WITHIN_GROUPS = """
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
OF_NAME = """
SELECT 'leads', user_group FROM usertasks_grouplead WHERE user_id = %(name)s
UNION ALL
SELECT 'stands_in_for', user_id FROM usertasks_substitution
WHERE substitute_id = %(name)s AND starts_at <= %(now)s AND ends_at > %(now)s
"""

_OF_FOUND = f"""
UNION ALL {OF_ACCOUNT.replace("%(user)s", "(SELECT id FROM account)")}
UNION ALL {OF_NAME.replace("%(name)s", "(SELECT username FROM account)")}
"""

# Whose token it is, and what they were granted.
BY_TOKEN = f"""
WITH account AS MATERIALIZED (
    SELECT u.id, u.username, u.is_superuser, t.id AS token_id, t.scopes, t.last_used_at
    FROM usertasks_apitoken t JOIN auth_user u ON u.id = t.user_id
    WHERE t.digest = %(digest)s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
        AND u.is_active
)
SELECT 'id', CAST(id AS text) FROM account
UNION ALL SELECT 'username', username FROM account
UNION ALL SELECT 'is_superuser', 'yes' FROM account WHERE is_superuser
UNION ALL SELECT 'token', CAST(token_id AS text) FROM account
UNION ALL SELECT 'scopes', CAST(scopes AS text) FROM account
UNION ALL SELECT 'used lately', 'yes' FROM account WHERE last_used_at > %(lately)s
{_OF_FOUND}"""  # nosec B608 # nothing but what stands above

# Whose session it is, with what a page needs to know of them.
BY_SESSION = f"""
WITH account AS MATERIALIZED (
    SELECT id, username, password, first_name, email, is_superuser, is_staff
    FROM auth_user WHERE id = %(user)s AND is_active
)
SELECT 'id', CAST(id AS text) FROM account
UNION ALL SELECT 'username', username FROM account
UNION ALL SELECT 'password', password FROM account
UNION ALL SELECT 'first_name', first_name FROM account
UNION ALL SELECT 'email', email FROM account
UNION ALL SELECT 'is_superuser', 'yes' FROM account WHERE is_superuser
UNION ALL SELECT 'is_staff', 'yes' FROM account WHERE is_staff
UNION ALL SELECT 'language', p.language FROM account a JOIN usertasks_preferences p ON p.user_id = a.username
UNION ALL SELECT 'time_zone', p.time_zone FROM account a JOIN usertasks_preferences p ON p.user_id = a.username
UNION ALL SELECT 'no shortcuts', 'yes' FROM account a JOIN usertasks_preferences p ON p.user_id = a.username
    AND NOT p.has_shortcuts
{_OF_FOUND}"""  # nosec B608 # nothing but what stands above


@dataclass(frozen=True)
class Holder:
    """The active person of a valid token, and what the token says."""

    user: User
    token_id: int
    scopes: tuple[str, ...]
    was_used_lately: bool


def holder_of_token(digest: str, *, now: datetime, lately: datetime) -> Holder | None:
    """Whose token has this digest, if it is valid `now`; and whether it was used since `lately`."""
    rows = _rows(BY_TOKEN, now, digest=digest, lately=connection.ops.adapt_datetimefield_value(lately), app=APP)
    said = dict(rows)
    if "id" not in said:
        return None
    user = _user_with({"is_superuser": "is_superuser" in said}, said, rows)
    return Holder(user, int(said["token"]), tuple(json.loads(said["scopes"])), "used lately" in said)


def account_of_session(user_id: Any, *, now: datetime) -> tuple[User, Mapping[str, Any]] | None:
    """The active account of this primary key, and its preferences; none where it has chosen nothing."""
    rows = _rows(BY_SESSION, now, user=user_id, app=APP)
    said = dict(rows)
    if "id" not in said:
        return None
    flags = {name: name in said for name in ("is_superuser", "is_staff")}
    user = _user_with({**flags, **{name: said[name] for name in ("password", "first_name", "email")}}, said, rows)
    chosen: dict[str, Any] = {name: said[name] for name in ("language", "time_zone") if name in said}
    return user, {**chosen, "has_shortcuts": "no shortcuts" not in said}


def _user_with(known: Mapping[str, Any], said: Mapping[str, str], rows: Iterable[tuple[str, str]]) -> User:
    """The active account of which this is known; other columns are read when somebody asks for them."""
    values = {**known, "id": int(said["id"]), "username": said["username"], "is_active": True}
    names = [field.attname for field in User._meta.concrete_fields if field.attname in values]
    user = User.from_db(connection.alias, names, [values[name] for name in names])  # in the order of the model's fields
    if not user.is_superuser and grants_are_rows():
        user.grants_at_hand = tuple(row for row in rows if row[0] in KINDS)  # type: ignore[attr-defined]
    return user


def grants_of(user: Any, name: str, *, now: datetime | None, groups: frozenset[str] | None) -> Grants:
    """What a Django user of that name was granted; where `groups` are given, these count instead of the account's."""
    at_hand: Grants | None = getattr(user, "grants_at_hand", None)
    if at_hand is not None and groups is None and now is None:
        return at_hand
    given = [("group", group) for group in groups or ()]
    if user.is_active and not user.is_superuser and grants_are_rows():
        sql, names = (OF_ACCOUNT, {}) if groups is None else _within(groups)
        return (*_rows(f"{sql}UNION ALL{OF_NAME}", now, name=name, user=user.pk, app=APP, **names), *given)
    granted = user.get_all_permissions()
    if groups is None:
        given = [("group", group) for group in user.groups.values_list("name", flat=True)]
    held = [("permission", text.removeprefix(f"{APP}.")) for text in granted if text.startswith(f"{APP}.")]
    return (*grants_of_name(name, now=now), *given, *held)


def grants_of_name(name: str, *, now: datetime | None = None) -> Grants:
    """What a name alone was granted."""
    return _rows(OF_NAME, now, name=name)


SUBSTITUTES = """
SELECT 'substitute', substitute_id FROM usertasks_substitution
WHERE user_id = %(name)s AND starts_at <= %(now)s AND ends_at > %(now)s
"""


def substitutes_of_name(name: str) -> set[str]:
    """Who stands in for that name now, whether they can sign in or not."""
    return {substitute for _kind, substitute in _rows(SUBSTITUTES, None, name=name)}


def grants_are_rows() -> bool:
    """Whether permissions are what Django's tables say: no backend of the deployment has another opinion."""
    opinions = ("get_all_permissions", "get_user_permissions", "get_group_permissions", "_get_permissions")
    return all(
        getattr(type(backend), opinion, None) is getattr(ModelBackend, opinion)
        for backend in get_backends()
        for opinion in opinions
    )


def _within(groups: Iterable[str]) -> tuple[str, dict[str, str]]:
    """The statement for these groups, and its parameters."""
    names = {f"group{number}": group for number, group in enumerate(sorted(groups))}
    return WITHIN_GROUPS.format(names=", ".join(f"%({name})s" for name in names) or "NULL"), names


def _rows(sql: str, now: datetime | None, **parameters: Any) -> Grants:
    moment = connection.ops.adapt_datetimefield_value(now or timezone.now())
    with prepared_cursor() as cursor:
        cursor.execute(sql, {"now": moment, **parameters})
        return tuple(cursor.fetchall())
