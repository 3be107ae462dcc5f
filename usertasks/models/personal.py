"""What people arrange for themselves: runs put off until later, filters kept under a name, their language."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .runs import MAX_ID, UserTaskRun

MAX_FILTER_NAME = 60
MAX_QUERY = 2000


class SnoozeQuerySet(models.QuerySet["Snooze"]):
    def of(self, user_id: str, now: datetime) -> SnoozeQuerySet:
        """What somebody has put off, and not yet back."""
        return self.filter(user_id=user_id, until__gt=now)


class Snooze(models.Model):
    """One person does not want to see a run among theirs until then; nobody else notices."""

    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="snoozes")
    user_id = models.CharField("user", max_length=MAX_ID)
    until = models.DateTimeField()

    objects = SnoozeQuerySet.as_manager()

    class Meta:
        verbose_name = "snooze"
        constraints = [models.UniqueConstraint(fields=["user_id", "run"], name="snooze_once_for_each_person")]
        indexes = [models.Index(fields=["user_id", "until"], name="snooze_user_until")]

    def __str__(self) -> str:
        return f"{self.run_id} for {self.user_id}"


class SavedFilter(models.Model):
    """A box and what somebody looks for in it, under a name; `user_group` sees it as well where one is given."""

    user_id = models.CharField("user", max_length=MAX_ID)
    user_group = models.CharField("shared with", max_length=MAX_ID, null=True, blank=True)
    name = models.CharField(max_length=MAX_FILTER_NAME)
    box = models.CharField(max_length=20)
    """The name of a box of the inbox."""
    query = models.CharField(max_length=MAX_QUERY)
    """The filters and the order, as the query of an address."""
    created_at = models.DateTimeField("created", auto_now_add=True)

    class Meta:
        verbose_name = "saved filter"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["user_id", "name"], name="saved_filter_once_for_each_name"),
            models.CheckConstraint(
                condition=Q(user_group__isnull=True) | ~Q(user_group=""), name="saved_filter_group_not_blank"
            ),
        ]
        indexes = [
            models.Index(fields=["user_group"], condition=Q(user_group__isnull=False), name="saved_filter_shared")
        ]

    def __str__(self) -> str:
        return self.name


class Preferences(models.Model):
    """How somebody wants the pages and their mails: a blank language or time zone is that of their browser."""

    user_id = models.CharField("user", max_length=MAX_ID, unique=True)
    language = models.CharField(max_length=10, blank=True, default="")
    time_zone = models.CharField(max_length=60, blank=True, default="")
    has_shortcuts = models.BooleanField(default=True, db_default=True)
    """Whether single letters on the keyboard do something."""
    changed_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        verbose_name = "preferences"
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return self.user_id
