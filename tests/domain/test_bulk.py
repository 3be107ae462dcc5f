"""One operation on many runs: each has its own answer, a dry run only says it, and an undo takes it back."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from tests.cast import a_run, claimed_by, done_by
from usertasks import bulk, leads, operations
from usertasks.actors import actor_for
from usertasks.bulk import (
    MAX_RUNS,
    Result,
    change_and_keep,
    change_many,
    ids_of,
    kept,
    undo,
    undo_and_keep,
)
from usertasks.bulk_outcomes import Outcome
from usertasks.errors import InvalidArgument, NotFound
from usertasks.filters import Search
from usertasks.models import BulkChange, Substitution, UserTaskRun

pytestmark = pytest.mark.django_db


def codes(results: list[Result]) -> list[str]:
    return [result.refusal.code if result.refusal else "done" for result in results]


def owners(*runs: UserTaskRun) -> list[tuple[str | None, str | None]]:
    return [UserTaskRun.objects.values_list("user_id", "user_group").get(pk=run.pk) for run in runs]


def outcomes(change: BulkChange) -> list[str]:
    return [result["outcome"] for result in change.results]


def test_some_succeed_and_the_others_say_why(alice: User, bob: User) -> None:
    ids = [a_run().id, claimed_by(alice).id, done_by(alice).id, uuid.uuid4(), a_run().id]
    results, _ = change_many("claim", ids, {}, by=actor_for(bob))
    assert [result.id for result in results] == ids
    assert codes(results) == ["done", "already_claimed", "wrong_state", "not_found", "done"]


def test_a_dry_run_says_the_same_and_changes_nothing(alice: User, bob: User) -> None:
    ids = [a_run().id, claimed_by(alice).id]
    results, change = change_many("claim", ids, {}, by=actor_for(bob), is_dry_run=True)
    assert (codes(results), change) == (["done", "already_claimed"], None)
    assert UserTaskRun.objects.get(pk=ids[0]).user_id is None
    assert UserTaskRun.objects.get(pk=ids[0]).events.count() == 1


def test_a_run_that_is_named_twice_is_changed_once(alice: User) -> None:
    run = a_run()
    results, change = change_many("claim", [run.id, run.id], {}, by=actor_for(alice))
    assert len(results) == 1
    assert change is not None
    assert codes(undo(change.id, by=actor_for(alice))) == ["done"]


def test_undo_gives_each_back_to_whom_it_had(alice: User, mona: User) -> None:
    runs = [claimed_by(alice), a_run(), a_run(user_id="zoe", user_group=None)]
    before = owners(*runs)
    arguments = {"user_id": "bob", "override_claim": True}
    _, change = change_many("assign", [run.id for run in runs], arguments, by=actor_for(mona))
    assert owners(*runs) == [("bob", None)] * 3
    assert change is not None
    assert codes(undo(change.id, by=actor_for(mona))) == ["done"] * 3
    assert owners(*runs) == before


def test_undo_leaves_what_has_changed_since(alice: User) -> None:
    runs = [a_run(), a_run()]
    _, change = change_many("claim", [run.id for run in runs], {}, by=actor_for(alice))
    operations.save_progress(runs[0].id, {}, by=actor_for(alice))
    assert change is not None
    assert codes(undo(change.id, by=actor_for(alice))) == ["stale", "done"]
    assert codes(undo(change.id, by=actor_for(alice))) == ["stale", "stale"]


def test_undo_of_what_was_mine_before_takes_nothing_from_me(alice: User) -> None:
    _, change = change_many("claim", [claimed_by(alice).id], {}, by=actor_for(alice))
    assert change is None


def test_only_who_made_it_takes_it_back(alice: User, admin: User) -> None:
    _, change = change_many("claim", [a_run().id], {}, by=actor_for(alice))
    assert change is not None
    for change_id, user in ((change.id, admin), (uuid.uuid4(), alice)):
        with pytest.raises(NotFound):
            undo(change_id, by=actor_for(user))


@pytest.mark.parametrize("action", ["complete", "cancel"])
def test_what_ends_a_run_cannot_be_taken_back(action: str, admin: User) -> None:
    arguments = {"results": {"requestedItem": "x", "justification": "y"}} if action == "complete" else {}
    results, change = change_many(action, [a_run().id], arguments, by=actor_for(admin))
    assert (codes(results), change) == (["done"], None)
    assert not BulkChange.objects.exists()


def test_it_takes_a_thousand_and_no_more(mona: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_RUNS == 1000
    with pytest.raises(InvalidArgument):
        change_many("cancel", [uuid.uuid4()] * (MAX_RUNS + 1), {}, by=actor_for(mona))
    monkeypatch.setattr(bulk, "MAX_RUNS", 2)
    search = Search(MultiValueDict(), by=actor_for(mona))
    ids = [a_run().id for _ in range(2)]
    assert set(ids_of(search)) == set(ids)
    a_run()
    with pytest.raises(InvalidArgument):
        ids_of(search)


def test_a_run_that_is_not_at_the_expected_version_is_left_alone(alice: User) -> None:
    runs = [a_run(), a_run(), a_run()]
    expected = {runs[0].id: runs[0].version, runs[1].id: runs[1].version + 1}
    results, _ = change_many("claim", [run.id for run in runs], {}, by=actor_for(alice), expected=expected)
    assert codes(results) == ["done", "stale", "done"]
    assert owners(*runs) == [("alice", "finance"), (None, "finance"), ("alice", "finance")]


@pytest.mark.parametrize("is_dry_run", [True, False], ids=["dry run", "for real"])
def test_what_was_so_already_says_so(alice: User, is_dry_run: bool) -> None:
    ids = [claimed_by(alice).id, a_run().id]
    results, _ = change_many("claim", ids, {}, by=actor_for(alice), is_dry_run=is_dry_run)
    assert [result.is_unchanged for result in results] == [True, False]


class TestWhatIsKept:
    def test_is_what_became_of_each_run(self, alice: User, mona: User) -> None:
        runs = [a_run(), done_by(alice), a_run(user_id="bob", user_group=None)]
        by, arguments = actor_for(mona), {"user_id": "bob", "override_claim": True}
        change = change_and_keep("assign", [run.id for run in runs], arguments, by=by, expected={})
        change = kept(change.pk, by=by)
        assert change.arguments == arguments
        assert outcomes(change) == [Outcome.DONE, Outcome.COMPLETED, Outcome.UNCHANGED]
        undone = undo_and_keep(change.pk, by=by)
        assert (outcomes(undone), undone.undoes_id) == ([Outcome.DONE], change.pk)
        assert owners(runs[0]) == [(None, "finance")]

    def test_is_kept_also_of_what_cannot_be_taken_back(self, mona: User) -> None:
        change = change_and_keep("cancel", [a_run().id], {}, by=actor_for(mona), expected={})
        assert outcomes(kept(change.pk, by=actor_for(mona))) == [Outcome.DONE]
        assert undo(change.pk, by=actor_for(mona)) == []

    def test_is_for_whoever_did_it(self, alice: User, mona: User) -> None:
        change = change_and_keep("claim", [a_run().id], {}, by=actor_for(alice), expected={})
        with pytest.raises(NotFound):
            kept(change.pk, by=actor_for(mona))

    def test_is_nothing_where_only_a_program_asked(self, alice: User) -> None:
        _, change = change_many("claim", [a_run().id], {}, by=actor_for(alice))
        assert change is not None
        with pytest.raises(NotFound):
            kept(change.pk, by=actor_for(alice))


class TestUndoTakesTheRightOfNow:
    def test_whoever_left_the_group_gets_nothing_back(self, alice: User) -> None:
        run = claimed_by(alice)
        _, change = change_many("release", [run.id], {}, by=actor_for(alice))
        assert change is not None
        alice.groups.clear()
        assert codes(undo(change.id, by=actor_for(alice))) == ["not_found"]
        assert owners(run) == [(None, "finance")]

    def test_whoever_may_not_assign_any_more_takes_nothing_away(self, bob: User, mona: User) -> None:
        run = a_run()
        _, change = change_many("assign", [run.id], {"user_id": "bob"}, by=actor_for(mona))
        assert change is not None
        mona.user_permissions.remove(Permission.objects.get(codename="assign_usertaskrun"))
        assert codes(undo(change.id, by=actor_for(User.objects.get(username="mona")))) == ["not_allowed"]
        assert owners(run) == [("bob", None)]

    def test_a_lead_who_was_dismissed_moves_nothing(self, bob: User, charlie: User) -> None:
        leads.appoint("charlie", "finance")
        run = a_run()
        arguments = {"user_id": "bob", "user_group": "finance"}
        _, change = change_many("assign", [run.id], arguments, by=actor_for(charlie))
        assert change is not None
        leads.dismiss("charlie", "finance")
        assert codes(undo(change.id, by=actor_for(charlie))) == ["not_found"]

    def test_a_lead_takes_back_what_they_moved(self, bob: User, charlie: User) -> None:
        leads.appoint("charlie", "finance")
        run = a_run()
        arguments = {"user_id": "bob", "user_group": "finance"}
        _, change = change_many("assign", [run.id], arguments, by=actor_for(charlie))
        assert change is not None
        assert codes(undo(change.id, by=actor_for(charlie))) == ["done"]
        assert owners(run) == [(None, "finance")]

    def test_what_a_substitute_takes_back_names_both(self, alice: User, charlie: User) -> None:
        run, now = claimed_by(alice), timezone.now()
        period = {"starts_at": now - timedelta(days=1), "ends_at": now + timedelta(days=1)}
        standing_in = Substitution.objects.create(user_id="alice", substitute_id="charlie", named_by="alice", **period)
        charlie.groups.add(Group.objects.get(name="finance"))
        _, change = change_many("release", [run.id], {}, by=actor_for(charlie))
        assert change is not None
        assert codes(undo(change.id, by=actor_for(charlie))) == ["done"]
        last = run.events.last()
        assert last is not None
        assert (last.actor, last.data["on_behalf_of"], owners(run)) == ("charlie", "alice", [("alice", "finance")])
        _, change = change_many("release", [run.id], {}, by=actor_for(charlie))
        assert change is not None
        standing_in.delete()
        assert codes(undo(change.id, by=actor_for(charlie))) == ["not_allowed"]
