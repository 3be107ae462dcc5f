"""Times as people say them; the exact time stands beside them, see components/moment.html."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def relative(moment: datetime) -> str:
    """ "3 hours ago", "in 2 days", "just now"."""
    now = timezone.now()
    if abs((now - moment).total_seconds()) < 60:
        return _("just now")
    if moment > now:
        return _("in %(span)s") % {"span": timesince(now, moment, depth=1)}
    return _("%(span)s ago") % {"span": timesince(moment, now, depth=1)}


@register.filter
def is_today(moment: datetime) -> bool:
    """Whether the time of the day alone says which moment is meant."""
    return timezone.localdate(moment) == timezone.localdate()


@register.filter
def span(moment: datetime) -> str:
    """How long ago, or how far ahead: "2 days"."""
    now = timezone.now()
    if abs((now - moment).total_seconds()) < 60:
        return _("a moment")
    return timesince(min(moment, now), max(moment, now), depth=1)
