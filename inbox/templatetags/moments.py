"""Times in templates: the exact one, and as people say them. What stands in every row is made in inbox/pieces.py."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.translation import get_language

from inbox.pieces import Scribe
from inbox.times import due_in_words, in_words

register = template.Library()


@register.filter
def exact(moment: datetime) -> str:
    """ "21 November 2026, 18:30 JST": in the person's zone, as their language writes it."""
    return Scribe.here().exact(moment)


@register.filter
def relative(moment: datetime) -> str:
    """ "3 hours ago", "in 2 days", "just now"."""
    return in_words(moment, timezone.now(), get_language() or "")


@register.filter
def due(moment: datetime) -> str:
    """ "Due in 2 days", "Overdue by 3 hours"."""
    return due_in_words(moment, timezone.now(), get_language() or "")


@register.filter
def is_today(moment: datetime) -> bool:
    """Whether the time of the day alone says which moment is meant."""
    return timezone.localdate(moment) == timezone.localdate()
