"""Times as people say them; the exact time stands beside them, see components/moment.html.

Whole sentences, one for each unit: what "3 days" becomes after "in" differs from what it becomes before "ago".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from usertasks import locales

register = template.Library()

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


@register.filter
def exact(moment: datetime) -> str:
    """ "21 November 2026, 18:30 JST": in the person's zone, as their language writes it."""
    return locales.exact(moment)


@register.filter
def relative(moment: datetime) -> str:
    """ "3 hours ago", "in 2 days", "just now"."""
    now = timezone.now()
    if _is_now(moment, now):
        return _("just now")
    return _said(AHEAD, now, moment) if moment > now else _said(AGO, moment, now)


@register.filter
def due(moment: datetime) -> str:
    """ "Due in 2 days", "Overdue by 3 hours"."""
    now = timezone.now()
    if _is_now(moment, now):
        return _("Due now")
    return _said(DUE, now, moment) if moment > now else _said(OVERDUE, moment, now)


@register.filter
def is_today(moment: datetime) -> bool:
    """Whether the time of the day alone says which moment is meant."""
    return timezone.localdate(moment) == timezone.localdate()


def _is_now(moment: datetime, now: datetime) -> bool:
    return abs((now - moment).total_seconds()) < 60


def _said(sentences: Mapping[str, Any], earlier: datetime, later: datetime) -> str:
    said = timesince(earlier, later, time_strings=dict(sentences), depth=1)
    return said.replace("\xa0", " ")  # a whole sentence may wrap, where there is no room for it
