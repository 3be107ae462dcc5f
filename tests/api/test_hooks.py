"""Hooks over HTTP: actions on creation and on definitions, and what a run tells of those that it has armed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.api.conftest import Caller
from tests.cast import a_definition
from tests.domain.test_hooks import BOTH, FAULTS
from usertasks.models import UserTaskRun
from usertasks.worker import TaskHooks, work_off

As = Callable[[User], Caller]
STORY: list[dict[str, Any]] = [
    {
        "hook": "ON_ARRIVAL",
        "delay_seconds": 3600,
        "task": {"task_def_name": "send-reminder", "variables": {"text": "Soon"}},
    },
    {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 86400, "reassign": {"user_id": None, "user_group": "finance"}},
    {"hook": "ON_ARRIVAL", "delay_seconds": 259200, "cancel": {}},
]


def body(**more: Any) -> dict[str, Any]:
    return {"user_task_def": {"name": "it-request"}, "user_id": "alice", **more}


def test_a_run_tells_what_it_will_do_and_has_done(as_: As, service: User, mona: User) -> None:
    a_definition()
    made = as_(service).post("user-task-runs/", body(actions=STORY)).json()
    run = UserTaskRun.objects.get(pk=made["id"])
    assert made["actions"] == STORY
    armed = made["armed_actions"]
    assert [(one["hook"], one["action"], one["state"], one["lapses_on_reassign"]) for one in armed] == [
        ("ON_ARRIVAL", "task", "armed", True),
        ("ON_TASK_ASSIGNED", "reassign", "armed", True),
        ("ON_ARRIVAL", "cancel", "armed", False),
    ]
    assert [one[one["action"]] for one in armed] == [action[kind] for action, kind in zip(STORY, KINDS, strict=True)]
    waits = [datetime.fromisoformat(one["due_at"]) - run.scheduled_time for one in armed]
    assert waits == [timedelta(hours=1), timedelta(days=1), timedelta(days=3)]
    work_off([TaskHooks()], run.scheduled_time + timedelta(hours=1))
    to_bob = {"user_id": "bob", "override_claim": True}
    later = as_(mona).post(f"user-task-runs/{made['id']}/assign/", to_bob).json()["armed_actions"]
    assert [(one["action"], one["state"], one["reason"]) for one in later] == [
        ("task", "fired", None),
        ("reassign", "lapsed", "reassigned"),
        ("reassign", "armed", None),
        ("cancel", "armed", None),
    ]


KINDS = ("task", "reassign", "cancel")


def test_a_list_tells_the_actions_and_not_what_is_armed(as_: As, service: User) -> None:
    a_definition()
    as_(service).post("user-task-runs/", body(actions=BOTH))
    (row,) = as_(service).get("user-task-runs/").json()["results"]
    assert row["actions"] == BOTH
    assert "armed_actions" not in row


def test_a_repeat_is_the_same_run_and_other_actions_are_refused(as_: As, service: User) -> None:
    a_definition()
    client, request = as_(service), body(id=uuid.uuid4().hex, actions=STORY)
    assert [client.post("user-task-runs/", request).status_code for _ in range(2)] == [201, 200]
    other = client.post("user-task-runs/", {**request, "actions": STORY[:1]})
    assert (other.status_code, other.json()["code"]) == (409, "already_exists")


def test_a_definition_carries_actions_that_runs_inherit(as_: As, service: User) -> None:
    client = as_(service)
    definition = {"name": "timed", "fields": [], "actions": STORY}
    put = client.post("user-task-defs/", definition)
    assert (put.status_code, put.json()["actions"]) == (201, STORY)
    assert client.post("user-task-defs/", {"name": "timed", "fields": []}).status_code == 200
    for named, expected in (({}, STORY), ({"actions": None}, STORY), ({"actions": []}, [])):
        made = client.post("user-task-runs/", body(user_task_def={"name": "timed"}) | named).json()
        assert made["actions"] == expected


def test_a_batch_says_what_is_wrong_with_which_action(as_: As, service: User) -> None:
    a_definition()
    runs = [body(actions=STORY), body(actions=[{"hook": "ON_ARRIVAL", "delay_seconds": -1, "cancel": {}}])]
    response = as_(service).post("user-task-runs/batch/", {"runs": runs, "atomic": False})
    first, second = response.json()["results"]
    assert (first["status"], second["status"], list(second["errors"])) == (201, 400, ["actions.0.delay_seconds"])
    (made,) = UserTaskRun.objects.all()
    assert made.armed_hooks.count() == 3


@pytest.mark.parametrize(("actions", "faults"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_what_is_wrong_with_an_action_is_said_where_it_stands(
    as_: As, service: User, actions: Any, faults: dict[str, list[str]]
) -> None:
    a_definition()
    client = as_(service)
    definition = {"name": "timed", "fields": [], "actions": actions}
    for path, request in (("user-task-runs/", body(actions=actions)), ("user-task-defs/", definition)):
        response = client.post(path, request)
        told = response.json()
        if told["code"] == "malformed":  # what JSON itself cannot say, such as a number of 400 digits
            continue
        assert (response.status_code, told["code"]) == (400, "invalid_argument")
        assert {where: [fault["code"] for fault in said] for where, said in told["errors"].items()} == faults
