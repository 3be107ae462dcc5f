"""Taking the next run: the most urgent one that waits for somebody, and never what is not theirs to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import FINANCE, a_definition, a_run, claimed_by
from usertasks import snoozes
from usertasks.actors import Actor, Scope, actor_for
from usertasks.errors import InvalidArgument, NotAllowed
from usertasks.models import Refusal, Status, UserTaskDef, UserTaskRun
from usertasks.operations import claim_next
from usertasks.operations import next as taking

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
ALICE = Actor("alice", groups=frozenset({FINANCE, "it"}))


@pytest.fixture
def definition(db: None) -> UserTaskDef:
    return a_definition()


def taken(by: Actor, user_group: str | None = None) -> list[UserTaskRun]:
    """What they are given, one after the other, until nothing waits."""
    runs = []
    while run := claim_next(by=by, user_group=user_group):
        runs.append(run)
    return runs


def test_the_highest_priority_comes_first_and_among_equals_what_is_due_soonest(definition: UserTaskDef) -> None:
    asked_for = [
        (90, None, FINANCE),
        (90, NOON, "it"),
        (50, NOON - timedelta(days=1), FINANCE),
        (50, NOON, "it"),
        (50, None, FINANCE),
        (0, NOON - timedelta(days=9), "it"),
    ]
    made = [a_run(definition, priority=one, due_at=due, user_group=group) for one, due, group in asked_for]
    in_order = [made[n].id for n in (1, 0, 2, 3, 4, 5)]
    assert [run.id for run in taken(ALICE)] == in_order


def test_it_is_claimed_like_any_other(definition: UserTaskDef) -> None:
    waiting = a_run(definition)
    run = claim_next(by=ALICE)
    assert run is not None
    assert (run.id, run.status, run.user_id, run.user_group) == (waiting.id, Status.ASSIGNED, "alice", FINANCE)
    assert (run.version, run.epoch) == (waiting.version + 1, waiting.epoch + 1)
    event = run.events.order_by("-number")[0]
    assert (event.type, event.actor, event.data["new_user_id"]) == ("assigned", "alice", "alice")


def test_nothing_is_given_where_nothing_waits(definition: UserTaskDef, bob: User) -> None:
    claimed_by(bob, definition=definition)
    a_run(definition, user_id="alice", user_group=None)
    a_run(definition, user_group="board")
    assert claim_next(by=ALICE) is None
    assert claim_next(by=Actor("alice")) is None
    assert not Refusal.objects.exists()


def test_a_group_can_be_named(definition: UserTaskDef) -> None:
    a_run(definition, priority=90)
    lesser = a_run(definition, priority=10, user_group="it")
    board = a_run(definition, user_group="board")
    assert [run.id for run in taken(ALICE, "it")] == [lesser.id]
    assert claim_next(by=ALICE, user_group="board") is None
    assert claim_next(by=ALICE, user_group="nowhere") is None
    board.refresh_from_db()
    assert board.status == Status.UNASSIGNED


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800"])
def test_a_group_that_is_no_name_is_refused(definition: UserTaskDef, name: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        claim_next(by=ALICE, user_group=name)
    assert list(refused.value.faults) == ["user_group"]
    assert Refusal.objects.get().action == "claim_next"


def test_what_one_must_not_do_or_has_put_off_is_left_out(definition: UserTaskDef) -> None:
    now = timezone.now()
    excluded = a_run(definition, priority=100, excluded_user_ids=["alice"])
    asleep, awake, left = a_run(definition, priority=99), a_run(definition, priority=98), a_run(definition)
    snoozes.snooze(asleep.id, until=now + timedelta(days=1), by=ALICE, now=now)
    snoozes.snooze(awake.id, until=now - timedelta(hours=1), by=ALICE, now=now - timedelta(hours=2))
    assert [run.id for run in taken(ALICE)] == [awake.id, left.id]
    assert [run.id for run in taken(Actor("bob", groups=ALICE.groups))] == [excluded.id, asleep.id]


def test_who_sees_more_is_given_what_waits_in_their_groups_and_no_more(definition: UserTaskDef) -> None:
    a_run(definition, priority=90, user_group="board")
    mine = a_run(definition, priority=10)
    everything = frozenset({"view_usertaskrun", "assign_usertaskrun", "override_claim"})
    boss = Actor("mona", groups=frozenset({FINANCE}), permissions=everything, leads=frozenset({"board"}))
    assert [run.id for run in taken(boss)] == [mine.id]
    assert claim_next(by=replace(boss, groups=frozenset())) is None


def test_a_token_has_to_be_for_writing(definition: UserTaskDef) -> None:
    a_run(definition)
    with pytest.raises(NotAllowed):
        claim_next(by=ALICE.within(frozenset({Scope.RUNS_READ})))
    assert claim_next(by=ALICE.within(frozenset({Scope.RUNS_WRITE}))) is not None


def test_it_looks_beyond_the_first_candidates(
    definition: UserTaskDef, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are asked for a few at a time; that all of these are excluded does not end it."""
    monkeypatch.setattr(taking, "CANDIDATES", 2)
    for priority in (90, 90, 90, 80, 70):
        a_run(definition, priority=priority, excluded_user_ids=["alice"])
    last = a_run(definition, priority=60)
    run = claim_next(by=actor_for(alice))
    assert run is not None
    assert run.id == last.id
