"""What was done to rows beside the runs: it is written into Django's own log, which the admin shows."""

from __future__ import annotations

from enum import IntEnum

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db.models import Model

from .actors import Actor


class Deed(IntEnum):
    MADE = ADDITION
    CHANGED = CHANGE


def enter(row: Model, deed: Deed, words: str, *, by: Actor) -> None:
    """Write down who did it, through which door and from where. A command has no account, and is not in this log."""
    account = User.objects.filter(username=by.user_id).first()
    if account is None:
        return
    where = f" from {by.origin.address}" if by.origin.address else ""
    said = f"{words} ({by.origin.door}{where})"
    LogEntry.objects.log_actions(account.pk, [row], int(deed), change_message=said)
