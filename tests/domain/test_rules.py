"""The table of who may do what: what it says beforehand is what the operations then answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from tests.cast import FINANCE, a_definition, a_run
from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.errors import InvalidArgument, NotAllowed, Refused
from usertasks.models import Status, UserTaskField, UserTaskRun
from usertasks.operations import SavePolicy
from usertasks.rules import REFUSALS, Action, allowed_actions, decide, explain

pytestmark = pytest.mark.django_db

PERMISSIONS = ("view_usertaskrun", "override_claim", "assign_usertaskrun", "cancel_usertaskrun", "act_on_behalf")
RELATIONS: Mapping[str, tuple[str, frozenset[str]]] = {
    "owner": ("alice", frozenset()),
    "owner and member": ("alice", frozenset({FINANCE})),
    "member": ("bob", frozenset({FINANCE})),
    "member of another group": ("charlie", frozenset({"it"})),
    "stranger": ("nobody", frozenset()),
}
HELD: Mapping[str, frozenset[str]] = {
    "no permission": frozenset(),
    **{name: frozenset({name}) for name in PERMISSIONS},
    **{f"view and {name}": frozenset({"view_usertaskrun", name}) for name in PERMISSIONS[1:]},
}
STATES = [*Status.values, "ASSIGNED without a group"]

OPERATIONS: Mapping[Action, Callable[[UserTaskRun, Actor], Any]] = {
    Action.COMMENT: lambda run, by: operations.add_comment(run.id, "hello", by=by),
    Action.CLAIM: lambda run, by: operations.claim(run.id, by=by),
    Action.RELEASE: lambda run, by: operations.release(run.id, by=by),
    Action.SAVE_PROGRESS: lambda run, by: operations.save_progress(run.id, {}, by=by, policy=SavePolicy.IGNORE_CLAIM),
    Action.COMPLETE: lambda run, by: operations.complete(run.id, {"answer": "yes"}, by=by),
    Action.ASSIGN: lambda run, by: operations.assign(run.id, by=by, user_id="zoe", override_claim=True),
    Action.CANCEL: lambda run, by: operations.cancel(run.id, by=by),
}
"""With what lets the table alone decide: a save that ignores claims, an assignment that overrides them."""


def is_repeat(action: Action, run: UserTaskRun, actor: Actor) -> bool:
    """What succeeds although the table calls it impossible, because it has happened already."""
    match action:
        case Action.CLAIM:
            return run.status == Status.ASSIGNED and run.user_id == actor.user_id
        case Action.COMPLETE:
            return run.status == Status.DONE and run.user_id == actor.user_id and run.results == {"answer": "yes"}
        case Action.CANCEL:
            return run.status == Status.CANCELLED
        case _:
            return False


def answer_to(call: Callable[[], Any]) -> str:
    """`done`, or the code of the refusal; what was done is taken back."""
    with transaction.atomic():
        try:
            call()
        except Refused as refusal:
            return refusal.code
        transaction.set_rollback(True)
    return "done"


def a_run_that_is(state: str) -> UserTaskRun:
    definition = a_definition("question", [UserTaskField(name="answer", type="STR")])
    if state == Status.UNASSIGNED:
        return a_run(definition)
    if state == "ASSIGNED without a group":
        return a_run(definition, user_id="alice", user_group=None)
    run = a_run(definition, user_id="alice")
    everything = Actor("alice", permissions=frozenset(PERMISSIONS))
    if state == Status.DONE:
        return operations.complete(run.id, {"answer": "no"}, by=everything)
    return operations.cancel(run.id, by=everything) if state == Status.CANCELLED else run


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("held", HELD)
def test_the_operations_answer_what_the_table_says(state: str, relation: str, held: str) -> None:
    user_id, groups = RELATIONS[relation]
    actor = Actor(user_id, groups=groups, permissions=HELD[held])
    there = a_run_that_is(state)
    for action, operate in OPERATIONS.items():
        run = UserTaskRun.objects.get(pk=there.pk)
        verdict = decide(action, run, actor)
        assert (action in allowed_actions(run, actor)) == verdict.allowed
        assert explain(run, user_id=None, by=actor).actions[action] == verdict
        said = "done" if verdict.allowed else REFUSALS[verdict.reason].code
        if is_repeat(action, run, actor) and verdict.reason != "not_visible":
            said = "not_allowed" if action is Action.CANCEL and not actor.holds("cancel_usertaskrun") else "done"
        assert answer_to(lambda: operate(run, actor)) == said, action  # noqa: B023


@pytest.mark.parametrize(
    ("state", "relation", "held", "allowed"),
    [
        ("UNASSIGNED", "member", "no permission", "view comment claim save_progress complete"),
        ("UNASSIGNED", "stranger", "no permission", ""),
        ("UNASSIGNED", "stranger", "view_usertaskrun", "view comment"),
        ("UNASSIGNED", "stranger", "view and override_claim", "view comment save_progress complete"),
        ("ASSIGNED", "owner", "no permission", "view comment release save_progress complete"),
        ("ASSIGNED", "member", "no permission", "view comment"),
        ("ASSIGNED", "member", "override_claim", "view comment release save_progress complete"),
        ("ASSIGNED", "member", "assign_usertaskrun", "view comment assign"),
        ("ASSIGNED", "member", "cancel_usertaskrun", "view comment cancel"),
        ("ASSIGNED", "stranger", "assign_usertaskrun", ""),
        ("ASSIGNED without a group", "owner", "no permission", "view comment save_progress complete"),
        ("DONE", "owner", "no permission", "view comment"),
        ("CANCELLED", "member", "override_claim", "view comment"),
    ],
)
def test_the_table_is_the_one_of_the_contract(state: str, relation: str, held: str, allowed: str) -> None:
    user_id, groups = RELATIONS[relation]
    actor = Actor(user_id, groups=groups, permissions=HELD[held])
    assert " ".join(allowed_actions(a_run_that_is(state), actor)) == allowed


def test_a_wrong_state_comes_before_a_missing_right(alice: User, bob: User) -> None:
    run = a_run_that_is("DONE")
    assert decide(Action.COMPLETE, run, actor_for(bob)).reason == "wrong_state"
    assert decide(Action.CLAIM, a_run_that_is("ASSIGNED"), actor_for(bob)).reason == "already_claimed"


class TestExplain:
    def test_names_everybody_who_could_act(self, alice: User, bob: User, charlie: User, mona: User) -> None:
        assert explain(a_run(), user_id=None, by=actor_for(alice)).who_could_act == ["alice", "bob", "mona"]
        assert explain(a_run(user_id="alice"), user_id=None, by=actor_for(alice)).who_could_act == ["alice", "mona"]

    def test_leaves_out_whoever_was_deactivated(self, alice: User, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(is_active=False)
        assert explain(a_run(), user_id=None, by=actor_for(alice)).who_could_act == ["alice"]

    def test_names_nobody_for_what_has_ended(self, alice: User, mona: User) -> None:
        assert explain(a_run_that_is("DONE"), user_id=None, by=actor_for(mona)).who_could_act == []

    def test_about_someone_else_takes_seeing_everything(self, alice: User, bob: User, mona: User) -> None:
        run = a_run()
        with pytest.raises(NotAllowed):
            explain(run, user_id="bob", by=actor_for(alice))
        explanation = explain(run, user_id="bob", by=actor_for(mona))
        assert (explanation.user_id, explanation.actions["claim"].reason) == ("bob", "group_member")

    def test_of_a_name_without_account_says_what_the_name_alone_may(self, mona: User) -> None:
        explanation = explain(a_run(user_id="ghost"), user_id="ghost", by=actor_for(mona))
        assert explanation.actions["complete"].reason == "owner"

    def test_of_an_impossible_name_is_refused(self, mona: User) -> None:
        with pytest.raises(InvalidArgument):
            explain(a_run(), user_id="\0", by=actor_for(mona))
