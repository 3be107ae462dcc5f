"""Who is acting: a name, groups and permissions, as the rules see them.

The domain never looks at a request or a session; a door turns whoever knocks into an `Actor`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth import get_backends
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin, User
from django.db import connection

APP = "usertasks"


@dataclass(frozen=True)
class Actor:
    """`user_id` is a Django username, `groups` are names of Django groups, `permissions` e.g. `view_usertaskrun`."""

    user_id: str
    groups: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()

    def holds(self, permission: str) -> bool:
        """Whether a permission of this application (without its prefix) was granted."""
        return permission in self.permissions


SYSTEM = Actor(
    "usertasks:worker",
    permissions=frozenset({"view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim"}),
)
"""Who acts when a timer does; no account has a colon in its name unless somebody insists."""

# Every call asks this, so it is one statement, and in SQL: the ORM takes longer to write three than to send them.
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


def actor_for(user: AbstractBaseUser | AnonymousUser) -> Actor:
    """The actor that a signed-in Django user is."""
    assert isinstance(user, PermissionsMixin)
    if user.is_active and not user.is_superuser and _grants_are_rows():
        return _actor_from_rows(user)
    granted = user.get_all_permissions()
    return Actor(
        user_id=user.get_username(),
        groups=frozenset(user.groups.values_list("name", flat=True)),
        permissions=frozenset(name.removeprefix(f"{APP}.") for name in granted if name.startswith(f"{APP}.")),
    )


def _grants_are_rows() -> bool:
    """Whether permissions are what Django's tables say: no backend of the deployment has another opinion."""
    opinions = ("get_all_permissions", "get_user_permissions", "get_group_permissions", "_get_permissions")
    return all(
        getattr(type(backend), opinion, None) is getattr(ModelBackend, opinion)
        for backend in get_backends()
        for opinion in opinions
    )


def _actor_from_rows(user: AbstractBaseUser) -> Actor:
    with connection.cursor() as cursor:
        cursor.execute(GRANTS, {"user": user.pk, "app": APP})
        rows = cursor.fetchall()
    return Actor(
        user_id=user.get_username(),
        groups=frozenset(name for kind, name in rows if kind == "group"),
        permissions=frozenset(name for kind, name in rows if kind == "permission"),
    )


def actor_named(user_id: str) -> Actor:
    """The actor of that name; an active account gives groups and permissions, an unknown name has none."""
    user = User.objects.filter(username=user_id, is_active=True).first()
    return actor_for(user) if user else Actor(user_id)


def actors_near(*, user_id: str | None, user_group: str | None, permissions: Iterable[str]) -> list[Actor]:
    """Everyone whom a run of that owner and group could concern, knowing of each only what was asked.

    That is the owner, the active members of the group, and the active holders of any of the permissions:
    a fixed number of queries, however many people there are.
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
    names = members.union(*holders.values(), [user_id] if user_id else [])
    return [
        Actor(
            user_id=name,
            groups=frozenset([user_group] if user_group and name in members else []),
            permissions=frozenset(permission for permission, names in holders.items() if name in names),
        )
        for name in sorted(names)
    ]
