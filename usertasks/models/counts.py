"""How many runs have ended, of whom and in which group, and how many are open, due on which day.

PostgreSQL itself writes these rows: see `totals.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from .runs import MAX_ID


class CountKind(models.TextChoices):
    """What a row is: one change, which is in no total yet, or a total."""

    CHANGE = "change"
    PERSON = "person"
    GROUP = "group"


OF_PEOPLE = (CountKind.CHANGE, CountKind.PERSON)
OF_GROUPS = (CountKind.CHANGE, CountKind.GROUP)
TOTALS = (CountKind.GROUP, CountKind.PERSON)


class ClosedCountQuerySet(models.QuerySet["ClosedCount"]):
    def of(self, statuses: Collection[str], owners: Mapping[str, Any]) -> ClosedCountQuerySet:
        """The rows whose sum is the number of runs that ended so; `owners` are conditions on the user and the group."""
        kinds = OF_PEOPLE if any(name.startswith("user_id") for name in owners) else OF_GROUPS
        return self.filter(kind__in=kinds, status__in=statuses, **owners)


class ClosedCount(models.Model):
    """So many runs more, or fewer, that ended with this status, of this user in this group.

    A change tells of one run. The total of a person is of what they have in one group, or in none; that of a group is
    of everybody's, and names no user.
    """

    kind = models.CharField(max_length=6)
    status = models.CharField(max_length=10)
    user_id = models.CharField("user", max_length=MAX_ID, null=True)
    user_group = models.CharField("group", max_length=MAX_ID, null=True)
    runs = models.IntegerField()

    objects = ClosedCountQuerySet.as_manager()

    class Meta:
        verbose_name = "count of ended runs"
        verbose_name_plural = "counts of ended runs"
        constraints = [
            models.UniqueConstraint(
                F("kind"),
                F("status"),
                Coalesce("user_id", Value("")),
                Coalesce("user_group", Value("")),
                condition=Q(kind__in=TOTALS),
                name="closed_count_one_total",
            )
        ]
        # With `runs` in it, an index alone tells a sum.
        indexes = [
            models.Index(
                fields=["user_id", "user_group", "status", "runs"],
                condition=Q(kind__in=OF_PEOPLE),
                name="closed_count_of_people",
            ),
            models.Index(
                fields=["user_group", "status", "runs"], condition=Q(kind__in=OF_GROUPS), name="closed_count_of_groups"
            ),
            models.Index(fields=["id"], condition=Q(runs=0), name="closed_count_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status} {self.runs:+}"


class OpenCountQuerySet(models.QuerySet["OpenCount"]):
    def due_before(self, day: date) -> OpenCountQuerySet:
        """The rows whose sum is the number of open runs that were due on an earlier day."""
        return self.filter(due_day__lt=day)


class OpenCount(models.Model):
    """So many open runs more, or fewer, that are due on this day of UTC.

    A change tells of one run, or of those that one statement wrote. What is never due has the day of `NEVER`: see
    `orders.py`. A claim changes nothing here, which is why there is neither a status nor an owner.
    """

    due_day = models.DateField("due")
    is_total = models.BooleanField("total")
    runs = models.IntegerField()

    objects = OpenCountQuerySet.as_manager()

    class Meta:
        verbose_name = "count of open runs"
        verbose_name_plural = "counts of open runs"
        constraints = [
            models.UniqueConstraint(fields=["due_day"], condition=Q(is_total=True), name="open_count_one_total")
        ]

    def __str__(self) -> str:
        return f"{self.due_day} {self.runs:+}"
