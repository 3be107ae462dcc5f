"""Times as people say them, for the pieces of a page and for the filters of templates.

Whole sentences, one for each unit: what "3 days" becomes after "in" differs from what it becomes before "ago".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

AGO: Mapping[str, Any] = {
    "year": ngettext_lazy("%(num)d year ago", "%(num)d years ago", "num"),
    "month": ngettext_lazy("%(num)d month ago", "%(num)d months ago", "num"),
    "week": ngettext_lazy("%(num)d week ago", "%(num)d weeks ago", "num"),
    "day": ngettext_lazy("%(num)d day ago", "%(num)d days ago", "num"),
    "hour": ngettext_lazy("%(num)d hour ago", "%(num)d hours ago", "num"),
    "minute": ngettext_lazy("%(num)d minute ago", "%(num)d minutes ago", "num"),
}
AHEAD: Mapping[str, Any] = {
    "year": ngettext_lazy("in %(num)d year", "in %(num)d years", "num"),
    "month": ngettext_lazy("in %(num)d month", "in %(num)d months", "num"),
    "week": ngettext_lazy("in %(num)d week", "in %(num)d weeks", "num"),
    "day": ngettext_lazy("in %(num)d day", "in %(num)d days", "num"),
    "hour": ngettext_lazy("in %(num)d hour", "in %(num)d hours", "num"),
    "minute": ngettext_lazy("in %(num)d minute", "in %(num)d minutes", "num"),
}
DUE: Mapping[str, Any] = {
    "year": ngettext_lazy("Due in %(num)d year", "Due in %(num)d years", "num"),
    "month": ngettext_lazy("Due in %(num)d month", "Due in %(num)d months", "num"),
    "week": ngettext_lazy("Due in %(num)d week", "Due in %(num)d weeks", "num"),
    "day": ngettext_lazy("Due in %(num)d day", "Due in %(num)d days", "num"),
    "hour": ngettext_lazy("Due in %(num)d hour", "Due in %(num)d hours", "num"),
    "minute": ngettext_lazy("Due in %(num)d minute", "Due in %(num)d minutes", "num"),
}
OVERDUE: Mapping[str, Any] = {
    "year": ngettext_lazy("Overdue by %(num)d year", "Overdue by %(num)d years", "num"),
    "month": ngettext_lazy("Overdue by %(num)d month", "Overdue by %(num)d months", "num"),
    "week": ngettext_lazy("Overdue by %(num)d week", "Overdue by %(num)d weeks", "num"),
    "day": ngettext_lazy("Overdue by %(num)d day", "Overdue by %(num)d days", "num"),
    "hour": ngettext_lazy("Overdue by %(num)d hour", "Overdue by %(num)d hours", "num"),
    "minute": ngettext_lazy("Overdue by %(num)d minute", "Overdue by %(num)d minutes", "num"),
}

SECONDS_OF_NOW = 60
CHUNKS: Sequence[tuple[str, int]] = (("week", 7 * 24 * 3600), ("day", 24 * 3600), ("hour", 3600), ("minute", 60))
SHORTEST_MONTH = timedelta(days=28)
"""What is shorter has neither months nor years in it, and needs no calendar."""
SENTENCES: Mapping[str, Mapping[str, Any]] = {"ago": AGO, "ahead": AHEAD, "due": DUE, "overdue": OVERDUE}


def in_words(moment: datetime, now: datetime, language: str) -> str:
    """ "3 hours ago", "in 2 days", "just now", in the language that is spoken."""
    if _is_now(moment, now):
        return _("just now")
    return _said("ahead", now, moment, language) if moment > now else _said("ago", moment, now, language)


def due_in_words(moment: datetime, now: datetime, language: str) -> str:
    """ "Due in 2 days", "Overdue by 3 hours"."""
    if _is_now(moment, now):
        return _("Due now")
    return _said("due", now, moment, language) if moment > now else _said("overdue", moment, now, language)


def _is_now(moment: datetime, now: datetime) -> bool:
    return abs((now - moment).total_seconds()) < SECONDS_OF_NOW


def _said(kind: str, earlier: datetime, later: datetime, language: str) -> str:
    took = later - earlier
    if took < SHORTEST_MONTH:
        seconds = took.days * 24 * 3600 + took.seconds
        unit, length = next((unit, length) for unit, length in CHUNKS if seconds >= length)
        return _sentence(kind, unit, seconds // length, language)
    return _plain(timesince(earlier, later, time_strings=SENTENCES[kind], depth=1))  # type: ignore[arg-type]


@cache
def _sentence(kind: str, unit: str, number: int, language: str) -> str:
    """There are few of them: at most 59 minutes, 23 hours, 6 days, 3 weeks."""
    return _plain(SENTENCES[kind][unit] % {"num": number})


def _plain(said: str) -> str:
    return said.replace("\xa0", " ")  # a whole sentence may wrap, where there is no room for it
