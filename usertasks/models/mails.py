"""Mails: which ones are to be sent to whom, and who wants which kind."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .. import json_text
from .leases import LeasedQuerySet
from .runs import UserTaskRun


class MailKind(models.TextChoices):
    ASSIGNED = "assigned", _("A task is assigned to me")
    GROUP = "group", _("A task arrives in one of my groups")
    REMINDER = "reminder", _("A reminder of a task")
    COMMENT = "comment", _("Somebody comments on my task")
    ENDPOINT = "endpoint", _("A webhook endpoint was switched off")


CHOOSABLE = (MailKind.ASSIGNED, MailKind.GROUP, MailKind.REMINDER, MailKind.COMMENT)
"""The kinds that a person can switch off, each a field of `MailChoice`."""


class MailState(models.TextChoices):
    PENDING = "pending", _("Pending")
    SENT = "sent", _("Sent")
    UNCERTAIN = "uncertain", _("Perhaps sent")
    SKIPPED = "skipped", _("No longer needed")
    DEAD = "dead", _("Given up")


class MailQuerySet(LeasedQuerySet["Mail"]):
    def pending(self) -> MailQuerySet:
        return self.filter(state=MailState.PENDING)

    def due(self, now: datetime) -> MailQuerySet:
        """Pending, due, and leased to nobody."""
        return self.pending().filter(next_attempt_at__lte=now).order_by("next_attempt_at", "id")


class Mail(models.Model):
    """A mail to one person about one thing. `occasion` names that thing: nobody gets two mails about it.

    `is_handed_over` is set before the mail server gets it: who finds it set does not know whether it was taken, and
    does not send it again.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="+", null=True)
    kind = models.CharField(max_length=10, choices=MailKind.choices)
    occasion = models.CharField(max_length=100)
    """Such as `event:17` or `hook:4`."""
    content = models.JSONField(decoder=json_text.Decoder, default=dict)
    """What the templates show beside the run: who did it, the words of a comment or a reminder."""
    state = models.CharField(max_length=10, choices=MailState.choices, default=MailState.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    is_handed_over = models.BooleanField(default=False)
    settled_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")

    objects = MailQuerySet.as_manager()

    class Meta:
        verbose_name = "mail"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "occasion"], name="mail_once_for_each_occasion"),
            models.CheckConstraint(condition=Q(state__in=MailState.values), name="mail_state_known"),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], condition=Q(state="pending"), name="mail_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user}"


class MailChoice(models.Model):
    """Which kinds of mail a person wants; whoever has no row wants what the defaults say."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_choice")
    assigned = models.BooleanField(MailKind.ASSIGNED.label, default=True)
    group = models.BooleanField(MailKind.GROUP.label, default=False)
    reminder = models.BooleanField(MailKind.REMINDER.label, default=True)
    comment = models.BooleanField(MailKind.COMMENT.label, default=True)

    def __str__(self) -> str:
        return f"mails to {self.user}"

    @staticmethod
    def of(user: User) -> MailChoice:
        """What this person has chosen, or the defaults; no query where it was selected with the user."""
        chosen: MailChoice | None = getattr(user, "mail_choice", None)
        return chosen or MailChoice(user=user)

    def wants(self, kind: str) -> bool:
        """Whether mails of this kind are wanted; those that nobody can switch off always are."""
        return kind not in CHOOSABLE or bool(getattr(self, kind))
