"""What becomes of a hook when it is due: the rules as a table, and tasks that go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from tests.cast import FINANCE, a_definition, a_run
from tests.worker import deployed
from tests.worker.timers import DAY, HOUR, REMIND, at, on, running, states, types
from usertasks import hooks, operations
from usertasks.actors import Actor
from usertasks.models import ArmedHook, Status, UserTaskRun
from usertasks.worker import LEASE_SECONDS, TaskHooks, fire_due, work_off

pytestmark = pytest.mark.django_db

GROUPS = frozenset({FINANCE})
MANAGING = frozenset({"view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim"})
ALICE, BOB = Actor("alice", groups=GROUPS), Actor("bob", groups=GROUPS, permissions=frozenset({"override_claim"}))
MONA = Actor("mona", permissions=MANAGING)
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}
ALICES: dict[str, Any] = {"user_id": "alice"}
WAITING: dict[str, Any] = {"user_id": None}


def reassign(run: UserTaskRun) -> None:
    operations.assign(run.id, by=MONA, user_id="bob", user_group=FINANCE, override_claim=True)


def reassign_and_cancel(run: UserTaskRun) -> None:
    reassign(run)
    operations.cancel(run.id, by=MONA)


def regroup(run: UserTaskRun) -> None:
    operations.assign(run.id, by=MONA, user_id="alice", user_group="it", override_claim=True)


FIRED, NOBODY, MOVED, OVER = ("fired", ""), ("lapsed", "not_assigned"), ("lapsed", "reassigned"), ("lapsed", "ended")
Rule = tuple[dict[str, Any], Callable[[UserTaskRun], Any], tuple[Any, Any, Any]]

# What happens before the hooks are due, and what becomes of task, reassign and cancel.
RULES: Mapping[str, Rule] = {
    "assigned": (ALICES, lambda run: None, (FIRED, FIRED, FIRED)),
    "unassigned": (WAITING, lambda run: None, (FIRED, NOBODY, FIRED)),
    "saved": (ALICES, lambda run: operations.save_progress(run.id, {}, by=ALICE), (FIRED, FIRED, FIRED)),
    "reassigned": (ALICES, reassign, (MOVED, MOVED, FIRED)),
    "regrouped": (ALICES, regroup, (MOVED, MOVED, FIRED)),
    "claimed": (WAITING, lambda run: operations.claim(run.id, by=ALICE), (MOVED, MOVED, FIRED)),
    "released": (ALICES, lambda run: operations.release(run.id, by=ALICE), (MOVED, MOVED, FIRED)),
    "done": (ALICES, lambda run: operations.complete(run.id, RESULTS, by=ALICE), (OVER, OVER, OVER)),
    "done by another": (ALICES, lambda run: operations.complete(run.id, RESULTS, by=BOB), (MOVED, MOVED, OVER)),
    "cancelled": (ALICES, lambda run: operations.cancel(run.id, by=MONA), (OVER, OVER, OVER)),
    "reassigned, cancelled": (ALICES, reassign_and_cancel, (MOVED, MOVED, OVER)),
}
DEEDS = {"task": running("send-reminder"), "reassign": {"user_id": "carl"}, "cancel": {}}


@pytest.mark.parametrize("action", DEEDS)
@pytest.mark.parametrize("name", RULES)
def test_a_hook_fires_or_lapses_as_the_rules_say(name: str, action: str) -> None:
    owner, happen, outcomes = RULES[name]
    expected = dict(zip(DEEDS, outcomes, strict=True))[action]
    run = a_run(actions=[on("ON_ARRIVAL", 60, **{action: DEEDS[action]})], **{"user_group": FINANCE, **owner})
    happen(run)
    run.refresh_from_db()
    before = (types(run), run.status, run.epoch)
    at(run, HOUR)
    assert states(run) == [(action, *expected)]
    assert ((types(run), run.status, run.epoch) == before) is (expected[0] == "lapsed")
    settled = run.armed_hooks.get().settled_at
    assert settled is not None
    # What can never fire again lapses at once, not when it would have been due.
    assert (settled < run.scheduled_time + HOUR) is (expected in (MOVED, OVER))


@pytest.mark.parametrize("action", DEEDS)
@pytest.mark.parametrize("name", RULES)
def test_a_hook_that_nobody_has_let_lapse_lapses_when_it_is_due(name: str, action: str) -> None:
    owner, happen, outcomes = RULES[name]
    state, _ = dict(zip(DEEDS, outcomes, strict=True))[action]
    run = a_run(actions=[on("ON_ARRIVAL", 60, **{action: DEEDS[action]})], **{"user_group": FINANCE, **owner})
    happen(run)
    run.armed_hooks.update(state="armed", reason="", settled_at=None)
    at(run, HOUR)
    assert run.armed_hooks.get().state == state


def test_of_two_that_are_due_the_first_may_end_the_run() -> None:
    run = a_run(actions=[on("ON_ARRIVAL", 60, cancel={}), on("ON_ARRIVAL", 61, cancel={}), REMIND])
    at(run, DAY)
    assert states(run) == [("cancel", *FIRED), ("cancel", *OVER), ("task", *OVER)]
    assert types(run) == ["created", "cancelled"]


def test_a_worker_that_was_away_does_what_changes_the_run_before_it_reminds_anybody() -> None:
    remind = on("ON_ARRIVAL", 60, task=running("send-reminder"))
    run = a_run(user_id="alice", actions=[remind, on("ON_ARRIVAL", 120, reassign={"user_group": FINANCE})])
    at(run, DAY)
    assert states(run) == [("task", *MOVED), ("reassign", *FIRED)]


def test_handing_it_to_whom_it_belongs_changes_nothing() -> None:
    run = a_run(user_id="alice", actions=[on("ON_ARRIVAL", 60, reassign={"user_id": "alice", "user_group": FINANCE})])
    at(run, HOUR)
    assert (states(run), types(run), run.epoch) == ([("reassign", *FIRED)], ["created"], 1)


def test_handing_it_on_arms_what_is_to_happen_then() -> None:
    actions = [on("ON_ARRIVAL", 60, reassign={"user_id": "bob"}), on("ON_TASK_ASSIGNED", 60, task=REMIND["task"])]
    run = a_run(user_id="alice", actions=actions)
    at(run, timedelta(seconds=60))
    # Alice's reminder was due at the same moment; what changes the run comes first.
    assert states(run) == [("reassign", *FIRED), ("task", *MOVED), ("task", "armed", "")]
    assert run.armed_hooks.last().due_at == run.scheduled_time + timedelta(seconds=120)  # type: ignore[union-attr]
    at(run, timedelta(seconds=120))
    assert types(run) == ["created", "assigned", "task_executed"]


def test_timers_that_hand_it_to_and_fro_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "MAX_ARMED", 9)
    actions = [on("ON_TASK_ASSIGNED", 0, reassign={"user_id": name}) for name in ("bob", "alice")]
    run = a_run(user_id="alice", actions=actions)
    at(run, HOUR)
    assert run.armed_hooks.armed().count() == 0
    assert states(run)[-1] == ("reassign", "lapsed", "too_many")
    assert run.armed_hooks.filter(reason="too_many").count() == run.armed_hooks.count() - 9


def test_a_task_of_the_deployment_gets_the_run_the_variables_and_a_key(deployment: Settings) -> None:
    run = a_run(user_id="alice", actions=[on("ON_ARRIVAL", 0, task=running("note", text="Hello", deep=[{"n": 1}]))])
    at(run, HOUR)
    (call,) = deployed.CALLS
    assert call["variables"] == {"text": "Hello", "deep": [{"n": 1}]}
    assert call["key"] == f"hook:{run.armed_hooks.get().pk}"
    assert {name: call["run"][name] for name in ("id", "status", "user_id", "epoch")} == {
        "id": run.id.hex,
        "status": "ASSIGNED",
        "user_id": "alice",
        "epoch": 1,
    }
    event = run.events.get(type="task_executed")
    assert event.data["variables"] == call["variables"]
    assert (run.version, run.epoch) == (1, 1)


def close_the_queue(deployment: Settings) -> None:
    deployment.TASKS = {"default": {"BACKEND": f"{deployed.__name__}.ClosedBackend"}}


def unregister(deployment: Settings) -> None:
    deployment.USERTASKS = {**deployment.USERTASKS, "TASKS": {}}


def register(deployment: Settings, path: str) -> None:
    deployment.USERTASKS = {**deployment.USERTASKS, "TASKS": {"fail": path}}


@pytest.mark.parametrize(
    ("break_it", "error"),
    [
        (lambda _: None, "TaskFailed: ZeroDivisionError"),
        (close_the_queue, "ConnectionError: no queue"),
        (unregister, "LookupError: No task is registered as fail."),
        (lambda settings: register(settings, "tests.nowhere.task"), "ImproperlyConfigured: USERTASKS"),
        (lambda settings: register(settings, "tests.cast.a_run"), "ImproperlyConfigured: USERTASKS"),
    ],
    ids=["raises", "is refused", "is unknown by then", "is nowhere", "is no task"],
)
def test_a_task_that_goes_wrong_is_tried_again_and_says_so(
    deployment: Settings,
    break_it: Callable[[Settings], Any],
    error: str,
) -> None:
    run = a_run(user_id="alice", actions=[on("ON_ARRIVAL", 0, task=running("fail"))])
    break_it(deployment)
    at(run, timedelta())
    hook = run.armed_hooks.get()
    assert (hook.state, hook.attempts, types(run)) == ("armed", 1, ["created"])
    assert hook.error.startswith(error)
    assert run.scheduled_time < hook.next_attempt_at < run.scheduled_time + timedelta(seconds=LEASE_SECONDS)
    at(run, timedelta())  # not before its time
    assert run.armed_hooks.get().attempts == 1
    register(deployment, f"{deployed.__name__}.note")
    deployment.TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    at(run, HOUR)
    hook = run.armed_hooks.get()
    assert (hook.state, hook.attempts, hook.error, types(run)) == ("fired", 2, "", ["created", "task_executed"])
    assert {call["key"] for call in deployed.CALLS} == {f"hook:{hook.pk}"}


def test_a_task_that_keeps_going_wrong_is_tried_every_hour_at_last(deployment: Settings) -> None:
    run = a_run(actions=[on("ON_ARRIVAL", 0, task=running("fail"))])
    waits = []
    now = run.scheduled_time
    for _ in range(15):
        work_off([TaskHooks()], now)
        due = run.armed_hooks.get().next_attempt_at
        waits.append((due - now).total_seconds())
        now = due
    assert waits == sorted(waits)
    assert waits[0] < 60
    assert waits[-1] == 3600


def test_a_task_that_goes_wrong_lapses_with_the_run(deployment: Settings) -> None:
    run = a_run(user_id="alice", actions=[on("ON_ARRIVAL", 0, task=running("fail"))])
    at(run, timedelta())
    operations.complete(run.id, RESULTS, by=ALICE)
    at(run, DAY)
    assert (states(run), len(deployed.CALLS)) == ([("task", *OVER)], 1)


@pytest.mark.parametrize(("happen", "status"), [(reassign, "ASSIGNED"), (reassign_and_cancel, "CANCELLED")])
def test_a_task_that_was_run_is_written_down_whatever_has_happened_meanwhile(
    deployment: Settings,
    happen: Callable[[UserTaskRun], Any],
    status: str,
) -> None:
    run = a_run(user_id="alice", actions=[on("ON_ARRIVAL", 0, task=running("note"))])
    deployed.MEANWHILE.append(lambda: happen(run))
    at(run, timedelta())
    assert states(run) == [("task", *FIRED)]
    assert (run.status, types(run)[-1]) == (status, "task_executed")


def test_what_a_worker_that_died_had_taken_is_done_when_its_lease_is_over(deployment: Settings) -> None:
    run = a_run(actions=[on("ON_ARRIVAL", 0, task=running("note"))])
    (taken,) = TaskHooks().take(run.scheduled_time, 10)
    at(run, timedelta(seconds=LEASE_SECONDS - 1))
    assert deployed.CALLS == []
    at(run, timedelta(seconds=LEASE_SECONDS))
    assert len(deployed.CALLS) == 1
    TaskHooks().settle(taken, {"id": "late", "status": "SUCCESSFUL"}, run.scheduled_time + HOUR)
    assert types(run) == ["created", "task_executed"]


def test_one_failure_of_who_was_too_slow_does_not_undo_what_another_did(deployment: Settings) -> None:
    run = a_run(actions=[on("ON_ARRIVAL", 0, task=running("note"))])
    (taken,) = TaskHooks().take(run.scheduled_time, 10)
    at(run, HOUR)
    TaskHooks().settle(taken, ConnectionError("late"), run.scheduled_time + HOUR)
    assert states(run) == [("task", *FIRED)]


def test_many_that_are_due_are_done_in_batches() -> None:
    definition = a_definition()
    runs = [a_run(definition, actions=[on("ON_ARRIVAL", n, cancel={})]) for n in range(7)]
    now = runs[-1].scheduled_time + HOUR
    assert [fire_due(now, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert {UserTaskRun.objects.get(pk=run.pk).status for run in runs} == {Status.CANCELLED}
    assert ArmedHook.objects.armed().count() == 0
