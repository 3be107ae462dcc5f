"""Stuck work: open runs that nobody is going to do unless somebody moves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Window

from .models import EventType, Status, UserTaskEvent, UserTaskRun
from .models.runs import NEWEST_FIRST, UserTaskRunQuerySet
from .workload import Team

MOST_LISTED = 25
"""So many runs of each kind are listed; the others are counted."""
WAITS_TOO_LONG = timedelta(days=7)

COLUMNS = (
    "id",
    "user_task_def_name",
    "user_id",
    "user_group",
    "status",
    "notes",
    "scheduled_time",
    "due_at",
    "excluded_user_ids",
)
"""The columns of a row: what people see, and what the rules ask for."""


class Snag(StrEnum):
    """Why a run is stuck."""

    OWNER_GONE = "owner-gone"
    OWNER_OUTSIDE = "owner-outside"
    GROUP_EMPTY = "group-empty"
    OVERDUE = "overdue"
    WAITING = "waiting"


@dataclass(frozen=True)
class Stuck:
    """The runs that are stuck for one reason: the first `rows` of `number`."""

    snag: Snag
    rows: Sequence[Any]
    number: int


@dataclass(frozen=True)
class _Kind:
    of: Callable[[UserTaskRunQuerySet, datetime], UserTaskRunQuerySet]
    order: Sequence[str]


def _owner_gone(runs: UserTaskRunQuerySet, now: datetime) -> UserTaskRunQuerySet:
    """The owner has no account that can sign in."""
    return runs.filter(~Exists(_active(username=OuterRef("user_id"))), status=Status.ASSIGNED)


def _owner_outside(runs: UserTaskRunQuerySet, now: datetime) -> UserTaskRunQuerySet:
    """The owner can sign in and is not in the group that the run belongs to."""
    member = _active(username=OuterRef("user_id"), groups__name=OuterRef("user_group"))
    account = _active(username=OuterRef("user_id"))
    return runs.filter(Exists(account), ~Exists(member), status=Status.ASSIGNED, user_group__isnull=False)


def _group_empty(runs: UserTaskRunQuerySet, now: datetime) -> UserTaskRunQuerySet:
    """It waits in a group in which nobody can sign in."""
    with_members = Group.objects.filter(user__is_active=True).values("name").distinct()
    return runs.filter(status=Status.UNASSIGNED).exclude(user_group__in=with_members)


def _overdue(runs: UserTaskRunQuerySet, now: datetime) -> UserTaskRunQuerySet:
    return runs.overdue(now)


def _waiting(runs: UserTaskRunQuerySet, now: datetime) -> UserTaskRunQuerySet:
    """Nobody has had it for a week: it was neither created, released nor moved since.

    Only runs that have changed their owner are asked for when that was, each by itself: of a condition that events
    have to meet, a planner would make a walk through all of them.
    """
    since = now - WAITS_TOO_LONG
    moves = UserTaskEvent.objects.filter(run=OuterRef("pk"), type=EventType.ASSIGNED).order_by("-number")
    waiting = runs.filter(status=Status.UNASSIGNED, scheduled_time__lte=since)
    return waiting.alias(moved_at=Subquery(moves.values("time")[:1])).filter(Q(epoch__lte=1) | Q(moved_at__lte=since))


KINDS: Mapping[Snag, _Kind] = {
    Snag.OWNER_GONE: _Kind(_owner_gone, NEWEST_FIRST),
    Snag.OWNER_OUTSIDE: _Kind(_owner_outside, NEWEST_FIRST),
    Snag.GROUP_EMPTY: _Kind(_group_empty, NEWEST_FIRST),
    Snag.OVERDUE: _Kind(_overdue, ("due_at", "id")),
    Snag.WAITING: _Kind(_waiting, ("scheduled_time", "id")),
}


def stuck_work(team: Team, now: datetime) -> list[Stuck]:
    """What of the team's work is stuck, reason by reason; a run can be stuck for several.

    A query for each reason, and one for the rows that are listed: of the others no row is read.
    """
    found = {snag: _first_of(kind.of(team.runs(), now), kind.order) for snag, kind in KINDS.items()}
    listed = UserTaskRun.objects.filter(pk__in={run_id for firsts in found.values() for run_id, _number in firsts})
    rows: dict[Any, Any] = {row.id: row for row in listed.values_list(*COLUMNS, named=True)}
    return [
        Stuck(snag, [rows[run_id] for run_id, _ in firsts if run_id in rows], firsts[0][1] if firsts else 0)
        for snag, firsts in found.items()
    ]


def _first_of(runs: UserTaskRunQuerySet, order: Sequence[str]) -> list[tuple[Any, int]]:
    """The ids of the first ones, each with how many there are in all."""
    counted = runs.annotate(number=Window(Count("pk"))).order_by(*order)
    return list(counted.values_list("id", "number")[:MOST_LISTED])


def _active(**criteria: Any) -> Any:
    return User.objects.filter(is_active=True, **criteria)
