"""Claim, release, assign and cancel: who has a run, and how that changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.cast import FINANCE, a_run, claimed_by, done_by
from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.errors import AlreadyClaimed, InvalidArgument, NotAllowed, NotFound, Stale, WrongState
from usertasks.models import Status, UserTaskRun
from usertasks.operations import assign, cancel, claim, release

pytestmark = pytest.mark.django_db


def state(run: UserTaskRun) -> tuple[str, str | None, str | None, int, int]:
    run = UserTaskRun.objects.get(pk=run.pk)
    return run.status, run.user_id, run.user_group, run.epoch, run.version


def last_event(run: UserTaskRun) -> tuple[int, str, str, dict[str, Any]]:
    event = run.events.order_by("number").last()
    assert event is not None
    return event.number, event.type, event.actor, event.data


class TestClaim:
    def test_makes_the_run_mine(self, alice: User) -> None:
        run = claim(a_run().id, by=actor_for(alice))
        assert state(run) == ("ASSIGNED", "alice", FINANCE, 2, 2)
        assert last_event(run) == (
            2,
            "assigned",
            "alice",
            {"old_user_id": None, "old_user_group": FINANCE, "new_user_id": "alice", "new_user_group": FINANCE},
        )

    def test_is_refused_when_someone_else_has_it(self, alice: User, bob: User) -> None:
        run = claimed_by(alice)
        with pytest.raises(AlreadyClaimed):
            claim(run.id, by=actor_for(bob))

    def test_of_what_is_mine_changes_nothing(self, alice: User) -> None:
        run = claimed_by(alice)
        before = state(run)
        assert claim(run.id, by=actor_for(alice)).user_id == "alice"
        assert state(run) == before
        assert run.events.count() == 2

    def test_is_refused_outside_of_the_group(self, mona: User) -> None:
        with pytest.raises(NotAllowed):
            claim(a_run().id, by=actor_for(mona))

    def test_finds_no_run_that_one_may_not_see(self, charlie: User) -> None:
        with pytest.raises(NotFound):
            claim(a_run().id, by=actor_for(charlie))

    def test_of_an_ended_run_is_a_wrong_state(self, alice: User, bob: User) -> None:
        with pytest.raises(WrongState):
            claim(done_by(alice).id, by=actor_for(bob))


class TestRelease:
    def test_gives_the_run_back_to_its_group(self, alice: User) -> None:
        run = release(claimed_by(alice).id, by=actor_for(alice))
        assert state(run) == ("UNASSIGNED", None, FINANCE, 3, 3)

    def test_keeps_what_was_saved(self, alice: User) -> None:
        run = claimed_by(alice)
        operations.save_progress(run.id, {"requestedItem": "hat"}, by=actor_for(alice))
        assert release(run.id, by=actor_for(alice)).results == {"requestedItem": "hat"}

    def test_without_a_group_is_a_wrong_state(self, alice: User) -> None:
        run = a_run(user_id="alice", user_group=None)
        with pytest.raises(WrongState):
            release(run.id, by=actor_for(alice))

    def test_of_what_nobody_has_is_a_wrong_state(self, alice: User) -> None:
        with pytest.raises(WrongState):
            release(a_run().id, by=actor_for(alice))

    def test_of_what_someone_else_has_takes_a_permission(self, alice: User, bob: User, mona: User) -> None:
        run = claimed_by(alice)
        with pytest.raises(NotAllowed):
            release(run.id, by=actor_for(bob))
        assert release(run.id, by=actor_for(mona)).status == Status.UNASSIGNED


class TestAssign:
    @pytest.mark.parametrize(
        ("user_id", "user_group", "status"),
        [("bob", None, "ASSIGNED"), (None, "it", "UNASSIGNED"), ("bob", "it", "ASSIGNED")],
    )
    def test_overwrites_user_and_group(
        self, user_id: str | None, user_group: str | None, status: str, mona: User
    ) -> None:
        run = assign(a_run().id, by=actor_for(mona), user_id=user_id, user_group=user_group)
        assert state(run) == (status, user_id, user_group, 2, 2)

    @pytest.mark.parametrize(
        "owner", [{}, {"user_id": ""}, {"user_group": " "}, {"user_id": "", "user_group": ""}, {"user_id": "x" * 256}]
    )
    def test_to_nobody_is_refused(self, owner: dict[str, Any], mona: User) -> None:
        with pytest.raises(InvalidArgument):
            assign(a_run().id, by=actor_for(mona), **owner)

    def test_takes_from_somebody_only_with_override(self, alice: User, mona: User) -> None:
        run = claimed_by(alice)
        with pytest.raises(AlreadyClaimed):
            assign(run.id, by=actor_for(mona), user_id="bob")
        assert assign(run.id, by=actor_for(mona), user_id="bob", override_claim=True).user_id == "bob"

    def test_to_whom_it_is_assigned_changes_nothing(self, mona: User) -> None:
        run = a_run(user_id="alice")
        assign(run.id, by=actor_for(mona), user_id="alice", user_group=FINANCE, override_claim=True)
        assert state(run) == ("ASSIGNED", "alice", FINANCE, 1, 1)

    def test_takes_the_permission(self, alice: User) -> None:
        with pytest.raises(NotAllowed):
            assign(claimed_by(alice).id, by=actor_for(alice), user_id="bob", override_claim=True)

    def test_of_an_ended_run_is_a_wrong_state(self, alice: User, mona: User) -> None:
        run = done_by(alice)
        with pytest.raises(WrongState):
            assign(run.id, by=actor_for(mona), user_id="bob", override_claim=True)


class TestCancel:
    def test_ends_the_run_and_tells_who_had_it(self, alice: User, mona: User) -> None:
        run = cancel(claimed_by(alice).id, by=actor_for(mona))
        assert state(run) == ("CANCELLED", "alice", FINANCE, 2, 3)
        assert last_event(run) == (3, "cancelled", "mona", {"user_id": "alice", "user_group": FINANCE})

    def test_again_writes_nothing(self, mona: User) -> None:
        run = cancel(a_run().id, by=actor_for(mona))
        before = state(run)
        assert cancel(run.id, by=actor_for(mona)).status == Status.CANCELLED
        assert (state(run), run.events.count()) == (before, 2)

    def test_again_takes_the_permission_as_well(self, alice: User, mona: User) -> None:
        run = cancel(claimed_by(alice).id, by=actor_for(mona))
        with pytest.raises(NotAllowed):
            cancel(run.id, by=actor_for(alice))

    def test_of_a_done_run_is_a_wrong_state(self, alice: User, mona: User) -> None:
        with pytest.raises(WrongState):
            cancel(done_by(alice).id, by=actor_for(mona))

    def test_takes_the_permission(self, alice: User) -> None:
        with pytest.raises(NotAllowed):
            cancel(claimed_by(alice).id, by=actor_for(alice))


ON_WHAT_ALICE_HAS: dict[str, Callable[..., Any]] = {
    "claim": claim,
    "release": release,
    "assign": lambda run_id, **more: assign(run_id, user_id="bob", override_claim=True, **more),
    "save_progress": lambda run_id, **more: operations.save_progress(run_id, {}, **more),
    "complete": lambda run_id, **more: operations.complete(
        run_id, {"requestedItem": "x", "justification": "y"}, **more
    ),
    "cancel": cancel,
    "add_comment": lambda run_id, **more: operations.add_comment(run_id, "hello", **more),
}


@pytest.fixture
def anything(alice: User, admin: User) -> Actor:
    """Alice, could she do everything."""
    return Actor("alice", groups=actor_for(alice).groups, permissions=actor_for(admin).permissions)


@pytest.mark.parametrize("verb", ON_WHAT_ALICE_HAS)
class TestExpectedVersion:
    def test_another_one_is_stale_and_changes_nothing(self, verb: str, alice: User, anything: Actor) -> None:
        run = claimed_by(alice)
        before, events = state(run), run.events.count()
        for expected in (run.version - 1, run.version + 1, 0):
            with pytest.raises(Stale):
                ON_WHAT_ALICE_HAS[verb](run.id, by=anything, expected=expected)
        assert (state(run), run.events.count()) == (before, events)

    def test_the_right_one_goes_ahead(self, verb: str, alice: User, anything: Actor) -> None:
        run = claimed_by(alice)
        ON_WHAT_ALICE_HAS[verb](run.id, by=anything, expected=run.version)

    def test_what_one_may_not_see_does_not_exist(self, verb: str, alice: User, charlie: User) -> None:
        run = claimed_by(alice)
        blind = Actor("charlie", permissions=frozenset({"assign_usertaskrun", "cancel_usertaskrun", "override_claim"}))
        with pytest.raises(NotFound):
            ON_WHAT_ALICE_HAS[verb](run.id, by=blind, expected=999)
