"""Times and spans as they are typed into commands."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

SPAN = re.compile(r"([0-9]{1,6})([hdw]?)")
UNITS: dict[str, Any] = {"h": "hours", "d": "days", "w": "weeks", "": "days"}


def span_of(option: str, text: str) -> timedelta:
    """`365d`, `52w`, `12h`; a number alone means days. Raises `CommandError`."""
    found = SPAN.fullmatch(str(text))
    if found is None:
        raise CommandError(f"{option} {text!r} is no span of time. Say it as 365d, 52w or 12h.")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def moment_of(option: str, text: str) -> datetime:
    """An ISO time, or a date, which begins at midnight of the deployment's zone. Raises `CommandError`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"{option} {text!r} is no time. Say it as 2026-11-30 or 2026-11-30T09:00:00+01:00."
        ) from None
    return moment if moment.tzinfo else timezone.make_aware(moment)
