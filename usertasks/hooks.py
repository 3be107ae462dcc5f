"""Lifecycle hooks: which ones a run gets, which have lapsed, and what will happen by itself until some time.

The rules are section 6 of the contract, after LittleHorse's `UTActionTrigger`. Nothing here writes: operations do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import json_text
from .errors import Fault
from .models import ArmedHook, Hook, HookAction, HookState, LapseReason, Status, UserTaskRun
from .owners import faults_of_owner, flaw_of_name
from .tasks import SEND_REMINDER, registered_tasks

MAX_ACTIONS = 100
MAX_ACTIONS_BYTES = 32 * 1024
"""Of all actions of a run: they are told with every row of a list, and each is written again whenever it is armed."""
MAX_DELAY_SECONDS = 10 * 366 * 24 * 3600
MAX_ARMED = 200
"""In the life of one run: two timers that hand a task to and fro do not do so for ever."""

Faults = dict[str, list[Fault]]


def checked_actions(actions: Any) -> tuple[list[dict[str, Any]], Faults]:
    """The actions in their normal form, and everything that is wrong with them, by where it stands.

    An action is `{"hook", "delay_seconds"}` and one of `{"task": {"task_def_name", "variables"}}`,
    `{"reassign": {"user_id", "user_group"}}` and `{"cancel": {}}`.
    """
    if not isinstance(actions, list):
        return [], {"actions": [Fault("wrong_type", _("must be a list"))]}
    if len(actions) > MAX_ACTIONS:
        return [], {"actions": [Fault("out_of_range", _("must be at most %(number)s") % {"number": MAX_ACTIONS})]}
    faults: Faults = {}
    for index, action in enumerate(actions):
        for part, fault in _faults_of_action(action):
            faults.setdefault(".".join(filter(None, ("actions", str(index), part))), []).append(fault)
    if faults:
        return [], faults
    normal = [_normal(action) for action in actions]
    if len(json_text.write(normal)) > MAX_ACTIONS_BYTES:
        return [], {
            "actions": [
                Fault("out_of_range", _("must have at most %(number)s bytes as JSON") % {"number": MAX_ACTIONS_BYTES})
            ]
        }
    return normal, {}


def _faults_of_action(action: Any) -> Iterator[tuple[str, Fault]]:
    """(part of the action, what is wrong with it)"""
    if not isinstance(action, dict):
        yield "", Fault("wrong_type", _("must be an object"))
        return
    yield from _unknown(action, "", {"hook", "delay_seconds", *HookAction.values})
    yield from _faults_of_hook(action)
    yield from _faults_of_delay(action)
    named = [name for name in HookAction.values if action.get(name) is not None]
    if len(named) != 1:
        yield "", Fault("invalid", _("must have exactly one of %(names)s") % {"names": ", ".join(HookAction.values)})
        return
    arguments = action[named[0]]
    if not isinstance(arguments, dict):
        yield named[0], Fault("wrong_type", _("must be an object"))
        return
    yield from FAULTS_OF_ARGUMENTS[HookAction(named[0])](arguments)


def _faults_of_hook(action: Mapping[str, Any]) -> Iterator[tuple[str, Fault]]:
    hook = action.get("hook")
    if "hook" not in action:
        yield "hook", Fault("required", _("is required"))
    elif not isinstance(hook, str):
        yield "hook", Fault("wrong_type", _("must be a string"))
    elif hook not in Hook.values:
        yield "hook", Fault("not_a_choice", _("must be %(names)s") % {"names": _(" or ").join(Hook.values)})


def _faults_of_delay(action: Mapping[str, Any]) -> Iterator[tuple[str, Fault]]:
    delay = action.get("delay_seconds")
    if "delay_seconds" not in action:
        yield "delay_seconds", Fault("required", _("is required"))
    elif not isinstance(delay, int) or isinstance(delay, bool):
        yield "delay_seconds", Fault("wrong_type", _("must be a whole number of seconds"))
    elif not 0 <= delay <= MAX_DELAY_SECONDS:
        yield "delay_seconds", Fault("out_of_range", _("must be from 0 to %(number)s") % {"number": MAX_DELAY_SECONDS})


def _faults_of_task(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Fault]]:
    yield from _unknown(arguments, "task", {"task_def_name", "variables"})
    name, variables = arguments.get("task_def_name"), arguments.get("variables", {})
    if "task_def_name" not in arguments:
        yield "task.task_def_name", Fault("required", _("is required"))
    elif not isinstance(name, str):
        yield "task.task_def_name", Fault("wrong_type", _("must be a string"))
    elif name not in registered_tasks():
        known = ", ".join(sorted(registered_tasks()))
        yield (
            "task.task_def_name",
            Fault("not_a_choice", _("is not registered here; there are: %(known)s") % {"known": known}),
        )
    if not isinstance(variables, dict):
        yield "task.variables", Fault("wrong_type", _("must be an object"))
    elif flaw := json_text.flaw_of(variables):
        yield "task.variables", Fault("invalid", flaw)


def _faults_of_reassignment(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Fault]]:
    yield from _unknown(arguments, "reassign", {"user_id", "user_group"})
    owner = {name: arguments.get(name) for name in ("user_id", "user_group")}
    wrong = [name for name, value in owner.items() if not isinstance(value, str | None)]
    for name in wrong:
        yield f"reassign.{name}", Fault("wrong_type", _("must be a string or null"))
    if not wrong:
        for name, faults in faults_of_owner(**owner).items():
            yield from ((f"reassign.{name}", fault) for fault in faults)


def _faults_of_cancellation(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Fault]]:
    yield from _unknown(arguments, "cancel", set())


FAULTS_OF_ARGUMENTS = {
    HookAction.TASK: _faults_of_task,
    HookAction.REASSIGN: _faults_of_reassignment,
    HookAction.CANCEL: _faults_of_cancellation,
}


def _unknown(given: Mapping[str, Any], at: str, known: set[str]) -> Iterator[tuple[str, Fault]]:
    for name in sorted(set(given) - known):
        spelled = name if flaw_of_name(name) is None else "?"
        yield ".".join(filter(None, (at, spelled))), Fault("unknown_field", _("is not known here"))


def _normal(action: Mapping[str, Any]) -> dict[str, Any]:
    kind = kind_of(action)
    return {
        "hook": action["hook"],
        "delay_seconds": action["delay_seconds"],
        kind.value: {**DEFAULTS[kind], **action[kind.value]},
    }


DEFAULTS: Mapping[HookAction, Mapping[str, Any]] = {
    HookAction.TASK: {"variables": {}},
    HookAction.REASSIGN: {"user_id": None, "user_group": None},
    HookAction.CANCEL: {},
}


def kind_of(action: Mapping[str, Any]) -> HookAction:
    """What a well-formed action does."""
    return next(kind for kind in HookAction if action.get(kind.value) is not None)


def is_armed_by(run: UserTaskRun, occasion: Hook) -> bool:
    """Whether there is anything that the run arms on this occasion."""
    return any(action["hook"] == occasion for action in run.actions)


def armed_by(run: UserTaskRun, occasion: Hook, now: datetime, *, count: int = 0) -> list[ArmedHook]:
    """The hooks, not yet saved, that the run arms on this occasion; `count` is how many it has armed before."""
    armed = [_armed(run, action, now) for action in run.actions if action["hook"] == occasion]
    for hook in armed[max(0, MAX_ARMED - count) :]:
        hook.state, hook.reason, hook.settled_at = HookState.LAPSED, LapseReason.TOO_MANY, now
    return armed


def _armed(run: UserTaskRun, action: Mapping[str, Any], now: datetime) -> ArmedHook:
    kind = kind_of(action)
    due_at = now + timedelta(seconds=action["delay_seconds"])
    return ArmedHook(
        run=run,
        hook=action["hook"],
        action=kind,
        arguments=action[kind.value],
        delay_seconds=action["delay_seconds"],
        epoch=run.epoch,
        due_at=due_at,
        next_attempt_at=due_at,
    )


def armed_at_creation(run: UserTaskRun, now: datetime) -> list[ArmedHook]:
    """The hooks of a new run, not yet saved."""
    occasions = [Hook.ON_ARRIVAL] + ([Hook.ON_TASK_ASSIGNED] if run.user_id is not None else [])
    return [hook for occasion in occasions for hook in armed_by(run, occasion, now)]


def reason_to_lapse(hook: ArmedHook, run: UserTaskRun) -> LapseReason | None:
    """Why the hook would do nothing if it fired now, for good: none of these reasons ever goes away again.

    (A run without an owner gets one only by a change of owner, after which the hook has lapsed as well.)
    """
    if lapses_on_reassign(hook) and hook.epoch != run.epoch:
        return LapseReason.REASSIGNED
    return None if run.is_open else LapseReason.ENDED


def reason_not_to_fire(hook: ArmedHook, run: UserTaskRun) -> LapseReason | None:
    """Why the hook does nothing at the moment at which it is due, or None: then it fires."""
    if hook.action == HookAction.REASSIGN and run.is_open and run.status != Status.ASSIGNED:
        return reason_to_lapse(hook, run) or LapseReason.NOT_ASSIGNED
    if hook.action == HookAction.REASSIGN and run.is_open and hook.arguments["user_id"] in run.excluded_user_ids:
        return reason_to_lapse(hook, run) or LapseReason.EXCLUDED
    return reason_to_lapse(hook, run)


def lapses_on_reassign(hook: ArmedHook) -> bool:
    """Whether a change of owner would take it off."""
    return hook.action != HookAction.CANCEL


@dataclass(frozen=True)
class Foreseen:
    """A hook that is settled at `at`: with a reason it lapses then, else it fires."""

    hook: ArmedHook
    at: datetime
    reason: LapseReason | None


def foresee(run: UserTaskRun, hooks: Sequence[ArmedHook], *, now: datetime, until: datetime) -> list[Foreseen]:
    """What will happen to the run by itself until then, in order, if nobody does anything; what follows from it too.

    `hooks` are all that the run has armed so far, by their ids. Works on the rows in memory, which must not be saved
    afterwards. A worker is taken to be there all the time, and the tasks to succeed.
    """
    future = _Future(run, hooks)
    while (at := future.next_moment(now)) and at <= until:
        future.pass_by(at)
    return future.foreseen


class _Future:
    """A run as it would become: what a worker does to rows, done to objects."""

    def __init__(self, run: UserTaskRun, hooks: Sequence[ArmedHook]) -> None:
        self.run, self.count = run, len(hooks)
        self.waiting = [hook for hook in hooks if hook.state == HookState.ARMED]
        self.foreseen: list[Foreseen] = []

    def next_moment(self, now: datetime) -> datetime | None:
        return max(now, min(hook.next_attempt_at for hook in self.waiting)) if self.waiting else None

    def pass_by(self, at: datetime) -> None:
        """One round of a worker: what changes the run comes before the tasks that are due by then."""
        for is_task in (False, True):
            due = [hook for hook in self.waiting if hook.next_attempt_at <= at]
            for hook in sorted(due, key=lambda hook: hook.next_attempt_at):
                if (hook.action == HookAction.TASK) == is_task and hook in self.waiting:
                    self._settle(hook, at, reason_not_to_fire(hook, self.run))

    def _settle(self, hook: ArmedHook, at: datetime, reason: LapseReason | None) -> None:
        self.waiting.remove(hook)
        self.foreseen.append(Foreseen(hook, at, reason))
        if reason is None and hook.action == HookAction.CANCEL:
            self.run.status = Status.CANCELLED
            self._lapse(at)
        elif reason is None and hook.action == HookAction.REASSIGN:
            self._hand(hook.arguments["user_id"], hook.arguments["user_group"], at)

    def _hand(self, user_id: str | None, user_group: str | None, at: datetime) -> None:
        run, old_user_id = self.run, self.run.user_id
        if (run.user_id, run.user_group) == (user_id, user_group):
            return
        run.hand_to(user_id=user_id, user_group=user_group)
        self._lapse(at)
        if user_id not in (None, old_user_id):
            armed = armed_by(run, Hook.ON_TASK_ASSIGNED, at, count=self.count)
            self.count += len(armed)
            self.waiting += [hook for hook in armed if hook.state == HookState.ARMED]
            self.foreseen += [Foreseen(hook, at, LapseReason(hook.reason)) for hook in armed if hook.reason]

    def _lapse(self, at: datetime) -> None:
        for hook in list(self.waiting):
            if reason := reason_to_lapse(hook, self.run):
                self._settle(hook, at, reason)


def sentence(hook: ArmedHook) -> str:
    """What it does, for people."""
    return _deed(HookAction(hook.action), hook.arguments)


def sentence_of(action: Mapping[str, Any]) -> str:
    """When a well-formed action does what, for people."""
    kind, seconds = kind_of(action), action["delay_seconds"]
    sentence = {
        (Hook.ON_ARRIVAL, True): _("%(span)s after the task arrives: %(deed)s"),
        (Hook.ON_ARRIVAL, False): _("As soon as the task arrives: %(deed)s"),
        (Hook.ON_TASK_ASSIGNED, True): _("%(span)s after somebody gets the task: %(deed)s"),
        (Hook.ON_TASK_ASSIGNED, False): _("As soon as somebody gets the task: %(deed)s"),
    }[Hook(action["hook"]), seconds > 0]
    return sentence % {"span": span_in_words(seconds), "deed": _deed(kind, action[kind.value])}


def _deed(kind: HookAction, arguments: Mapping[str, Any]) -> str:
    match kind:
        case HookAction.TASK if arguments["task_def_name"] == SEND_REMINDER:
            return _("Send a reminder")
        case HookAction.TASK:
            return _("Run the task %(name)s") % {"name": arguments["task_def_name"]}
        case HookAction.REASSIGN if arguments["user_id"] is None:
            return _("Release the task to the group %(group)s") % {"group": arguments["user_group"]}
        case HookAction.REASSIGN:
            return _("Give the task to %(user)s") % {"user": arguments["user_id"]}
        case _:
            return _("Cancel the task")


def span_in_words(seconds: int) -> str:
    """A delay as people say it, exactly: "1 day, 2 hours"."""
    days, rest = divmod(seconds, 24 * 3600)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [
        ngettext("%d day", "%d days", days) % days if days else "",
        ngettext("%d hour", "%d hours", hours) % hours if hours else "",
        ngettext("%d minute", "%d minutes", minutes) % minutes if minutes else "",
        ngettext("%d second", "%d seconds", seconds) % seconds if seconds else "",
    ]
    return ", ".join(filter(None, parts)) or _("0 seconds")
