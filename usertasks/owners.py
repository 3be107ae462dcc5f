"""Whom a run may be given to: the names of users and groups, which come from outside."""

from __future__ import annotations

from django.utils.translation import gettext as _

from . import json_text
from .errors import Fault, Faults, InvalidArgument
from .models.runs import MAX_ID


def owner_of(*, user_id: str | None, user_group: str | None) -> tuple[str | None, str | None]:
    """The pair as it may be stored. Raises `InvalidArgument`: see `faults_of_owner`."""
    if faults := faults_of_owner(user_id=user_id, user_group=user_group):
        raise InvalidArgument.of(faults)
    return user_id, user_group


def faults_of_owner(*, user_id: str | None, user_group: str | None) -> Faults:
    """What is wrong with the pair: both missing, one blank, too long or not storable."""
    pair = {"user_id": user_id, "user_group": user_group}
    faults = {name: [Fault("invalid", flaw)] for name, value in pair.items() if (flaw := flaw_of_name(value))}
    if not faults and user_id is None and user_group is None:
        faults = {name: [Fault("required", _("user_id or user_group is required"))] for name in pair}
    return faults


def flaw_of_name(name: str | None) -> str | None:
    """Why a name that comes from outside cannot be stored, or None."""
    if name is None:
        return None
    if not name.strip():
        return _("must not be blank")
    if len(name) > MAX_ID:
        return _("must have at most %(number)s characters") % {"number": MAX_ID}
    return json_text.flaw_of_text(name)
