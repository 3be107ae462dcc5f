"""Who is acting: a name, groups and permissions, as the rules see them.

The domain never looks at a request or a session; a door turns whoever knocks into an `Actor`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin, User

APP = "usertasks"


@dataclass(frozen=True)
class Actor:
    """`user_id` is the Django username, `groups` are names of Django groups, `permissions` e.g. `cancel_usertaskrun`."""

    user_id: str
    groups: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()

    def holds(self, permission: str) -> bool:
        """Whether a permission of this application (without its prefix) was granted."""
        return permission in self.permissions


def actor_for(user: AbstractBaseUser | AnonymousUser) -> Actor:
    """The actor that a signed-in Django user is."""
    assert isinstance(user, PermissionsMixin)
    granted = user.get_all_permissions()
    return Actor(
        user_id=user.get_username(),
        groups=frozenset(user.groups.values_list("name", flat=True)),
        permissions=frozenset(name.removeprefix(f"{APP}.") for name in granted if name.startswith(f"{APP}.")),
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
    members = set(User.objects.filter(groups__name=user_group, is_active=True).values_list("username", flat=True))
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
