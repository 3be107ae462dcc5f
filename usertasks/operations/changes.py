"""Changes: what becomes of runs that are locked, one or a thousand, and how it is written with a few statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from .. import chain, events, hooks
from ..actors import Actor
from ..models import ArmedHook, EventType, Hook, LapseReason, UserTaskEvent, UserTaskRun
from .statements import Newest, insert_events, update_runs

CHANGING = ("user_id", "user_group", "status", "results", "epoch", "version", "completed_at")
"""The columns of a run that operations change."""

LAPSING = frozenset({EventType.ASSIGNED, EventType.COMPLETED, EventType.CANCELLED})
"""The changes after which hooks that were armed before may have lapsed."""


@dataclass(frozen=True)
class Before:
    """What a run was like: its version and its owner."""

    version: int
    user_id: str | None
    user_group: str | None


@dataclass
class Change:
    """What becomes of one run. It is made in memory, with what is to be told of it, and written by `write`.

    A change of which nothing is told is none: the run was so already.
    """

    run: UserTaskRun
    by: Actor
    now: datetime = field(default_factory=timezone.now)
    told: list[tuple[EventType, dict[str, Any]]] = field(default_factory=list)
    arms: bool = False

    def __post_init__(self) -> None:
        run = self.run
        self.before = Before(run.version, run.user_id, run.user_group)
        self._was = {name: getattr(run, name) for name in CHANGING}

    def tell(self, kind: EventType, data: dict[str, Any], *, on_behalf_of: str | None = None) -> Change:
        """A new version of the run, and what happened to it."""
        self.run.version += 1
        self.told.append((kind, named(data, self.by, on_behalf_of)))
        return self

    def hand(
        self,
        *,
        user_id: str | None,
        user_group: str | None,
        on_behalf_of: str | None = None,
        arms: bool = True,
        **note: Any,
    ) -> Change:
        """Change the owner, which is a change of its own with its own event; `note` is added to what the event says.

        What was armed for the owner before lapses. A new user arms what is to happen by itself, unless `arms` is false.
        """
        run = self.run
        old_user_id, old_user_group = run.user_id, run.user_group
        run.hand_to(user_id=user_id, user_group=user_group)
        data = {**events.assigned(run, old_user_id=old_user_id, old_user_group=old_user_group), **note}
        self.arms = arms and user_id not in (None, old_user_id)
        return self.tell(EventType.ASSIGNED, data, on_behalf_of=on_behalf_of)

    @property
    def changed(self) -> set[str]:
        """The columns that may hold something else than before; equal is not the same, as `True == 1`."""
        return {name for name, value in self._was.items() if getattr(self.run, name) is not value}

    def events_after(self, newest: Newest) -> Iterator[UserTaskEvent]:
        """What is told of it, as events after the one of that number and link."""
        for kind, data in self.told:
            event = new_event(self.run, kind, self.by, data, self.now, after=newest)
            newest = event.number, event.link
            yield event


def named(data: dict[str, Any], by: Actor, on_behalf_of: str | None) -> dict[str, Any]:
    """What an event says; where somebody acted for another person it names both."""
    return data if on_behalf_of in (None, by.user_id) else {**data, "on_behalf_of": on_behalf_of}


def new_event(
    run: UserTaskRun, kind: EventType, by: Actor, data: dict[str, Any], now: datetime, *, after: Newest
) -> UserTaskEvent:
    """The event after the one of that number and link, not yet written."""
    number, previous = after
    event = UserTaskEvent(
        run=run,
        number=number + 1,
        time=now,
        type=kind,
        actor=by.user_id,
        data=data,
        door=by.origin.door,
        address=by.origin.address,
    )
    event.link = chain.link_of_event(event, previous)
    return event


def write(change: Change) -> UserTaskRun:
    """Write one change; gives the fresh run."""
    write_all([change])
    return change.run


def write_all(changes: Sequence[Change]) -> None:
    """Write the runs as new versions, what happened to them, and which hooks lapse or are armed by that.

    With as many statements for a thousand as for one.
    """
    changes = [change for change in changes if change.told]
    if not changes:
        return
    names = set[str]().union(*(change.changed for change in changes))
    newest = update_runs([change.run for change in changes], names)
    insert_events([event for change in changes for event in change.events_after(newest[change.run.id])])
    with_hooks = [change for change in changes if change.run.actions]
    if lapsing := [change.run for change in with_hooks if any(kind in LAPSING for kind, _data in change.told)]:
        _lapse(lapsing, changes[0].now)
    if arming := [change for change in with_hooks if change.arms]:
        _arm(arming)


def _lapse(runs: Sequence[UserTaskRun], now: datetime) -> None:
    """Settle the armed hooks of these runs that would do nothing when they are due."""
    changed = {run.id: run for run in runs}
    lapsed: dict[LapseReason, list[int]] = {}
    for hook in ArmedHook.objects.armed().of(changed).select_for_update(no_key=True):
        if reason := hooks.reason_to_lapse(hook, changed[hook.run_id]):
            lapsed.setdefault(reason, []).append(hook.pk)
    for reason, ids in lapsed.items():
        ArmedHook.objects.filter(pk__in=ids).lapse(reason, now)


def _arm(changes: Sequence[Change]) -> None:
    """Arm what these runs do by themselves when somebody gets them."""
    arming = [change for change in changes if hooks.is_armed_by(change.run, Hook.ON_TASK_ASSIGNED)]
    counts = _armed_so_far([change.run.id for change in arming]) if arming else {}
    ArmedHook.objects.bulk_create(
        hook
        for change in arming
        for hook in hooks.armed_by(change.run, Hook.ON_TASK_ASSIGNED, change.now, count=counts.get(change.run.id, 0))
    )


def _armed_so_far(run_ids: Sequence[UUID]) -> dict[UUID, int]:
    counts = ArmedHook.objects.of(run_ids).order_by().values("run").annotate(count=Count("pk"))
    return dict(counts.values_list("run", "count"))
