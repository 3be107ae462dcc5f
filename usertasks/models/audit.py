"""The audit beside the events: refusals, and what is left of events that were deleted by right."""

from __future__ import annotations

from django.db import models

from ..chain import LENGTH
from .events import MAX_DOOR
from .runs import MAX_ID


class Refusal(models.Model):
    """Somebody asked for a change and was refused.

    `action` is the verb, `code` the word of the refusal. `position` and `link` are its place among the refusals, given
    after it was committed: see the package `audit`.
    """

    time = models.DateTimeField()
    action = models.CharField(max_length=40)
    code = models.CharField(max_length=20)
    actor = models.CharField(max_length=MAX_ID)
    on_behalf_of = models.CharField(max_length=MAX_ID, null=True, blank=True)
    door = models.CharField(max_length=MAX_DOOR, blank=True, default="")
    address = models.GenericIPAddressField(null=True, blank=True)
    run_id = models.UUIDField("run", null=True, blank=True)
    """Of which run; there may be none of that id."""
    position = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)
    link = models.CharField(max_length=LENGTH, blank=True, default="", editable=False)
    redaction = models.CharField(max_length=LENGTH, blank=True, default="", editable=False)

    class Meta:
        verbose_name = "refusal"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["run_id"], name="refusal_run"),
            models.Index(fields=["time"], name="refusal_time"),
            models.Index(fields=["id"], condition=models.Q(position__isnull=True), name="refusal_unsealed"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.code}"


class PurgedEvent(models.Model):
    """What is left of an event that was deleted by right: its links, and a seal that says so."""

    position = models.BigIntegerField(primary_key=True)
    link = models.CharField(max_length=LENGTH)
    feed_link = models.CharField(max_length=LENGTH)
    seal = models.CharField(max_length=LENGTH)

    class Meta:
        verbose_name = "deleted event"

    def __str__(self) -> str:
        return f"at {self.position}"
