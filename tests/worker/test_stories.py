"""What LittleHorse's documentation tells of hooks, with moved time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.cast import FINANCE, a_run
from tests.worker.timers import DAY, GIVE_UP, HOUR, RELEASE, REMIND, at, states, types
from usertasks import operations
from usertasks.actors import SYSTEM, actor_for
from usertasks.models import EventType, HookState, Status

pytestmark = pytest.mark.django_db


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


def test_one_task_reminds_moves_on_and_gives_up(alice: User) -> None:
    """All three on one run that nobody touches."""
    run = a_run(user_id="alice", actions=[REMIND, RELEASE, GIVE_UP])
    owners = [(at(run, after).status, run.user_id) for after in (HOUR, DAY - HOUR, DAY, 2 * DAY, 3 * DAY)]
    assert owners == [
        (Status.ASSIGNED, "alice"),
        (Status.ASSIGNED, "alice"),
        (Status.UNASSIGNED, None),
        (Status.UNASSIGNED, None),
        (Status.CANCELLED, None),
    ]
    assert types(run) == ["created", "task_executed", "assigned", "cancelled"]
    assert {event.actor for event in run.events.all()[1:]} == {SYSTEM.user_id}
    assert [state for _, state, _ in states(run)] == [HookState.FIRED] * 3
    hooks = [event.data["hook"] for event in run.events.all()[1:]]
    assert [hook["delay_seconds"] for hook in hooks] == [3600, 86400, 259200]
