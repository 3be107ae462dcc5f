"""What was done to rows beside the runs: it is written into Django's own log, which the admin shows."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from .actors import Actor

MAX_REPR = 200
"""Characters of `LogEntry.object_repr`."""


class Deed(IntEnum):
    MADE = ADDITION
    CHANGED = CHANGE


def enter(row: Model, deed: Deed, words: str, *, by: Actor) -> None:
    """Write down who did it, through which door and from where. A command has no account, and is not in this log."""
    enter_all([(row, words)], deed, by=by)


def enter_all(deeds: Sequence[tuple[Model, str]], deed: Deed, *, by: Actor) -> None:
    """The same of many rows, each with its own words."""
    account = User.objects.filter(username=by.user_id).first() if deeds else None
    if account is None:
        return
    where = f" from {by.origin.address}" if by.origin.address else ""
    LogEntry.objects.bulk_create(
        LogEntry(
            user=account,
            content_type=ContentType.objects.get_for_model(row, for_concrete_model=False),
            object_id=row.pk,
            object_repr=str(row)[:MAX_REPR],
            action_flag=int(deed),
            change_message=f"{words} ({by.origin.door}{where})",
        )
        for row, words in deeds
    )
