"""The beats that every operation is made of: lock, ask, change, commit; see the package."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from .. import events, json_text
from ..actors import Actor
from ..errors import Fault, InvalidArgument, NotFound, Stale
from ..models import EventType, UserTaskEvent, UserTaskRun
from ..models.runs import MAX_ID
from ..rules import require_permission


def owner_of(*, user_id: str | None, user_group: str | None) -> tuple[str | None, str | None]:
    """The pair as it may be stored. Raises `InvalidArgument`: both missing, one blank, too long or not storable."""
    pair = {"user_id": user_id, "user_group": user_group}
    faults = {name: [Fault("invalid", flaw)] for name, value in pair.items() if (flaw := flaw_of_name(value))}
    if not faults and user_id is None and user_group is None:
        faults = {name: [Fault("required", "user_id or user_group is required")] for name in pair}
    if faults:
        raise InvalidArgument.of(faults)
    return user_id, user_group


def flaw_of_name(name: str | None) -> str | None:
    """Why a name that comes from outside cannot be stored, or None."""
    if name is None:
        return None
    if not name.strip():
        return "must not be blank"
    if len(name) > MAX_ID:
        return f"must have at most {MAX_ID} characters"
    return json_text.flaw_of_text(name)


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
    return user_id


def hand(
    run: UserTaskRun, *, by: Actor, user_id: str | None, user_group: str | None, on_behalf_of: str | None = None
) -> UserTaskRun:
    """Change the owner, which is a change of its own with its own event."""
    old_user_id, old_user_group = run.user_id, run.user_group
    run.hand_to(user_id=user_id, user_group=user_group)
    data = events.assigned(run, old_user_id=old_user_id, old_user_group=old_user_group)
    return commit(run, EventType.ASSIGNED, by, data, on_behalf_of=on_behalf_of)


def commit(
    run: UserTaskRun, kind: EventType, by: Actor, data: dict[str, Any], *, on_behalf_of: str | None = None
) -> UserTaskRun:
    """Save the run as a new version, and what happened to it."""
    run.version += 1
    run.save(force_update=True)
    record(run, kind, by, data, on_behalf_of=on_behalf_of)
    return run


def record(
    run: UserTaskRun, kind: EventType, by: Actor, data: dict[str, Any], *, on_behalf_of: str | None = None
) -> None:
    """Write the event; where a service acted for a person it names both."""
    if on_behalf_of not in (None, by.user_id):
        data = {**data, "on_behalf_of": on_behalf_of}
    UserTaskEvent.objects.create(
        run=run, number=next_number(run.events), time=timezone.now(), type=kind, actor=by.user_id, data=data
    )


def next_number(rows: Any) -> int:
    """The next number within a run; the lock on the run makes it nobody else's."""
    newest: int | None = rows.aggregate(newest=Max("number"))["newest"]
    return (newest or 0) + 1
