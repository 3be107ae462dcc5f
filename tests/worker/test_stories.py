"""What LittleHorse's documentation tells of hooks, with moved time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.cast import FINANCE, a_run
from usertasks import operations
from usertasks.actors import SYSTEM, actor_for
from usertasks.models import EventType, HookState, Status, UserTaskRun
from usertasks.worker import TaskHooks, work_off

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REMIND = {"hook": "ON_ARRIVAL", "delay_seconds": 3600, "task": {"task_def_name": "send-reminder", "variables": {}}}
RELEASE = {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 86400, "reassign": {"user_group": FINANCE}}
GIVE_UP = {"hook": "ON_ARRIVAL", "delay_seconds": 259200, "cancel": {}}


def at(run: UserTaskRun, later: timedelta) -> UserTaskRun:
    """The run after everything was done that was due so much later than it arrived."""
    work_off([TaskHooks()], run.scheduled_time + later)
    run.refresh_from_db()
    return run


def states(run: UserTaskRun) -> list[tuple[str, str, str]]:
    return [(hook.action, hook.state, hook.reason) for hook in run.armed_hooks.order_by("id")]


def types(run: UserTaskRun) -> list[str]:
    return [event.type for event in run.events.all()]


def test_a_reminder_is_sent_once_when_it_is_due(alice: User) -> None:
    run = a_run(user_id="alice", actions=[REMIND])
    assert types(at(run, HOUR - timedelta(seconds=1))) == [EventType.CREATED]
    at(run, HOUR)
    at(run, 2 * HOUR)
    assert types(run) == [EventType.CREATED, EventType.TASK_EXECUTED]
    assert states(run) == [("task", HookState.FIRED, "")]
    event = run.events.get(type=EventType.TASK_EXECUTED)
    assert event.actor == SYSTEM.user_id
    assert event.data["task_def_name"] == "send-reminder"
    assert event.data["task"]["status"] == "SUCCESSFUL"


def test_a_run_goes_back_to_its_group_on_the_deadline(alice: User) -> None:
    run = a_run(user_id="alice", actions=[RELEASE])
    at(run, DAY)
    assert (run.status, run.user_id, run.user_group) == (Status.UNASSIGNED, None, FINANCE)
    assert [event.data.get("old_user_id") for event in run.events.filter(type="assigned")] == ["alice"]


def test_a_run_is_cancelled_after_a_while_whoever_has_it_by_then(alice: User, mona: User) -> None:
    run = a_run(user_id="alice", actions=[GIVE_UP])
    operations.assign(run.id, by=actor_for(mona), user_id="bob", override_claim=True)
    assert at(run, 3 * DAY).status == Status.CANCELLED
    assert states(run) == [("cancel", HookState.FIRED, "")]


def test_a_reassignment_before_the_deadline_makes_the_old_timer_lapse_and_arms_a_new_one(mona: User) -> None:
    run = a_run(user_id="alice", actions=[RELEASE])
    operations.assign(run.id, by=actor_for(mona), user_id="bob", override_claim=True)
    assert states(run) == [("reassign", "lapsed", "reassigned"), ("reassign", "armed", "")]
    armed: Any = run.armed_hooks.armed().get()
    at(run, armed.due_at - run.scheduled_time - timedelta(seconds=1))
    assert run.user_id == "bob"
    assert at(run, armed.due_at - run.scheduled_time).user_group == FINANCE
    assert run.status == Status.UNASSIGNED
