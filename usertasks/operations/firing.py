"""What happens to a run by itself: its hooks fire, or lapse.

One transaction for each. What a `task` hook runs is started outside of it, between `fire` and `record_task`: whoever
dies in between repeats that one task, with the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Min

from .. import events, hooks, json_text
from ..actors import SYSTEM
from ..content import run_content
from ..models import ArmedHook, EventType, HookAction, HookState, Status, UserTaskRun
from .beats import held, record
from .changes import Change, write


@dataclass(frozen=True)
class TaskCall:
    """A task that is to be run: the arguments that it gets, as JSON, and the hook that asks for it."""

    hook: ArmedHook
    task_def_name: str
    run: dict[str, Any]
    variables: dict[str, Any]
    key: str


@transaction.atomic
def fire(hook_id: int, *, now: datetime) -> ArmedHook | TaskCall | None:
    """Do what an armed hook is there for, or let it lapse: then the settled hook is returned; None if it was settled.

    For a `task` hook that does not lapse, the call to make; the hook stays armed until `record_task`.
    """
    run, hook = _locked(hook_id)
    if hook.state != HookState.ARMED:
        return None
    if reason := hooks.reason_not_to_fire(hook, run):
        hook.settle(HookState.LAPSED, now, reason)
    elif hook.action == HookAction.TASK:
        return _call(hook, run)
    else:
        hook.settle(HookState.FIRED, now)
        _act(hook, run, now)
    return hook


def _locked(hook_id: int) -> tuple[UserTaskRun, ArmedHook]:
    """A hook and its run; the run is locked first, as by everybody else. Raises `NotFound`."""
    hooks_of_run = ArmedHook.objects.filter(pk=hook_id)
    runs = UserTaskRun.objects.filter(pk__in=hooks_of_run.values("run_id"))
    run = held(runs.select_for_update(no_key=True).first(), None)
    return run, run.armed_hooks.select_for_update(no_key=True).get(pk=hook_id)


def _act(hook: ArmedHook, run: UserTaskRun, now: datetime) -> None:
    change = Change(run, SYSTEM, now)
    if hook.action == HookAction.CANCEL:
        run.status = Status.CANCELLED
        change.tell(EventType.CANCELLED, {**events.cancelled(run), **events.by_hook(hook)})
    elif (run.user_id, run.user_group) != (hook.arguments["user_id"], hook.arguments["user_group"]):
        change.hand(**hook.arguments, **events.by_hook(hook))
    write(change)


def _call(hook: ArmedHook, run: UserTaskRun) -> TaskCall:
    return TaskCall(
        hook=hook,
        task_def_name=hook.arguments["task_def_name"],
        run=json_text.as_json(run_content(run)),
        variables=hook.arguments["variables"],
        key=f"hook:{hook.pk}",
    )


@transaction.atomic
def record_task(call: TaskCall, result: dict[str, Any], *, now: datetime) -> None:
    """Write down that the task of a hook was started, once, whatever has become of the run since."""
    run, hook = _locked(call.hook.pk)
    if hook.state == HookState.FIRED:
        return
    hook.error = ""
    hook.settle(HookState.FIRED, now)
    record(run, EventType.TASK_EXECUTED, SYSTEM, events.task_executed(hook, result), now=now)


def bring_forward(*, now: datetime, until: datetime, newest: int) -> int:
    """Of the hooks up to the id `newest`, have those that are due first, by then at the latest, be due now.

    How many there were. The id keeps out what is only armed by what is fired early, which would go on and on.
    What a worker has tried before, or is trying, keeps its time: a lease is not to be broken.
    """
    armed = ArmedHook.objects.armed().filter(attempts=0, pk__lte=newest)
    early = armed.filter(next_attempt_at__gt=now, next_attempt_at__lte=until)
    first = early.aggregate(first=Min("next_attempt_at"))["first"]
    return early.filter(next_attempt_at=first).update(next_attempt_at=now) if first else 0
