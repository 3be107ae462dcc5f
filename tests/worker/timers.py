"""What the tests of timers have in common: actions, moved time, and what became of it all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.cast import FINANCE
from usertasks.models import UserTaskRun
from usertasks.worker import TaskHooks, work_off

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REMIND = {"hook": "ON_ARRIVAL", "delay_seconds": 3600, "task": {"task_def_name": "send-reminder", "variables": {}}}
RELEASE = {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 86400, "reassign": {"user_group": FINANCE}}
GIVE_UP = {"hook": "ON_ARRIVAL", "delay_seconds": 259200, "cancel": {}}


def on(hook: str, seconds: int, /, **action: Any) -> dict[str, Any]:
    """`on("ON_ARRIVAL", 5, cancel={})`."""
    return {"hook": hook, "delay_seconds": seconds, **action}


def running(name: str, **variables: Any) -> dict[str, Any]:
    """The arguments of an action that runs this task."""
    return {"task_def_name": name, "variables": variables}


def at(run: UserTaskRun, later: timedelta) -> UserTaskRun:
    """The run after everything was done that was due so much later than it arrived."""
    work_off([TaskHooks()], run.scheduled_time + later)
    run.refresh_from_db()
    return run


def states(run: UserTaskRun) -> list[tuple[str, str, str]]:
    """(action, state, reason) of its hooks, in the order in which they were armed."""
    return [(hook.action, hook.state, hook.reason) for hook in run.armed_hooks.order_by("id")]


def types(run: UserTaskRun) -> list[str]:
    return [event.type for event in run.events.all()]
