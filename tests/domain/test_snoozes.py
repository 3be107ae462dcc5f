"""Putting runs off until later: for one person, without a trace on the run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.datastructures import MultiValueDict

from tests.cast import ENGINE, FINANCE, a_definition, a_run
from usertasks import operations, snoozes
from usertasks.actors import Actor, Scope
from usertasks.errors import InvalidArgument, NotAllowed, NotFound, WrongState
from usertasks.filters import Search
from usertasks.models import Snooze, UserTaskRun

pytestmark = pytest.mark.django_db

ALICE, BOB = Actor("alice", groups=frozenset({FINANCE})), Actor("bob", groups=frozenset({FINANCE}))
CHARLIE = Actor("charlie", groups=frozenset({"it"}))
MANAGER = Actor("mona", permissions=frozenset({"view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun"}))


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def found(by: Actor, snoozed: str) -> set[UserTaskRun]:
    return set(Search(MultiValueDict({"snoozed": [snoozed]}), by=by).runs())


def test_it_is_put_off_for_one_person_and_nobody_else_notices(now: datetime) -> None:
    run, other = a_run(), a_run(a_definition())
    snoozes.snooze(run.id, until=now + timedelta(days=1), by=ALICE, now=now)
    assert (found(ALICE, "true"), found(ALICE, "false")) == ({run}, {other})
    assert (found(BOB, "true"), found(BOB, "false")) == (set(), {run, other})
    before, version = [event.type for event in run.events.all()], run.version
    run.refresh_from_db()
    assert (before, version) == (["created"], run.version)


def test_it_ends_by_its_time(now: datetime) -> None:
    run, hour = a_run(), timedelta(hours=1)
    snoozes.snooze(run.id, until=now + hour, by=ALICE, now=now)
    assert snoozes.snoozed_until(run, by=ALICE, now=now + 0.99 * hour) == now + hour
    assert snoozes.snoozed_until(run, by=ALICE, now=now + hour) is None
    assert snoozes.snoozed_until(run, by=BOB, now=now) is None


def test_a_run_whose_time_has_come_is_back_in_the_search(now: datetime) -> None:
    run = a_run()
    Snooze.objects.create(run=run, user_id="alice", until=now - timedelta(seconds=1))
    assert (found(ALICE, "true"), found(ALICE, "false")) == (set(), {run})


def test_to_snooze_it_again_moves_the_time_and_to_wake_it_ends_it(now: datetime) -> None:
    run = a_run()
    for days in (3, 1):
        snoozes.snooze(run.id, until=now + timedelta(days=days), by=ALICE, now=now)
    snoozes.snooze(run.id, until=now + timedelta(days=9), by=BOB, now=now)
    assert snoozes.snoozed_until(run, by=ALICE, now=now) == now + timedelta(days=1)
    for _ in range(2):
        snoozes.wake(run.id, by=ALICE)
    assert snoozes.snoozed_until(run, by=ALICE, now=now) is None
    assert snoozes.snoozed_until(run, by=BOB, now=now) == now + timedelta(days=9)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=-1), timedelta(days=366, seconds=1)])
def test_a_time_that_makes_no_sense_is_refused(now: datetime, ahead: timedelta) -> None:
    run = a_run()
    with pytest.raises(InvalidArgument) as refused:
        snoozes.snooze(run.id, until=now + ahead, by=ALICE, now=now)
    assert [fault.code for fault in refused.value.faults["until"]] == ["out_of_range"]
    assert not Snooze.objects.exists()


def test_what_one_does_not_see_cannot_be_put_off(now: datetime) -> None:
    run = a_run()
    with pytest.raises(NotFound):
        snoozes.snooze(run.id, until=now + timedelta(days=1), by=CHARLIE, now=now)
    with pytest.raises(NotFound):
        snoozes.wake(run.id, by=CHARLIE)


def test_what_is_over_is_not_put_off(now: datetime) -> None:
    run = operations.cancel(a_run().id, by=MANAGER)
    with pytest.raises(WrongState):
        snoozes.snooze(run.id, until=now + timedelta(days=1), by=ALICE, now=now)
    snoozes.wake(run.id, by=ALICE)


def test_a_token_has_to_be_for_writing(now: datetime) -> None:
    run, reader = a_run(), ALICE.within(frozenset({Scope.RUNS_READ}))
    with pytest.raises(NotAllowed):
        snoozes.snooze(run.id, until=now + timedelta(days=1), by=reader, now=now)
    with pytest.raises(NotAllowed):
        snoozes.wake(run.id, by=reader)


def test_a_snooze_of_somebody_who_lost_the_run_does_no_harm_and_is_theirs_when_it_comes_back(now: datetime) -> None:
    run = operations.claim(a_run().id, by=ALICE)
    snoozes.snooze(run.id, until=now + timedelta(days=1), by=ALICE, now=now)
    operations.assign(run.id, by=MANAGER, user_id="charlie", override_claim=True)
    assert (found(CHARLIE, "true"), found(CHARLIE, "false")) == (set(), {run})
    assert (found(ALICE, "true"), found(ALICE, "false")) == (set(), set())
    operations.assign(run.id, by=MANAGER, user_id="alice", override_claim=True)
    assert found(ALICE, "true") == {run}


def test_a_snooze_goes_with_its_run() -> None:
    run = a_run()
    Snooze.objects.create(run=run, user_id="alice", until=datetime(2030, 1, 1, tzinfo=UTC))
    assert ENGINE.user_id != "alice"
    UserTaskRun.objects.filter(pk=run.pk).delete()
    assert not Snooze.objects.exists()
