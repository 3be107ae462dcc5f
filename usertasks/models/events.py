"""Events: what happened to a run, in order. Append-only; everything else that tells of the past is built from them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .. import json_text
from ..actors import Actor
from ..chain import LENGTH
from .runs import MAX_ID, UserTaskRun, run_visible_to

MAX_DOOR = 10


class EventType(models.TextChoices):
    CREATED = "created", _("Created")
    ASSIGNED = "assigned", _("Assigned")
    SAVED = "saved", _("Saved")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    TASK_EXECUTED = "task_executed", _("Task Executed")
    COMMENT_ADDED = "comment_added", _("Comment Added")
    COMMENT_EDITED = "comment_edited", _("Comment Edited")
    COMMENT_DELETED = "comment_deleted", _("Comment Deleted")


class UserTaskEventQuerySet(models.QuerySet["UserTaskEvent"]):
    def unpublished(self) -> UserTaskEventQuerySet:
        """Committed, and without a position in the feed yet."""
        return self.filter(position__isnull=True)

    def visible_to(self, actor: Actor) -> UserTaskEventQuerySet:
        """The events of the runs that `actor` may see."""
        return self.filter(run_visible_to(actor, prefix="run__"))


class UserTaskEvent(models.Model):
    """One change: `actor` made it; `data` says the rest (see `events.py`); `on_behalf_of` in it names for whom.

    `door` and `address` say from where. `link` follows the link of the event before it, see `chain.py`; `redaction` is
    the seal of one that was made anonymous. `position` and `feed_link` are its place in the feed of all events, given
    after it was committed: see `feed.py`.
    """

    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="events", db_index=False)
    number = models.PositiveIntegerField()
    time = models.DateTimeField()
    type = models.CharField(max_length=20, choices=EventType.choices)
    actor = models.CharField(max_length=MAX_ID)
    data = models.JSONField(decoder=json_text.Decoder, default=dict)
    door = models.CharField(max_length=MAX_DOOR, blank=True, default="", db_default="")
    address = models.GenericIPAddressField(null=True, blank=True)
    link = models.CharField(max_length=LENGTH, blank=True, default="", db_default="", editable=False)
    redaction = models.CharField(max_length=LENGTH, blank=True, default="", db_default="", editable=False)
    position = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)
    feed_link = models.CharField(max_length=LENGTH, blank=True, default="", db_default="", editable=False)

    objects = UserTaskEventQuerySet.as_manager()

    class Meta:
        verbose_name = "event"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="event_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="event_number_from_1"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(position__isnull=True), name="event_unpublished"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.type}"
