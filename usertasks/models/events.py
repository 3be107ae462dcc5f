"""Events: what happened to a run, in order. Append-only; everything else that tells of the past is built from them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from .. import json_text
from .runs import MAX_ID, UserTaskRun


class EventType(models.TextChoices):
    CREATED = "created"
    ASSIGNED = "assigned"
    SAVED = "saved"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    COMMENT_ADDED = "comment_added"
    COMMENT_EDITED = "comment_edited"
    COMMENT_DELETED = "comment_deleted"


class UserTaskEvent(models.Model):
    """One change: `actor` made it; `data` says the rest (see `events.py`); `on_behalf_of` in it names for whom."""

    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="events", db_index=False)
    number = models.PositiveIntegerField()
    time = models.DateTimeField()
    type = models.CharField(max_length=20, choices=EventType.choices)
    actor = models.CharField(max_length=MAX_ID)
    data = models.JSONField(decoder=json_text.Decoder, default=dict)

    class Meta:
        verbose_name = "event"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="event_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="event_number_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.type}"
