"""Runs: one task for one person or one group, and what must always be true of it."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property

from .. import json_text
from ..actors import Actor, Scope
from .definitions import MAX_NAME, NO_ACTIONS, UserTaskDef, UserTaskField, Written, fields_of
from .orders import MOST_URGENT, SOONEST, Order, due_before
from .statuses import OPEN, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ID = 255
MAX_PRIORITY = 100
NEWEST_FIRST = ("-scheduled_time", "-id")
LATE = ("due_at", "scheduled_time", "user_task_def_name")
"""What a count of what is overdue asks for."""
URGENT = (*LATE, "priority")
"""What a walk in the order of urgency asks for. An index of -1 times the priority has to have the priority as well."""

GUID = r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
"""The two forms in which the id of a run may be written."""


def guid_of(text: str) -> uuid.UUID | None:
    """The id that a text says, in either form, or None."""
    return uuid.UUID(text) if re.fullmatch(GUID, text) else None


def run_visible_to(actor: Actor, *, prefix: str = "") -> Q:
    """Which runs the rules let `actor` see; `prefix` leads to the run from rows that belong to one."""
    if actor.holds("view_usertaskrun"):
        return Q()
    users, groups = owners_seen_by(actor)
    return Q(**{f"{prefix}user_id__in": users}) | Q(**{f"{prefix}user_group__in": groups})


def owners_seen_by(actor: Actor) -> tuple[list[str], list[str]]:
    """The users and the groups whose runs `actor` sees: themself and whom they stand in for, their groups and those
    that they lead."""
    if not actor.has_scope(Scope.RUNS_READ):
        return [], []
    return [actor.user_id, *sorted(actor.stands_in_for)], sorted(actor.groups | actor.leads)


class UserTaskRunQuerySet(models.QuerySet["UserTaskRun"]):
    def visible_to(self, actor: Actor) -> UserTaskRunQuerySet:
        """What the rules let `actor` see."""
        return self.filter(run_visible_to(actor))

    def open(self) -> UserTaskRunQuerySet:
        return self.filter(status__in=OPEN)

    def overdue(self, now: datetime) -> UserTaskRunQuerySet:
        """Open, and past the time by which it was due."""
        return self.open().filter(due_before(now))

    def newest_first(self) -> UserTaskRunQuerySet:
        return self.order_by(*NEWEST_FIRST)


def _newest(*fields: str, name: str) -> models.Index:
    """An index that answers equality on `fields`, newest first; behind the order it knows what is overdue."""
    return models.Index(*fields, F("scheduled_time").desc(), F("id").desc(), "due_at", name=f"run_{name}")


def _waiting(
    order: Order, *fields: str, status: Status | None = None, name: str, counted: Sequence[str] = ()
) -> models.Index:
    """An index of the open runs, or of one open status, in an order that only work to be done is looked at in.

    What a count asks for beside `fields` stands behind the order, so that it need not read a run.
    """
    condition = Q(status=status) if status else Q(status__in=[Status.UNASSIGNED, Status.ASSIGNED])
    keys = [key.expression for key in order.keys]
    return models.Index(*fields, *keys, *counted, condition=condition, name=f"run_{name}")


class UserTaskRun(models.Model):
    """A step of a workflow that waits for a person.

    `user_id` and `user_group` are names owned by an identity provider, never foreign keys. `epoch` grows with every
    change of owner and is 1 for the first one, as in LittleHorse; `version` grows with every change. The name and
    version of the definition are copied here because searches go by them, and a definition never changes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wf_run_id = models.CharField("workflow run", max_length=MAX_ID)
    definition = models.ForeignKey(UserTaskDef, on_delete=models.PROTECT, related_name="runs")
    user_task_def_name = models.CharField("definition name", max_length=MAX_NAME)
    user_task_def_version = models.PositiveIntegerField("definition version")
    user_id = models.CharField("user", max_length=MAX_ID, null=True, blank=True)
    user_group = models.CharField("group", max_length=MAX_ID, null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    results = models.JSONField(decoder=json_text.Decoder, default=dict, blank=True)
    notes = models.TextField(blank=True, default="")
    scheduled_time = models.DateTimeField("created", default=timezone.now)
    epoch = models.PositiveIntegerField(default=1)
    version = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField("due", null=True, blank=True)
    priority = models.PositiveSmallIntegerField(default=50)
    actions = models.JSONField(decoder=json_text.Decoder, default=list, db_default=NO_ACTIONS, blank=True)
    """What it does by itself after a while, in the form of section 6 of the API: see `hooks.py`."""
    on_cancellation_exception_name = models.CharField(max_length=MAX_ID, null=True, blank=True)
    completed_at = models.DateTimeField("completed", null=True, blank=True)
    request_digest = models.CharField(max_length=64, editable=False)
    """SHA-256 of the request that created it: tells a repeat from another request with the same id."""
    excluded_user_ids = models.JSONField("excluded", default=list, db_default=NO_ACTIONS, blank=True)
    """Who must not do it, because they did what it checks: four eyes."""
    anonymised_at = models.DateTimeField("made anonymous", null=True, blank=True, editable=False)

    objects = UserTaskRunQuerySet.as_manager()

    snooze_at_hand: tuple[str, datetime | None] | None = None
    """Of one person, until when they have put it off, where that was read along with it."""

    class Meta:
        verbose_name = "run"
        permissions = [
            ("assign_usertaskrun", "Can assign runs"),
            ("cancel_usertaskrun", "Can cancel runs"),
            ("override_claim", "Can release, save and complete what others have"),
            ("act_on_behalf", "Can act for another user"),
            ("lead_usertaskrun", "Can assign and cancel runs of the groups that they lead"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="run_status_known"),
            models.CheckConstraint(
                condition=~Q(status="UNASSIGNED") | Q(user_id__isnull=True, user_group__isnull=False),
                name="run_unassigned_waits_in_a_group",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["ASSIGNED", "DONE"]) | Q(user_id__isnull=False), name="run_has_its_user"
            ),
            models.CheckConstraint(
                condition=Q(status="DONE", completed_at__isnull=False)
                | (~Q(status="DONE") & Q(completed_at__isnull=True)),
                name="run_completed_at_when_done",
            ),
            models.CheckConstraint(condition=Q(user_id__isnull=True) | ~Q(user_id=""), name="run_user_not_blank"),
            models.CheckConstraint(
                condition=Q(user_group__isnull=True) | ~Q(user_group=""), name="run_group_not_blank"
            ),
            models.CheckConstraint(
                condition=Q(priority__gte=0, priority__lte=MAX_PRIORITY), name="run_priority_0_to_100"
            ),
        ]
        # Every combination of status, definition, user and group is answered from one of these, newest first, at a cost
        # that depends on the page only: see `Search`, which spells the status out where it is open.
        indexes = [
            _newest("status", name="status"),
            _newest("user_task_def_name", "status", name="def_status"),
            _newest("user_id", "status", name="user_status"),
            _newest("user_group", "status", name="group_status"),
            _newest("user_task_def_name", "user_id", "status", name="def_user_status"),
            _newest("user_task_def_name", "user_group", "status", name="def_group_status"),
            _newest("user_id", "user_group", "status", name="user_group_status"),
            _newest("user_task_def_name", "user_id", "user_group", "status", name="def_user_group_status"),
            _newest("wf_run_id", name="wf_run"),
            models.Index(F("completed_at").desc(), condition=Q(status="DONE"), name="run_completed"),
            _waiting(SOONEST, "user_id", status=Status.ASSIGNED, name="mine_due", counted=[*LATE, "user_group"]),
            _waiting(SOONEST, "user_group", status=Status.UNASSIGNED, name="waiting_due", counted=LATE),
            _waiting(SOONEST, "user_group", status=Status.ASSIGNED, name="ours_due", counted=[*LATE, "user_id"]),
            _waiting(
                MOST_URGENT, "user_id", status=Status.ASSIGNED, name="mine_urgent", counted=[*URGENT, "user_group"]
            ),
            _waiting(MOST_URGENT, "user_group", status=Status.UNASSIGNED, name="waiting_urgent", counted=URGENT),
            _waiting(
                MOST_URGENT, "user_group", status=Status.ASSIGNED, name="ours_urgent", counted=[*URGENT, "user_id"]
            ),
            _waiting(SOONEST, name="open_due", counted=[*LATE, "status", "user_task_def_version"]),
            _waiting(MOST_URGENT, name="open_urgent", counted=[*URGENT, "status"]),
        ]

    def __str__(self) -> str:
        return f"{self.user_task_def_name} {self.id.hex[:8]}"

    @cached_property
    def fields(self) -> list[UserTaskField]:
        """The questions that it asks, in their order."""
        return fields_of(self.written)

    @property
    def written(self) -> Written:
        """Which definition it was made from."""
        return self.definition_id, self.user_task_def_name, self.user_task_def_version

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def is_overdue(self, now: datetime) -> bool:
        return self.is_open and self.due_at is not None and self.due_at < now

    def hand_to(self, *, user_id: str | None, user_group: str | None) -> None:
        """Make it this user's, or let it wait in this group; the only place where the owner changes."""
        self.user_id, self.user_group = user_id, user_group
        self.status = Status.ASSIGNED if user_id is not None else Status.UNASSIGNED
        self.epoch += 1
