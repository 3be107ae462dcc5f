"""The table of who may do what: what it says beforehand is what the operations then answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from tests.cast import FINANCE, a_definition, a_run, a_user
from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.errors import InvalidArgument, NotAllowed, Refused
from usertasks.models import Status, Substitution, UserTaskField, UserTaskRun
from usertasks.operations import SavePolicy
from usertasks.rules import ALREADY_DONE, REFUSALS, Action, CompletePolicy, Verdict, allowed_actions, decide, explain

pytestmark = pytest.mark.django_db

PERMISSIONS = ("view_usertaskrun", "override_claim", "assign_usertaskrun", "cancel_usertaskrun", "act_on_behalf")
OWNER, EXCLUDED = "alice", "zed"
RELATIONS: Mapping[str, Actor] = {
    "owner": Actor(OWNER),
    "owner and member": Actor(OWNER, groups=frozenset({FINANCE})),
    "member": Actor("bob", groups=frozenset({FINANCE})),
    "lead": Actor("lea", leads=frozenset({FINANCE})),
    "lead of another group": Actor("leo", leads=frozenset({"it"})),
    "member, lead elsewhere": Actor("leo", groups=frozenset({FINANCE}), leads=frozenset({"it"})),
    "substitute of the owner": Actor("sue", stands_in_for=frozenset({OWNER})),
    "substitute of somebody else": Actor("sue", stands_in_for=frozenset({"bob"})),
    "excluded member": Actor(EXCLUDED, groups=frozenset({FINANCE})),
    "excluded substitute": Actor(EXCLUDED, stands_in_for=frozenset({OWNER})),
    "member of another group": Actor("charlie", groups=frozenset({"it"})),
    "stranger": Actor("nobody"),
}
HELD: Mapping[str, frozenset[str]] = {
    "no permission": frozenset(),
    **{name: frozenset({name}) for name in PERMISSIONS},
    "view and override_claim": frozenset({"view_usertaskrun", "override_claim"}),
    "everything": frozenset(PERMISSIONS),
}
STATES = [*Status.values, "ASSIGNED without a group"]


def actor_of(relation: str, held: str) -> Actor:
    return replace(RELATIONS[relation], permissions=HELD[held])


def save(run: UserTaskRun, by: Actor, verdict: Verdict) -> Any:
    is_forced = SavePolicy.IGNORE_CLAIM in verdict.detail
    policy = SavePolicy.IGNORE_CLAIM if is_forced else SavePolicy.FAIL_IF_CLAIMED_BY_OTHER
    return operations.save_progress(run.id, {}, by=by, policy=policy)


def assign(run: UserTaskRun, by: Actor, verdict: Verdict) -> Any:
    is_forced = "override_claim" in verdict.detail
    return operations.assign(run.id, by=by, user_group=FINANCE, override_claim=is_forced)


OPERATIONS: Mapping[Action, Callable[[UserTaskRun, Actor, Verdict], Any]] = {
    Action.COMMENT: lambda run, by, verdict: operations.add_comment(run.id, "hello", by=by),
    Action.CLAIM: lambda run, by, verdict: operations.claim(run.id, by=by),
    Action.RELEASE: lambda run, by, verdict: operations.release(run.id, by=by),
    Action.SAVE_PROGRESS: save,
    Action.COMPLETE: lambda run, by, verdict: operations.complete(run.id, {"answer": "yes"}, by=by),
    Action.ASSIGN: assign,
    Action.CANCEL: lambda run, by, verdict: operations.cancel(run.id, by=by),
}
"""Each is asked for as the verdict says that it has to be: with a policy or an override that its detail names."""


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
    make = partial(a_run, definition, excluded_user_ids=[EXCLUDED])
    if state == Status.UNASSIGNED:
        return make()
    if state == "ASSIGNED without a group":
        return make(user_id=OWNER, user_group=None)
    run = make(user_id=OWNER)
    everything = Actor(OWNER, permissions=frozenset(PERMISSIONS))
    if state == Status.DONE:
        return operations.complete(run.id, {"answer": "no"}, by=everything)
    return operations.cancel(run.id, by=everything) if state == Status.CANCELLED else run


def assert_answers(run: UserTaskRun, actions: Iterable[Action], held: Iterable[str]) -> None:
    """Whoever asks for one of these is answered what the table says."""
    for relation, permissions, action in product(RELATIONS, held, actions):
        actor = actor_of(relation, permissions)
        verdict = decide(action, run, actor)
        said = "done" if verdict.allowed else REFUSALS[verdict.reason].code
        assert answer_to(partial(OPERATIONS[action], run, actor, verdict)) == said, (relation, permissions, action)


@pytest.mark.parametrize("state", STATES)
def test_the_operations_answer_what_the_table_says(state: str) -> None:
    assert_answers(a_run_that_is(state), OPERATIONS, HELD)


@pytest.mark.parametrize("state", STATES)
def test_completing_follows_the_policy_of_the_deployment(state: str, settings: Settings) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "COMPLETE_POLICY": CompletePolicy.FAIL_IF_CLAIMED_BY_OTHER}
    assert_answers(a_run_that_is(state), [Action.COMPLETE], ["no permission", "view and override_claim"])


@pytest.mark.parametrize("state", STATES)
def test_what_is_offered_and_explained_is_what_the_table_says(state: str) -> None:
    run = a_run_that_is(state)
    for relation, held in product(RELATIONS, HELD):
        actor = actor_of(relation, held)
        verdicts = {action: decide(action, run, actor) for action in Action}
        changing = [action for action, said in verdicts.items() if said.allowed and said.reason != ALREADY_DONE]
        assert allowed_actions(run, actor) == changing
        assert explain(run, user_id=None, by=actor).actions == verdicts


@pytest.mark.parametrize(
    ("state", "relation", "held", "allowed"),
    [
        ("UNASSIGNED", "member", "no permission", "view comment claim save_progress complete"),
        ("UNASSIGNED", "stranger", "no permission", ""),
        ("UNASSIGNED", "stranger", "view_usertaskrun", "view comment"),
        ("UNASSIGNED", "stranger", "view and override_claim", "view comment save_progress complete"),
        ("UNASSIGNED", "lead", "no permission", "view comment assign cancel"),
        ("UNASSIGNED", "lead of another group", "no permission", ""),
        (
            "UNASSIGNED",
            "member, lead elsewhere",
            "no permission",
            "view comment claim save_progress complete",
        ),
        ("UNASSIGNED", "substitute of the owner", "no permission", ""),
        ("UNASSIGNED", "excluded member", "no permission", "view comment"),
        ("UNASSIGNED", "excluded member", "override_claim", "view comment"),
        ("UNASSIGNED", "excluded member", "assign_usertaskrun", "view comment assign"),
        ("ASSIGNED", "owner", "no permission", "view comment release save_progress complete"),
        ("ASSIGNED", "owner and member", "no permission", "view comment release save_progress complete"),
        ("ASSIGNED", "member", "no permission", "view comment"),
        ("ASSIGNED", "member", "override_claim", "view comment release save_progress complete"),
        ("ASSIGNED", "member", "assign_usertaskrun", "view comment assign"),
        ("ASSIGNED", "member", "cancel_usertaskrun", "view comment cancel"),
        ("ASSIGNED", "lead", "no permission", "view comment assign cancel"),
        ("ASSIGNED", "member, lead elsewhere", "no permission", "view comment"),
        ("ASSIGNED", "substitute of the owner", "no permission", "view comment release save_progress complete"),
        ("ASSIGNED", "substitute of somebody else", "no permission", ""),
        ("ASSIGNED", "excluded substitute", "no permission", "view comment release"),
        ("ASSIGNED", "excluded member", "view and override_claim", "view comment release"),
        ("ASSIGNED", "stranger", "assign_usertaskrun", ""),
        ("ASSIGNED without a group", "owner", "no permission", "view comment save_progress complete"),
        ("ASSIGNED without a group", "lead", "no permission", ""),
        ("DONE", "owner", "no permission", "view comment"),
        ("DONE", "lead", "no permission", "view comment"),
        ("DONE", "substitute of the owner", "no permission", "view comment"),
        ("CANCELLED", "member", "override_claim", "view comment"),
        ("CANCELLED", "member", "cancel_usertaskrun", "view comment"),
    ],
)
def test_the_table_is_the_one_of_the_contract(state: str, relation: str, held: str, allowed: str) -> None:
    assert " ".join(allowed_actions(a_run_that_is(state), actor_of(relation, held))) == allowed


@pytest.mark.parametrize(
    ("relation", "held", "reason"),
    [
        ("member", "no permission", "not_allowed"),
        ("lead", "no permission", ALREADY_DONE),
        ("member", "cancel_usertaskrun", ALREADY_DONE),
        ("stranger", "cancel_usertaskrun", "not_visible"),
    ],
)
def test_cancelling_what_is_cancelled_is_for_those_who_could_have_done_it(
    relation: str, held: str, reason: str
) -> None:
    assert decide(Action.CANCEL, a_run_that_is("CANCELLED"), actor_of(relation, held)).reason == reason


def test_claiming_what_one_has_is_allowed_and_changes_nothing() -> None:
    run, owner = a_run_that_is("ASSIGNED"), RELATIONS["owner and member"]
    verdict = decide(Action.CLAIM, run, owner)
    assert (verdict.allowed, verdict.reason) == (True, ALREADY_DONE)
    assert Action.CLAIM not in allowed_actions(run, owner)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [(SavePolicy.FAIL_IF_CLAIMED_BY_OTHER, "already_claimed"), (SavePolicy.IGNORE_CLAIM, "not_allowed")],
)
def test_saving_what_another_has_is_refused_in_the_words_of_the_policy(policy: SavePolicy, reason: str) -> None:
    run = a_run_that_is("ASSIGNED")
    assert decide(Action.SAVE_PROGRESS, run, RELATIONS["member"], policy=policy).reason == reason


@pytest.mark.parametrize(
    ("relation", "held", "reason"),
    [
        ("owner", "no permission", "owner"),
        ("substitute of the owner", "no permission", "substitute"),
        ("member", "override_claim", "permission:override_claim"),
        ("excluded member", "override_claim", "excluded"),
    ],
)
def test_the_reason_names_the_rule_that_decides(relation: str, held: str, reason: str) -> None:
    assert decide(Action.COMPLETE, a_run_that_is("ASSIGNED"), actor_of(relation, held)).reason == reason


def test_a_lead_moves_runs_among_the_groups_that_they_lead_and_to_their_members_only(alice: User) -> None:
    run, lead = a_run_that_is("ASSIGNED"), Actor("lea", leads=frozenset({FINANCE, "it"}))
    assign = partial(operations.assign, run.id, by=lead, override_claim=True)
    beyond: Sequence[dict[str, str]] = (
        {"user_id": "alice"},
        {"user_group": "legal"},
        {"user_id": "alice", "user_group": "it"},
        {"user_id": "stranger", "user_group": FINANCE},
    )
    assert {answer_to(partial(assign, **owner)) for owner in beyond} == {"not_allowed"}
    within: Sequence[dict[str, str]] = ({"user_group": "it"}, {"user_id": "alice", "user_group": FINANCE})
    assert {answer_to(partial(assign, **owner)) for owner in within} == {"done"}


def test_nobody_hands_a_run_to_whom_it_excludes(mona: User) -> None:
    run = a_run_that_is("UNASSIGNED")
    assert answer_to(lambda: operations.assign(run.id, by=actor_for(mona), user_id=EXCLUDED)) == "not_allowed"


def test_a_wrong_state_comes_before_a_missing_right(alice: User, bob: User) -> None:
    run = a_run_that_is("DONE")
    assert decide(Action.COMPLETE, run, actor_for(bob)).reason == "wrong_state"
    assert decide(Action.CLAIM, a_run_that_is("ASSIGNED"), actor_for(bob)).reason == "already_claimed"


@pytest.fixture
def sue(db: None) -> User:
    """She stands in for alice."""
    now = timezone.now()
    day = timedelta(days=1)
    Substitution.objects.create(
        user_id="alice", substitute_id="sue", starts_at=now - day, ends_at=now + day, named_by="alice"
    )
    return a_user("sue")


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

    def test_about_someone_else_is_for_the_lead_of_the_group_too(self, bob: User) -> None:
        lead = Actor("lea", leads=frozenset({FINANCE}))
        assert explain(a_run(), user_id="bob", by=lead).actions["claim"].reason == "group_member"
        with pytest.raises(NotAllowed):
            explain(a_run(user_group="it"), user_id="bob", by=lead)

    def test_names_neither_the_excluded_nor_leaves_out_the_substitute(self, alice: User, bob: User, sue: User) -> None:
        assert explain(a_run(excluded_user_ids=["bob"]), user_id=None, by=actor_for(alice)).who_could_act == ["alice"]
        assert explain(a_run(user_id="alice"), user_id=None, by=actor_for(alice)).who_could_act == ["alice", "sue"]


def test_nobody_gets_round_four_eyes_by_naming_somebody_else(service: User) -> None:
    run = a_run(excluded_user_ids=["service"])
    with pytest.raises(NotAllowed):
        operations.complete(run.id, {}, by=actor_for(service), user_id="alice")
    with pytest.raises(NotAllowed):
        operations.save_progress(run.id, {}, by=actor_for(service), user_id="alice")
