"""Who leads a group, and who stands in for whom: names of an identity provider, never foreign keys."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from .runs import MAX_ID


class GroupLead(models.Model):
    """Somebody who moves the runs of a group, if they hold `lead_usertaskrun`, as the role `lead` does."""

    user_id = models.CharField("user", max_length=MAX_ID)
    user_group = models.CharField("group", max_length=MAX_ID)

    class Meta:
        verbose_name = "lead"
        ordering = ["user_group", "user_id"]
        constraints = [
            models.UniqueConstraint(fields=["user_id", "user_group"], name="lead_once_for_each_group"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} leads {self.user_group}"


class SubstitutionQuerySet(models.QuerySet["Substitution"]):
    def at(self, now: datetime) -> SubstitutionQuerySet:
        """What is in force then."""
        return self.filter(starts_at__lte=now, ends_at__gt=now)

    def not_over(self, now: datetime) -> SubstitutionQuerySet:
        """What is in force, or will be."""
        return self.filter(ends_at__gt=now)


class Substitution(models.Model):
    """While it lasts, `substitute_id` sees and does what `user_id` owns: from `starts_at`, until before `ends_at`."""

    user_id = models.CharField("user", max_length=MAX_ID, db_index=True)
    substitute_id = models.CharField("substitute", max_length=MAX_ID, db_index=True)
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    named_by = models.CharField("named by", max_length=MAX_ID)
    created_at = models.DateTimeField("created", auto_now_add=True)

    objects = SubstitutionQuerySet.as_manager()

    class Meta:
        verbose_name = "substitution"
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="substitution_ends_after_it_starts"),
            models.CheckConstraint(condition=~Q(user_id=F("substitute_id")), name="substitution_by_somebody_else"),
        ]

    def __str__(self) -> str:
        return f"{self.substitute_id} for {self.user_id}"
