"""What has come to somebody since a position: tasks that are theirs now, or wait in their groups, by others' doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from inbox.boxes import BOXES, Box
from usertasks.actors import Actor
from usertasks.models import EventType, FeedHead, UserTaskEvent
from usertasks.models.feed import ONLY
from usertasks.names import readable

MOST = 5
"""So many are named, the others counted."""
LOOKED_AT = 1000
"""The newest events, and the newest that are not published; who was away for long is told of the last of them only."""
ARRIVING = (EventType.CREATED, EventType.ASSIGNED)
COLUMNS = ("id", "user_task_def_name", "scheduled_time", "excluded_user_ids")


@dataclass(frozen=True)
class Arrival:
    """A task, without anything that a stranger who sees the screen should not read."""

    run_id: UUID
    title: str


@dataclass(frozen=True)
class Arrivals:
    """The newest first; `more` have come beside them. `has_mine` where some of all wait for nobody else."""

    newest: Sequence[Arrival]
    more: int
    has_mine: bool


def arrivals_since(position: int, *, by: Actor) -> Arrivals:
    """What has come since, and is still there; a position is what `live.position` tells."""
    ids = _moved_since(position, by)
    mine, waiting = (_within(BOXES[name], ids, by) if ids else [] for name in ("mine", "groups"))
    ordered = sorted([*mine, *waiting], key=lambda run: (run.scheduled_time, run.id), reverse=True)
    newest = [Arrival(run.id, readable(run.user_task_def_name)) for run in ordered[:MOST]]
    return Arrivals(newest, more=len(ordered) - len(newest), has_mine=bool(mine))


def _within(box: Box, ids: set[UUID], by: Actor) -> list[Any]:
    """Which of them lie in the box, but for those that `by` must not do."""
    runs = box.search(by).runs().filter(pk__in=ids).values_list(*COLUMNS, named=True)
    return [run for run in runs if by.user_id not in run.excluded_user_ids]


def _moved_since(position: int, by: Actor) -> set[UUID]:
    """The runs that others have made or moved since; a position counts the events that have no place yet as well."""
    head = FeedHead.objects.filter(pk=ONLY).values_list("position", flat=True).first() or 0
    published = UserTaskEvent.objects.filter(position__gt=max(position, head - LOOKED_AT))
    waiting = UserTaskEvent.objects.unpublished().order_by("id")[max(0, position - head) :][:LOOKED_AT]
    events = UserTaskEvent.objects.filter(
        Q(pk__in=published.values("pk")) | Q(pk__in=[*waiting.values_list("pk", flat=True)])
    )
    of_others = events.filter(type__in=ARRIVING).exclude(actor=by.user_id)
    moved = of_others.values_list("run_id", "data__on_behalf_of")
    return {run_id for run_id, on_behalf_of in moved if on_behalf_of != by.user_id}
