"""Save progress and complete: answers are held to the definition, and nothing that was typed is lost."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.cast import FINANCE, a_definition, a_run, claimed_by, done_by
from usertasks.actors import actor_for
from usertasks.errors import AlreadyClaimed, InvalidArgument, NotAllowed, NotFound, Stale, WrongState
from usertasks.models import Status, UserTaskDef, UserTaskField, UserTaskRun
from usertasks.operations import SavePolicy, assign, cancel, claim, complete, save_progress

pytestmark = pytest.mark.django_db

ANSWERS = {"requestedItem": "hat", "justification": "cold"}


def typed() -> UserTaskDef:
    fields = [
        UserTaskField(name="amount", type="DOUBLE"),
        UserTaskField(name="days", type="INT"),
        UserTaskField(name="note", type="STR", required=False),
    ]
    return a_definition("typed", fields)


def faults_of(refusal: pytest.ExceptionInfo[InvalidArgument]) -> Mapping[str, list[str]]:
    return {name: [fault.code for fault in faults] for name, faults in refusal.value.faults.items()}


def events_of(run: UserTaskRun) -> list[tuple[str, str]]:
    return [(event.type, event.actor) for event in run.events.order_by("number")]


class TestSave:
    def test_replaces_what_was_saved(self, alice: User) -> None:
        run = claimed_by(alice)
        save_progress(run.id, ANSWERS, by=actor_for(alice))
        assert save_progress(run.id, {"justification": "new"}, by=actor_for(alice)).results == {"justification": "new"}

    def test_keeps_the_owner_and_tells_what_was_saved(self, alice: User) -> None:
        run = save_progress(a_run().id, {"justification": "x"}, by=actor_for(alice))
        assert (run.status, run.user_id, run.epoch, run.version) == (Status.UNASSIGNED, None, 1, 2)
        event = run.events.get(number=2)
        assert (event.type, event.data) == ("saved", {"user_id": "alice", "results": {"justification": "x"}})

    def test_names_every_field_at_fault_but_no_missing_one(self, alice: User) -> None:
        run = claimed_by(alice, definition=typed())
        with pytest.raises(InvalidArgument) as refusal:
            save_progress(run.id, {"amount": "1", "colour": 1, "note": 2}, by=actor_for(alice))
        assert faults_of(refusal) == {"colour": ["unknown_field"], "amount": ["wrong_type"], "note": ["wrong_type"]}
        run.refresh_from_db()
        assert (run.results, run.version) == ({}, 2)

    def test_null_is_no_answer(self, alice: User) -> None:
        run = claimed_by(alice, definition=typed())
        assert save_progress(run.id, {"note": None, "days": 3}, by=actor_for(alice)).results == {"days": 3}

    def test_is_refused_when_someone_else_has_it(self, alice: User, bob: User, mona: User) -> None:
        run = claimed_by(alice)
        for user in (bob, mona):
            with pytest.raises(AlreadyClaimed):
                save_progress(run.id, ANSWERS, by=actor_for(user))

    def test_may_ignore_the_claim_with_the_permission(self, alice: User, bob: User, mona: User) -> None:
        run = claimed_by(alice)
        with pytest.raises(NotAllowed):
            save_progress(run.id, ANSWERS, by=actor_for(bob), policy=SavePolicy.IGNORE_CLAIM)
        saved = save_progress(run.id, ANSWERS, by=actor_for(mona), policy=SavePolicy.IGNORE_CLAIM)
        assert (saved.user_id, saved.results) == ("alice", ANSWERS)

    def test_of_an_ended_run_is_a_wrong_state(self, alice: User, mona: User) -> None:
        for run in (done_by(alice), cancel(claimed_by(alice).id, by=actor_for(mona))):
            with pytest.raises(WrongState):
                save_progress(run.id, ANSWERS, by=actor_for(alice))


class TestComplete:
    def test_ends_the_run_with_its_answers(self, alice: User) -> None:
        run = complete(claimed_by(alice).id, ANSWERS, by=actor_for(alice))
        run.refresh_from_db()
        assert (run.status, run.user_id, run.results) == (Status.DONE, "alice", ANSWERS)
        assert run.completed_at is not None
        assert run.events.get(number=3).data == {"user_id": "alice", "results": ANSWERS}

    def test_lays_its_answers_over_the_saved_ones(self, alice: User) -> None:
        run = claimed_by(alice)
        save_progress(run.id, {"requestedItem": "cap", "justification": "cold"}, by=actor_for(alice))
        assert complete(run.id, {"requestedItem": "hat"}, by=actor_for(alice)).results == ANSWERS

    def test_null_takes_a_saved_answer_away(self, alice: User) -> None:
        run = claimed_by(alice)
        save_progress(run.id, ANSWERS, by=actor_for(alice))
        with pytest.raises(InvalidArgument) as refusal:
            complete(run.id, {"requestedItem": None}, by=actor_for(alice))
        assert faults_of(refusal) == {"requestedItem": ["required"]}

    def test_names_every_field_at_fault_at_once(self, alice: User) -> None:
        run = claimed_by(alice, definition=typed())
        with pytest.raises(InvalidArgument) as refusal:
            complete(run.id, {"days": True, "note": 1, "colour": "red"}, by=actor_for(alice))
        assert faults_of(refusal) == {
            "colour": ["unknown_field"],
            "amount": ["required"],
            "days": ["wrong_type"],
            "note": ["wrong_type"],
        }

    def test_is_held_to_the_version_that_the_run_was_made_from(self, alice: User) -> None:
        run = claimed_by(alice)
        a_definition(fields=[UserTaskField(name="other", type="BOOL")])
        assert complete(run.id, ANSWERS, by=actor_for(alice)).status == Status.DONE

    def test_of_what_nobody_has_first_makes_it_mine(self, alice: User) -> None:
        run = complete(a_run().id, ANSWERS, by=actor_for(alice))
        assert (run.user_id, run.user_group, run.epoch, run.version) == ("alice", FINANCE, 2, 3)
        assert events_of(run) == [("created", "engine"), ("assigned", "alice"), ("completed", "alice")]

    def test_of_what_someone_else_has_reassigns_it(self, alice: User, mona: User) -> None:
        run = complete(claimed_by(alice).id, ANSWERS, by=actor_for(mona))
        assert run.user_id == "mona"
        assert events_of(run)[2:] == [("assigned", "mona"), ("completed", "mona")]

    def test_of_what_someone_else_has_takes_the_permission(self, alice: User, bob: User) -> None:
        with pytest.raises(NotAllowed):
            complete(claimed_by(alice).id, ANSWERS, by=actor_for(bob))

    def test_is_refused_by_the_other_policy(self, alice: User, mona: User, service: User, settings: Settings) -> None:
        settings.USERTASKS = {**settings.USERTASKS, "COMPLETE_POLICY": "FAIL_IF_CLAIMED_BY_OTHER"}
        run = claimed_by(alice)
        with pytest.raises(AlreadyClaimed):
            complete(run.id, ANSWERS, by=actor_for(mona))
        with pytest.raises(AlreadyClaimed):
            complete(run.id, ANSWERS, by=actor_for(service), user_id="bob")
        assert complete(run.id, ANSWERS, by=actor_for(service), user_id="alice").status == Status.DONE

    def test_of_a_cancelled_run_is_a_wrong_state(self, alice: User, mona: User) -> None:
        run = cancel(claimed_by(alice).id, by=actor_for(mona))
        with pytest.raises(WrongState):
            complete(run.id, ANSWERS, by=actor_for(alice))

    def test_what_is_refused_changes_nothing(self, alice: User) -> None:
        run = a_run()
        with pytest.raises(InvalidArgument):
            complete(run.id, {}, by=actor_for(alice))
        run.refresh_from_db()
        assert (run.status, run.user_id, run.version, run.events.count()) == (Status.UNASSIGNED, None, 1, 1)


class TestRepeat:
    def test_the_same_again_writes_nothing(self, alice: User) -> None:
        run = complete(claimed_by(alice).id, ANSWERS, by=actor_for(alice))
        again = complete(run.id, ANSWERS, by=actor_for(alice))
        assert (again.version, again.completed_at, run.events.count()) == (run.version, run.completed_at, 3)

    def test_what_was_laid_over_may_be_sent_again(self, alice: User) -> None:
        run = claimed_by(alice)
        save_progress(run.id, {"requestedItem": "hat"}, by=actor_for(alice))
        for _ in range(2):
            assert complete(run.id, {"justification": "cold"}, by=actor_for(alice)).results == ANSWERS

    @pytest.mark.parametrize("amount", [1e22, 1e23, -0.0, 3, 3.0, 2**53 + 1, 1.7e308, 5e-324, 0.1])
    def test_a_number_is_the_same_however_the_database_keeps_it(self, amount: float, alice: User) -> None:
        run = claimed_by(alice, definition=typed())
        for _ in range(2):
            run = complete(run.id, {"amount": amount, "days": 1}, by=actor_for(alice))
        assert UserTaskRun.objects.get(pk=run.pk).results == {"amount": float(amount), "days": 1}

    def test_other_answers_are_a_wrong_state(self, alice: User) -> None:
        run = complete(claimed_by(alice).id, ANSWERS, by=actor_for(alice))
        for results in ({"requestedItem": "cap"}, {"requestedItem": None}, {"unknown": 1}):
            with pytest.raises(WrongState):
                complete(run.id, results, by=actor_for(alice))

    def test_by_someone_else_is_a_wrong_state(self, alice: User, mona: User, bob: User) -> None:
        run = complete(claimed_by(alice).id, ANSWERS, by=actor_for(alice))
        for user in (bob, mona):
            with pytest.raises(WrongState):
                complete(run.id, ANSWERS, by=actor_for(user))

    def test_with_a_version_that_has_passed_is_stale(self, alice: User) -> None:
        run = claimed_by(alice)
        complete(run.id, ANSWERS, by=actor_for(alice), expected=run.version)
        with pytest.raises(Stale):
            complete(run.id, ANSWERS, by=actor_for(alice), expected=run.version)


class TestOnBehalf:
    """A service acts for a person: owner and group are not asked, claims are."""

    def test_the_event_names_both(self, service: User) -> None:
        run = save_progress(a_run().id, {"requestedItem": "hat"}, by=actor_for(service), user_id="zoe")
        event = run.events.get(number=2)
        assert (event.actor, event.data["user_id"], event.data["on_behalf_of"]) == ("service", "zoe", "zoe")

    def test_owner_and_group_are_not_asked(self, service: User) -> None:
        run = complete(a_run(user_id="alice").id, ANSWERS, by=actor_for(service), user_id="zoe")
        assert (run.user_id, run.status) == ("zoe", Status.DONE)
        assert [event.data.get("on_behalf_of") for event in run.events.order_by("number")] == [None, "zoe", "zoe"]

    def test_the_claim_of_the_person_counts(self, service: User) -> None:
        run = a_run(user_id="alice")
        with pytest.raises(AlreadyClaimed):
            save_progress(run.id, {}, by=actor_for(service), user_id="zoe")
        assert save_progress(run.id, {}, by=actor_for(service), user_id="alice").version == 2
        save_progress(run.id, {}, by=actor_for(service), user_id="zoe", policy=SavePolicy.IGNORE_CLAIM)

    def test_the_state_counts(self, service: User, alice: User) -> None:
        with pytest.raises(WrongState):
            save_progress(done_by(alice).id, {}, by=actor_for(service), user_id="zoe")

    def test_a_repeat_for_the_same_person_writes_nothing(self, service: User) -> None:
        run = complete(a_run().id, ANSWERS, by=actor_for(service), user_id="zoe")
        assert complete(run.id, ANSWERS, by=actor_for(service), user_id="zoe").version == run.version

    def test_for_itself_a_service_is_like_anybody(self, service: User) -> None:
        for user_id in (None, "service"):
            with pytest.raises(NotAllowed):
                complete(a_run().id, ANSWERS, by=actor_for(service), user_id=user_id)

    def test_takes_the_permission(self, alice: User, charlie: User) -> None:
        run = a_run()
        with pytest.raises(NotAllowed):
            save_progress(run.id, {}, by=actor_for(alice), user_id="bob")
        with pytest.raises(NotFound):
            save_progress(run.id, {}, by=actor_for(charlie), user_id="alice")

    @pytest.mark.parametrize("user_id", ["", " ", "x" * 256, "\0"])
    def test_an_impossible_person_is_refused(self, user_id: str, service: User) -> None:
        with pytest.raises(InvalidArgument):
            complete(a_run().id, ANSWERS, by=actor_for(service), user_id=user_id)


def test_every_change_counts_the_version_and_writes_one_event(alice: User, mona: User) -> None:
    run = a_run()
    claim(run.id, by=actor_for(alice))
    save_progress(run.id, ANSWERS, by=actor_for(alice))
    assign(run.id, by=actor_for(mona), user_group=FINANCE, override_claim=True)
    run = complete(run.id, {}, by=actor_for(alice))
    assert (run.version, run.epoch) == (6, 4)
    assert [event.number for event in run.events.order_by("number")] == [1, 2, 3, 4, 5, 6]
