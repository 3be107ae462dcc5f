"""The beats that every operation is made of: lock, ask, change, commit; see the package."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from .. import chain, events, hooks
from ..actors import Actor, Scope
from ..errors import Fault, InvalidArgument, NotFound, Stale
from ..models import ArmedHook, EventType, Hook, HookState, UserTaskEvent, UserTaskRun
from ..owners import flaw_of_name
from ..rules import require_permission, require_scope


def locked(run_id: UUID, by: Actor, expected: int | None, user_id: str | None = None) -> UserTaskRun:
    """The run, locked until the end of the transaction, among what `by` may see.

    A service that acts for `user_id` is trusted with who that is, so it is not held to what it sees itself.
    """
    runs = UserTaskRun.objects.filter(pk=run_id)
    is_trusted = user_id is not None and user_id != by.user_id and by.holds("act_on_behalf")
    return lock(runs if is_trusted else runs.visible_to(by), expected)


def lock(runs: Any, expected: int | None) -> UserTaskRun:
    run: UserTaskRun | None = runs.select_for_update(no_key=True).first()
    if run is None:
        raise NotFound("There is no such run.")
    if expected is not None and run.version != expected:
        raise Stale(f"The run is at version {run.version} by now.")
    return run


def person_of(user_id: str | None, by: Actor) -> str:
    """Whom the operation is for: the one who acts, or somebody whom a trusted service names."""
    if user_id is None or user_id == by.user_id:
        return by.user_id
    if flaw := flaw_of_name(user_id):
        raise InvalidArgument.at("user_id", Fault("invalid", flaw))
    require_permission("act_on_behalf", by)
    require_scope(Scope.RUNS_WRITE, by)
    return user_id


def hand(
    run: UserTaskRun,
    *,
    by: Actor,
    user_id: str | None,
    user_group: str | None,
    on_behalf_of: str | None = None,
    arms: bool = True,
    now: datetime | None = None,
    **note: Any,
) -> UserTaskRun:
    """Change the owner, which is a change of its own with its own event; `note` is added to what the event says.

    What was armed for the owner before lapses. A new user arms what is to happen by itself, unless `arms` is false.
    """
    now = now or timezone.now()
    old_user_id, old_user_group = run.user_id, run.user_group
    run.hand_to(user_id=user_id, user_group=user_group)
    data = {**events.assigned(run, old_user_id=old_user_id, old_user_group=old_user_group), **note}
    commit(run, EventType.ASSIGNED, by, data, on_behalf_of=on_behalf_of, now=now)
    if arms and run.actions and user_id not in (None, old_user_id):
        arm(run, Hook.ON_TASK_ASSIGNED, now)
    return run


def commit(
    run: UserTaskRun,
    kind: EventType,
    by: Actor,
    data: dict[str, Any],
    *,
    on_behalf_of: str | None = None,
    now: datetime | None = None,
) -> UserTaskRun:
    """Save the run as a new version, and what happened to it; hooks that can do nothing any more lapse."""
    now = now or timezone.now()
    run.version += 1
    run.save(force_update=True)
    record(run, kind, by, data, on_behalf_of=on_behalf_of, now=now)
    if run.actions and kind in LAPSING:
        lapse(run, now)
    return run


LAPSING = frozenset({EventType.ASSIGNED, EventType.COMPLETED, EventType.CANCELLED})
"""The changes after which hooks that were armed before may have lapsed."""


def arm(run: UserTaskRun, occasion: Hook, now: datetime) -> None:
    """Arm what the run does by itself on this occasion."""
    ArmedHook.objects.bulk_create(hooks.armed_by(run, occasion, now, count=run.armed_hooks.count()))


def lapse(run: UserTaskRun, now: datetime) -> None:
    """Settle the armed hooks of the run that would do nothing when they are due."""
    for hook in run.armed_hooks.armed().select_for_update(no_key=True):
        if reason := hooks.reason_to_lapse(hook, run):
            hook.settle(HookState.LAPSED, now, reason)


def record(
    run: UserTaskRun,
    kind: EventType,
    by: Actor,
    data: dict[str, Any],
    *,
    on_behalf_of: str | None = None,
    now: datetime | None = None,
) -> None:
    """Write the event; where a service acted for a person it names both."""
    if on_behalf_of not in (None, by.user_id):
        data = {**data, "on_behalf_of": on_behalf_of}
    new_event(run, kind, by, data, now or timezone.now(), after=_last_event(run)).save(force_insert=True)


NOTHING_YET = (0, chain.BEGINNING)
"""The number and the link that the first event of a run follows."""


def new_event(
    run: UserTaskRun, kind: EventType, by: Actor, data: dict[str, Any], now: datetime, *, after: tuple[int, str]
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


def _last_event(run: UserTaskRun) -> tuple[int, str]:
    """The number and the link of the newest event; the lock on the run makes the next one nobody else's."""
    newest: tuple[int, str] | None = run.events.order_by("-number").values_list("number", "link").first()
    return newest or NOTHING_YET
