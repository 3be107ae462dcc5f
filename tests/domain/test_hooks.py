"""Hooks of a run: which it gets, what arms them, what is wrong with an action; nothing here is due yet."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.cast import ENGINE, FINANCE, a_definition, a_run, claimed_by
from usertasks import bulk, hooks, operations
from usertasks.actors import actor_for
from usertasks.errors import InvalidArgument
from usertasks.hooks import MAX_ACTIONS, MAX_ACTIONS_BYTES, MAX_DELAY_SECONDS, checked_actions, sentence, sentence_of
from usertasks.models import ArmedHook, UserTaskField, UserTaskRun
from usertasks.operations import RunRequest

pytestmark = pytest.mark.django_db

REMINDER = {"task_def_name": "send-reminder", "variables": {}}
ARRIVAL = {"hook": "ON_ARRIVAL", "delay_seconds": 60, "cancel": {}}
ASSIGNED = {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 60, "task": REMINDER}
BOTH = [ARRIVAL, ASSIGNED]
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}


def told(run: UserTaskRun) -> list[tuple[str, int, str]]:
    """(hook, epoch, state or reason) of its hooks, in the order in which they were armed."""
    return [(hook.hook, hook.epoch, hook.reason or hook.state) for hook in run.armed_hooks.order_by("id")]


def test_a_run_that_somebody_gets_at_once_arms_both_kinds() -> None:
    run = a_run(user_id="alice", actions=BOTH)
    assert told(run) == [("ON_ARRIVAL", 1, "armed"), ("ON_TASK_ASSIGNED", 1, "armed")]
    assert {hook.due_at for hook in run.armed_hooks.all()} == {run.scheduled_time + timedelta(seconds=60)}


def test_a_run_that_waits_in_a_group_arms_what_is_for_its_arrival() -> None:
    assert told(a_run(actions=BOTH)) == [("ON_ARRIVAL", 1, "armed")]


def test_every_new_user_arms_anew_and_the_same_one_does_not(alice: User, mona: User) -> None:
    run = a_run(actions=[ASSIGNED])
    operations.claim(run.id, by=actor_for(alice))
    operations.claim(run.id, by=actor_for(alice))  # changes nothing
    operations.assign(run.id, by=actor_for(mona), user_id="alice", user_group="it", override_claim=True)
    operations.assign(run.id, by=actor_for(mona), user_id="bob", user_group="it", override_claim=True)
    assert told(run) == [("ON_TASK_ASSIGNED", 2, "reassigned"), ("ON_TASK_ASSIGNED", 4, "armed")]


def test_releasing_lapses_and_claiming_again_arms_anew(alice: User) -> None:
    run = claimed_by(alice, actions=[ASSIGNED])
    operations.release(run.id, by=actor_for(alice))
    assert told(run) == [("ON_TASK_ASSIGNED", 2, "reassigned")]
    operations.claim(run.id, by=actor_for(alice))
    assert told(run)[1:] == [("ON_TASK_ASSIGNED", 4, "armed")]


def test_undoing_a_bulk_change_arms_for_whom_it_goes_back_to(alice: User, mona: User) -> None:
    run = claimed_by(alice, actions=[ASSIGNED])
    arguments = {"user_id": "bob", "user_group": FINANCE, "override_claim": True}
    _, change = bulk.change_many("assign", [run.id], arguments, by=actor_for(mona))
    assert change is not None
    bulk.undo(change.id, by=actor_for(mona))
    assert told(run) == [
        ("ON_TASK_ASSIGNED", 2, "reassigned"),
        ("ON_TASK_ASSIGNED", 3, "reassigned"),
        ("ON_TASK_ASSIGNED", 4, "armed"),
    ]


def test_a_dry_run_of_a_bulk_change_arms_nothing(alice: User) -> None:
    run = a_run(actions=[ASSIGNED])
    bulk.change_many("claim", [run.id], {}, by=actor_for(alice), is_dry_run=True)
    assert told(run) == []


def test_completing_for_somebody_else_arms_nothing(alice: User, bob: User, mona: User) -> None:
    run = claimed_by(alice, actions=BOTH)
    operations.complete(run.id, RESULTS, by=actor_for(mona))
    assert told(run) == [("ON_ARRIVAL", 1, "ended"), ("ON_TASK_ASSIGNED", 2, "reassigned")]
    unclaimed = a_run(actions=[ASSIGNED])
    operations.complete(unclaimed.id, RESULTS, by=actor_for(bob))
    assert told(unclaimed) == []


def test_what_leaves_the_owner_alone_leaves_the_hooks_alone(alice: User) -> None:
    run = claimed_by(alice, actions=BOTH)
    before = told(run)
    operations.save_progress(run.id, {"requestedItem": "x"}, by=actor_for(alice))
    operations.add_comment(run.id, "Soon.", by=actor_for(alice))
    assert told(run) == before == [("ON_ARRIVAL", 1, "armed"), ("ON_TASK_ASSIGNED", 2, "armed")]


def a_timed_definition(actions: list[dict[str, Any]] | None) -> int:
    """The version that was put."""
    fields = [UserTaskField(name="a", type="STR")]
    return operations.put_definition("timed", fields, by=ENGINE, actions=actions)[0].version


@pytest.mark.parametrize(
    ("own", "armed"), [(None, ["ON_ARRIVAL"]), ([], []), ([ASSIGNED], ["ON_TASK_ASSIGNED"])], ids=str
)
def test_a_run_inherits_the_actions_of_its_definition_unless_it_names_its_own(
    own: list[dict[str, Any]] | None, armed: list[str]
) -> None:
    a_timed_definition([ARRIVAL])
    request = RunRequest("timed", user_id="alice", actions=own)
    run = operations.create(request, by=ENGINE).run
    assert run is not None
    assert [hook for hook, *_ in told(run)] == armed
    run.refresh_from_db()
    assert run.actions == ([ARRIVAL] if own is None else own)


def test_who_knows_nothing_of_actions_keeps_those_of_a_definition() -> None:
    assert a_timed_definition([ARRIVAL]) == 0
    assert a_timed_definition(None) == 0
    assert a_timed_definition([ARRIVAL]) == 0
    assert a_timed_definition([]) == 1
    assert a_timed_definition(None) == 1


def test_a_task_that_is_registered_no_longer_stays_in_its_definition(settings: Settings) -> None:
    put, _ = operations.put_definition("timed", [], by=ENGINE, actions=[ASSIGNED])
    settings.USERTASKS = {**settings.USERTASKS, "TASKS": {}}
    again, is_new = operations.put_definition("timed", [], by=ENGINE, description="New words.")
    assert (is_new, again.actions) == (True, put.actions)
    assert told(a_run(again, user_id="alice", user_group=None)) == [("ON_TASK_ASSIGNED", 1, "armed")]


def test_an_action_is_kept_in_its_normal_form() -> None:
    bare = [
        {"hook": "ON_ARRIVAL", "delay_seconds": 0, "task": {"task_def_name": "send-reminder"}},
        {"hook": "ON_ARRIVAL", "delay_seconds": 0, "reassign": {"user_group": "it"}},
    ]
    run = a_run(actions=bare)
    run.refresh_from_db()
    assert [action[kind] for action, kind in zip(run.actions, ("task", "reassign"), strict=True)] == [
        {"task_def_name": "send-reminder", "variables": {}},
        {"user_id": None, "user_group": "it"},
    ]


def test_a_batch_arms_the_hooks_of_every_run_with_one_query() -> None:
    a_definition()
    bare = RunRequest("it-request", user_id="alice", actions=BOTH)
    counts = []
    for number in (1, 50):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            operations.create_many([dataclasses.replace(bare, id=uuid.uuid4()) for _ in range(number)], by=ENGINE)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert ArmedHook.objects.armed().count() == 102


def test_repeating_a_creation_arms_nothing_again_and_other_actions_are_another_request() -> None:
    definition = a_definition()
    request = RunRequest(definition.name, user_id="alice", id=uuid.uuid4(), actions=BOTH)
    assert operations.create(request, by=ENGINE).is_new
    again = operations.create(request, by=ENGINE)
    assert (again.is_new, ArmedHook.objects.count()) == (False, 2)
    for actions in (None, [], [ARRIVAL], [ASSIGNED, ARRIVAL]):
        made = operations.create_many([dataclasses.replace(request, actions=actions)], by=ENGINE)[0]
        assert made.refusal is not None
        assert made.refusal.code == "already_exists"


def test_runs_without_actions_cost_no_query_more(alice: User, mona: User) -> None:
    a_definition()
    actor = actor_for(alice)

    def queries_of_a_life(**more: Any) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            made = operations.create(RunRequest("it-request", user_group=FINANCE, **more), by=ENGINE).run
            assert made is not None
            operations.claim(made.id, by=actor)
            operations.release(made.id, by=actor)
            operations.assign(made.id, by=actor_for(mona), user_id="alice")
            operations.save_progress(made.id, RESULTS, by=actor)
            operations.complete(made.id, {}, by=actor)
        return [query["sql"] for query in queries]

    assert [sql for sql in queries_of_a_life() if "armedhook" in sql] == []
    assert [sql for sql in queries_of_a_life(actions=BOTH) if "armedhook" in sql] != []


GOOD = ARRIVAL
CANCEL: dict[str, Any] = {"cancel": {}}
WHEN: dict[str, Any] = {"hook": "ON_ARRIVAL", "delay_seconds": 1}
FAULTS: list[tuple[Any, dict[str, list[str]]]] = [
    ({}, {"actions": ["wrong_type"]}),
    ("x", {"actions": ["wrong_type"]}),
    ([GOOD] * (MAX_ACTIONS + 1), {"actions": ["out_of_range"]}),
    ([GOOD, 7], {"actions.1": ["wrong_type"]}),
    ([None], {"actions.0": ["wrong_type"]}),
    ([{}], {"actions.0.hook": ["required"], "actions.0.delay_seconds": ["required"], "actions.0": ["invalid"]}),
    ([{**CANCEL, "delay_seconds": 1, "hook": "ON_DEATH"}], {"actions.0.hook": ["not_a_choice"]}),
    ([{**CANCEL, "delay_seconds": 1, "hook": ["ON_ARRIVAL"]}], {"actions.0.hook": ["wrong_type"]}),
    ([{**CANCEL, "delay_seconds": 1, "hook": None}], {"actions.0.hook": ["wrong_type"]}),
    ([{**GOOD, "delay_seconds": "60"}], {"actions.0.delay_seconds": ["wrong_type"]}),
    ([{**GOOD, "delay_seconds": 1.5}], {"actions.0.delay_seconds": ["wrong_type"]}),
    ([{**GOOD, "delay_seconds": True}], {"actions.0.delay_seconds": ["wrong_type"]}),
    ([{**GOOD, "delay_seconds": None}], {"actions.0.delay_seconds": ["wrong_type"]}),
    ([{**GOOD, "delay_seconds": -1}], {"actions.0.delay_seconds": ["out_of_range"]}),
    ([{**GOOD, "delay_seconds": MAX_DELAY_SECONDS + 1}], {"actions.0.delay_seconds": ["out_of_range"]}),
    ([{**GOOD, "delay_seconds": 10**400}], {"actions.0.delay_seconds": ["out_of_range"]}),
    ([WHEN], {"actions.0": ["invalid"]}),
    ([{**GOOD, "task": REMINDER}], {"actions.0": ["invalid"]}),
    ([{**GOOD, "colour": "red"}], {"actions.0.colour": ["unknown_field"]}),
    ([{**GOOD, "a\0": 1}], {"actions.0.?": ["unknown_field"]}),
    ([{**WHEN, "cancel": None}], {"actions.0": ["invalid"]}),
    ([{**WHEN, "cancel": []}], {"actions.0.cancel": ["wrong_type"]}),
    ([{**WHEN, "task": {**REMINDER, "variables": {"a": "x" * MAX_ACTIONS_BYTES}}}], {"actions": ["out_of_range"]}),
    ([{**WHEN, "cancel": {"why": "late"}}], {"actions.0.cancel.why": ["unknown_field"]}),
    ([{**WHEN, "task": []}], {"actions.0.task": ["wrong_type"]}),
    ([{**WHEN, "task": {}}], {"actions.0.task.task_def_name": ["required"]}),
    ([{**WHEN, "task": {"task_def_name": 7}}], {"actions.0.task.task_def_name": ["wrong_type"]}),
    ([{**WHEN, "task": {"task_def_name": None}}], {"actions.0.task.task_def_name": ["wrong_type"]}),
    ([{**WHEN, "task": {"task_def_name": "nobody"}}], {"actions.0.task.task_def_name": ["not_a_choice"]}),
    ([{**WHEN, "task": {**REMINDER, "variables": []}}], {"actions.0.task.variables": ["wrong_type"]}),
    ([{**WHEN, "task": {**REMINDER, "variables": None}}], {"actions.0.task.variables": ["wrong_type"]}),
    ([{**WHEN, "task": {**REMINDER, "variables": {"a": "\0"}}}], {"actions.0.task.variables": ["invalid"]}),
    ([{**WHEN, "task": {**REMINDER, "more": 1}}], {"actions.0.task.more": ["unknown_field"]}),
    (
        [{**WHEN, "reassign": {}}],
        {"actions.0.reassign.user_id": ["required"], "actions.0.reassign.user_group": ["required"]},
    ),
    ([{**WHEN, "reassign": {"user_id": " "}}], {"actions.0.reassign.user_id": ["invalid"]}),
    ([{**WHEN, "reassign": {"user_id": "x" * 256}}], {"actions.0.reassign.user_id": ["invalid"]}),
    ([{**WHEN, "reassign": {"user_group": "a\0b"}}], {"actions.0.reassign.user_group": ["invalid"]}),
    ([{**WHEN, "reassign": {"user_group": 7}}], {"actions.0.reassign.user_group": ["wrong_type"]}),
    ([{**WHEN, "reassign": {"user_group": "it", "why": 1}}], {"actions.0.reassign.why": ["unknown_field"]}),
]


def test_a_null_names_no_action() -> None:
    run = a_run(actions=[{**GOOD, "task": None, "reassign": None}])
    assert run.actions == [GOOD]


@pytest.mark.parametrize(("actions", "faults"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_what_is_wrong_with_an_action_is_said_where_it_stands(actions: Any, faults: dict[str, list[str]]) -> None:
    a_definition()
    for refused in (
        lambda: operations.create(RunRequest("it-request", user_id="alice", actions=actions), by=ENGINE),
        lambda: operations.put_definition("timed", [], by=ENGINE, actions=actions),
    ):
        with pytest.raises(InvalidArgument) as refusal:
            refused()
        found = {where: [fault.code for fault in said] for where, said in refusal.value.faults.items()}
        assert found == faults
    assert not UserTaskRun.objects.exists()


def test_everything_that_is_wrong_is_said_at_once() -> None:
    _, faults = checked_actions([{**GOOD, "delay_seconds": -1}, GOOD, {**WHEN, "task": {"more": 1}}])
    assert sorted(faults) == ["actions.0.delay_seconds", "actions.2.task.more", "actions.2.task.task_def_name"]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (
            {**WHEN, "delay_seconds": 86400 + 7200, "cancel": {}},
            "1 day, 2 hours after the task arrives: Cancel the task",
        ),
        ({**WHEN, "delay_seconds": 0, "task": REMINDER}, "As soon as the task arrives: Send a reminder"),
        (
            {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 61, "reassign": {"user_id": None, "user_group": "it"}},
            "1 minute, 1 second after somebody gets the task: Release the task to the group it",
        ),
        (
            {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 0, "reassign": {"user_id": "bob", "user_group": None}},
            "As soon as somebody gets the task: Give the task to bob",
        ),
        (
            {**WHEN, "task": {"task_def_name": "%s", "variables": {}}},
            "1 second after the task arrives: Run the task %s",
        ),
    ],
)
def test_an_action_reads_as_a_sentence(action: dict[str, Any], words: str) -> None:
    assert sentence_of(action) == words
    kind = hooks.kind_of(action)
    assert sentence(ArmedHook(action=kind, arguments=action[kind])) == words.split(": ")[1]
