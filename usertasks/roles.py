"""The roles: Django groups that hold the permissions of the table of who may do what.

People get one from the identity provider or in the admin. Whoever needs another cut makes a group of their own: the
rules ask for permissions, never for a role.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .grants import APP


class Role(StrEnum):
    USER = "user"
    LEAD = "lead"
    MANAGER = "manager"
    ADMIN = "admin"
    SERVICE = "service"


MOVING = ("view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim")
EVERY_KIND = ("add", "change", "delete", "view")
MANAGED = ("apitoken", "grouplead", "substitution", "webhookendpoint")

PERMISSIONS: Mapping[Role, Sequence[str]] = {
    Role.USER: (),
    Role.LEAD: ("lead_usertaskrun",),
    Role.MANAGER: (*MOVING, "view_usertaskdef", "view_usertaskevent", "view_substitution", "add_substitution"),
    Role.ADMIN: (
        *MOVING,
        "add_usertaskrun",
        "add_usertaskdef",
        "delete_usertaskdef",
        "view_usertaskdef",
        "view_usertaskevent",
        "view_refusal",
        "view_mail",
        "view_delivery",
        "change_delivery",
        *(f"{kind}_{model}" for model in MANAGED for kind in EVERY_KIND),
    ),
    Role.SERVICE: ("add_usertaskrun", "add_usertaskdef", "view_usertaskrun", "act_on_behalf"),
}
"""What each role holds; `user` holds nothing: what people may do follows from what is theirs."""

STAFF = frozenset({Role.MANAGER, Role.ADMIN})
"""The roles whose holders work in Django's admin."""


def create_roles(apps: Any) -> None:
    """Make the groups with their permissions; those that are there keep what they have and get what they lack."""
    content_types, permissions = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    groups = apps.get_model("auth", "Group")
    for role, codenames in PERMISSIONS.items():
        group, is_new = groups.objects.get_or_create(name=role.value)
        if not is_new and codenames and not group.permissions.exists() and group.user_set.exists():
            raise ImproperlyConfigured(
                f"There is a group {role.value!r} with people in it, who would get the rights of the role of that "
                "name. Rename it first, and the user_group of its open tasks."
            )
        for codename in codenames:
            content_type, _is_new = content_types.objects.get_or_create(app_label=APP, model=_model_of(codename))
            # Django names permissions after a migration; a name that is there it leaves alone.
            permission, _is_new = permissions.objects.get_or_create(
                codename=codename, content_type=content_type, defaults={"name": _name_of(apps, codename)}
            )
            group.permissions.add(permission)


def _model_of(codename: str) -> str:
    return "usertaskrun" if codename in ("override_claim", "act_on_behalf") else codename.rpartition("_")[2]


def _name_of(apps: Any, codename: str) -> str:
    options = apps.get_model(APP, _model_of(codename))._meta
    return dict(options.permissions).get(codename) or f"Can {codename.partition('_')[0]} {options.verbose_name_raw}"
