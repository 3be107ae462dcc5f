"""Notifications: who is to be told by mail of an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from .models import Mail, UserTaskEvent


def mails_about(events: Sequence[UserTaskEvent], now: datetime) -> Iterator[Mail]:
    """The mails, not yet saved, that these published events ask for."""
    yield from ()
