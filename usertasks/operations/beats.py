"""The beats that every operation is made of: lock, ask, change, write; see the package and `changes.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from ..actors import Actor, Scope
from ..errors import Fault, InvalidArgument, NotFound, Stale
from ..models import EventType, UserTaskRun
from ..one_run import lock_run
from ..owners import flaw_of_name
from ..rules import Action, decide, require_permission, require_scope
from .changes import named, new_event
from .statements import NOTHING_YET, Newest, insert_events


def locked(run_id: UUID, by: Actor, expected: int | None, user_id: str | None = None) -> UserTaskRun:
    """The run, locked until the end of the transaction, among what `by` may see; see `is_trusted_for`."""
    run = lock_run(run_id, snooze_of=by.user_id)
    is_seen = run is not None and (is_trusted_for(user_id, by) or decide(Action.VIEW, run, by).allowed)
    return held(run if is_seen else None, expected)


def is_trusted_for(user_id: str | None, by: Actor) -> bool:
    """Whether `by` acts for `user_id`: then it is trusted with who that is, and not held to what it sees itself."""
    return user_id is not None and user_id != by.user_id and by.holds("act_on_behalf")


def held(run: UserTaskRun | None, expected: int | None) -> UserTaskRun:
    """The run, if there is one, and it is at the version that the caller has seen. Raises `NotFound` or `Stale`."""
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


def record(
    run: UserTaskRun,
    kind: EventType,
    by: Actor,
    data: Mapping[str, Any],
    *,
    on_behalf_of: str | None = None,
    now: datetime | None = None,
) -> None:
    """Write down what happened to a locked run and changed none of its columns."""
    told = named(dict(data), by, on_behalf_of)
    insert_events([new_event(run, kind, by, told, now or timezone.now(), after=_newest_event(run))])


def _newest_event(run: UserTaskRun) -> Newest:
    """The lock on the run makes the next number nobody else's."""
    newest: Newest | None = run.events.order_by("-number").values_list("number", "link").first()
    return newest or NOTHING_YET
