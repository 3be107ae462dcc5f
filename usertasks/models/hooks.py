"""Hooks: what a run does by itself after a while, armed with the moment at which it is due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .. import json_text
from .leases import LeasedQuerySet
from .runs import UserTaskRun


class Hook(models.TextChoices):
    """What arms an action; the names are LittleHorse's."""

    ON_ARRIVAL = "ON_ARRIVAL", _("On arrival")
    ON_TASK_ASSIGNED = "ON_TASK_ASSIGNED", _("When assigned")


class HookAction(models.TextChoices):
    TASK = "task", _("Run a task")
    REASSIGN = "reassign", _("Reassign")
    CANCEL = "cancel", _("Cancel")


class HookState(models.TextChoices):
    ARMED = "armed", _("Armed")
    FIRED = "fired", _("Fired")
    LAPSED = "lapsed", _("Lapsed")


class LapseReason(models.TextChoices):
    """Why a hook did nothing."""

    ENDED = "ended", _("the task had ended")
    REASSIGNED = "reassigned", _("the task had changed hands")
    NOT_ASSIGNED = "not_assigned", _("nobody had the task")
    EXCLUDED = "excluded", _("the task must not go to them")
    TOO_MANY = "too_many", _("the task had armed too many timers")


class ArmedHookQuerySet(LeasedQuerySet["ArmedHook"]):
    def of(self, run_ids: Collection[UUID]) -> ArmedHookQuerySet:
        """Those of these runs, always in the same order: who locks them waits for nobody who waits for them."""
        return self.filter(run__in=run_ids).order_by("id")

    def armed(self) -> ArmedHookQuerySet:
        return self.filter(state=HookState.ARMED)

    def due(self, now: datetime) -> ArmedHookQuerySet:
        """Armed, due, and leased to nobody; the first due first."""
        return self.armed().filter(next_attempt_at__lte=now).order_by("next_attempt_at", "id")

    def due_changes(self, now: datetime) -> ArmedHookQuerySet:
        """Those that are due and change their run."""
        return self.due(now).exclude(action=HookAction.TASK)

    def due_tasks(self, now: datetime) -> ArmedHookQuerySet:
        """Those that are due and run a task."""
        return self.due(now).filter(action=HookAction.TASK)

    def lapse(self, reason: LapseReason, now: datetime) -> int:
        """Settle these armed hooks, which do nothing any more; how many there were."""
        return self.update(state=HookState.LAPSED, settled_at=now, reason=reason)


class ArmedHook(models.Model):
    """One action of a run, armed at `epoch`.

    `arguments` are those of the action: `task_def_name` and `variables`, or `user_id` and `user_group`, or none.
    `next_attempt_at` is when a worker may take it: at `due_at`, or later where one has it or has failed at it.
    """

    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="armed_hooks")
    hook = models.CharField(max_length=20, choices=Hook.choices)
    action = models.CharField(max_length=10, choices=HookAction.choices)
    arguments = models.JSONField(decoder=json_text.Decoder, default=dict)
    delay_seconds = models.PositiveIntegerField()
    epoch = models.PositiveIntegerField()
    due_at = models.DateTimeField("due")
    state = models.CharField(max_length=10, choices=HookState.choices, default=HookState.ARMED)
    reason = models.CharField(max_length=20, choices=LapseReason.choices, blank=True, default="")
    settled_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    objects = ArmedHookQuerySet.as_manager()

    class Meta:
        verbose_name = "timer"
        ordering = ["due_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=HookState.values), name="hook_state_known"),
            models.CheckConstraint(condition=Q(action__in=HookAction.values), name="hook_action_known"),
            models.CheckConstraint(
                condition=Q(state="armed", settled_at__isnull=True) | (~Q(state="armed") & Q(settled_at__isnull=False)),
                name="hook_settled_at_when_settled",
            ),
            models.CheckConstraint(
                condition=Q(state="lapsed") & ~Q(reason="") | ~Q(state="lapsed") & Q(reason=""),
                name="hook_reason_when_lapsed",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], condition=Q(state="armed"), name="hook_due"),
        ]

    def __str__(self) -> str:
        return f"{self.hook} {self.action} at {self.due_at:%Y-%m-%d %H:%M}"

    def settle(self, state: HookState, now: datetime, reason: str = "") -> None:
        """Say what became of it; `ArmedHookQuerySet.lapse` does so for many."""
        self.state, self.settled_at, self.reason = state, now, reason
        self.save(update_fields=["state", "settled_at", "reason", "error"])
