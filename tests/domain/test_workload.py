"""The figures of a team: what is counted, for whom, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import FINANCE, a_definition, a_run, a_user, claimed_by, done_by
from usertasks import operations, workload
from usertasks.actors import Actor, actor_for
from usertasks.errors import InvalidArgument, NotFound
from usertasks.models import EventType, Status, UserTaskEvent, UserTaskRun
from usertasks.stuck import MOST_LISTED, Snag, stuck_work
from usertasks.workload import Amount, Share, Team, flow, has_team, open_work, team_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
EVERYTHING = Team(None)
LEAD = Actor("lena", leads=frozenset({FINANCE, "legal"}))
HOLDER = Actor("mona", permissions=frozenset({"view_usertaskrun"}))


def moved_to(run: UserTaskRun, **columns: Any) -> UserTaskRun:
    """The run as if it had been created, or completed, then."""
    UserTaskRun.objects.filter(pk=run.pk).update(**columns)
    run.refresh_from_db()
    return run


def aged(run: UserTaskRun, age: timedelta) -> UserTaskRun:
    return moved_to(run, scheduled_time=NOW - age)


def claimed_after(took: timedelta, *, by: User, **more: Any) -> UserTaskRun:
    """A run of two days ago that somebody claimed so much later."""
    run = aged(claimed_by(by, **more), timedelta(days=2))
    UserTaskEvent.objects.filter(run=run, type=EventType.ASSIGNED).update(time=run.scheduled_time + took)
    return run


def completed_after(took: timedelta, *, by: User, **more: Any) -> UserTaskRun:
    """A run that somebody completed an hour ago, so long after it was created."""
    at = NOW - timedelta(hours=1)
    return moved_to(claimed_by(by, **more), scheduled_time=at - took, completed_at=at, status=Status.DONE)


def stuck(team: Team = EVERYTHING) -> dict[Snag, list[Any]]:
    """The ids of what is stuck, reason by reason."""
    return {found.snag: [row.id for row in found.rows] for found in stuck_work(team, NOW) if found.rows}


def test_leads_look_at_their_groups_and_whoever_sees_everything_at_all() -> None:
    assert team_of(LEAD) == Team(frozenset({FINANCE, "legal"}))
    assert team_of(LEAD, "legal") == Team(frozenset({"legal"}))
    assert team_of(HOLDER) == EVERYTHING
    assert team_of(HOLDER, "it") == Team(frozenset({"it"}))
    both = Actor("mona", leads=frozenset({FINANCE}), permissions=frozenset({"view_usertaskrun"}))
    assert team_of(both) == EVERYTHING


def test_who_leads_nothing_and_sees_nothing_has_no_team() -> None:
    member = Actor("alice", groups=frozenset({FINANCE}), permissions=frozenset({"lead_usertaskrun"}))
    assert not has_team(member)
    with pytest.raises(NotFound):
        team_of(member)
    with pytest.raises(NotFound):
        team_of(member, FINANCE)


def test_a_group_that_somebody_does_not_lead_is_refused() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        team_of(LEAD, "it")
    assert [fault.code for fault in refusal.value.faults["user_group"]] == ["not_a_choice"]


def test_open_work_is_counted_by_group_definition_and_person(alice: User, bob: User) -> None:
    loan = a_definition("loan")
    claimed_by(alice), claimed_by(alice), claimed_by(bob), a_run(), a_run(loan, user_group="it")
    a_run(user_id="zoe", user_group=None)
    done_by(alice), operations.cancel(a_run().id, by=Actor("x", leads=frozenset({FINANCE})))
    found = open_work(EVERYTHING, NOW)
    assert found.total == Amount(2, 4)
    assert found.groups.shares[0] == Share(FINANCE, Amount(1, 3))
    assert set(found.groups.shares[1:]) == {Share("it", Amount(1, 0)), Share(None, Amount(0, 1))}
    assert list(found.definitions.shares) == [Share("it-request", Amount(1, 4)), Share("loan", Amount(1, 0))]
    assert list(found.people.shares) == [Share("alice", Amount(0, 2)), *found.people.shares[1:]]
    assert found.groups.others == found.definitions.others == found.people.others == Amount(0, 0)


def test_a_team_counts_nothing_of_other_groups(alice: User) -> None:
    claimed_by(alice), a_run(user_group="it"), a_run(user_id="alice", user_group=None)
    team = Team(frozenset({FINANCE}))
    assert open_work(team, NOW).total == Amount(0, 1)
    assert [share.name for share in open_work(team, NOW).groups.shares] == [FINANCE]
    assert (
        sum(day.came_in for day in flow(team, UserTaskRun.objects.latest("scheduled_time").scheduled_time, days=7).days)
        == 1
    )


def test_what_is_beyond_the_first_names_is_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload, "MOST_NAMED", 2)
    for group in ("a", "a", "a", "b", "b", "c", "d"):
        a_run(user_group=group)
    found = open_work(EVERYTHING, NOW).groups
    assert [share.name for share in found.shares] == ["a", "b"]
    assert found.others == Amount(2, 0)


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (timedelta(hours=-1), 0),
        (timedelta(0), 0),
        (timedelta(minutes=59), 0),
        (timedelta(hours=1), 1),
        (timedelta(days=1), 2),
        (timedelta(days=3), 3),
        (timedelta(days=7), 4),
        (timedelta(days=29, hours=23), 4),
        (timedelta(days=30), 5),
        (timedelta(days=4000), 5),
    ],
)
def test_each_age_is_in_one_band(age: timedelta, band: int) -> None:
    aged(a_run(), age)
    assert [amount.unassigned for amount in open_work(EVERYTHING, NOW).ages] == [int(n == band) for n in range(6)]


def test_percentiles_are_durations_that_occurred(alice: User) -> None:
    for hours in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10):
        completed_after(timedelta(hours=hours), by=alice)
    (took,) = flow(EVERYTHING, NOW, days=7).to_complete
    assert (took.user_group, took.number) == (FINANCE, 10)
    assert (took.median, took.most) == (timedelta(hours=5), timedelta(hours=9))


@pytest.mark.parametrize(
    ("hours", "median", "most"),
    [([4], 4, 4), ([4, 6], 4, 6), ([9, 1, 5], 5, 9), ([2, 2, 2], 2, 2), (list(range(1, 12)), 6, 10)],
)
def test_percentiles_of_few(alice: User, hours: list[int], median: int, most: int) -> None:
    for number in hours:
        completed_after(timedelta(hours=number), by=alice)
    (took,) = flow(EVERYTHING, NOW, days=30).to_complete
    assert (took.number, took.median, took.most) == (len(hours), timedelta(hours=median), timedelta(hours=most))


def test_times_are_told_group_by_group_the_busiest_first(alice: User) -> None:
    alice.groups.create(name="it")
    completed_after(timedelta(hours=8), by=alice, user_group="it")
    completed_after(timedelta(hours=1), by=alice), completed_after(timedelta(hours=2), by=alice)
    found = flow(EVERYTHING, NOW, days=7).to_complete
    assert [(took.user_group, took.number) for took in found] == [(FINANCE, 2), ("it", 1)]


def test_the_groups_beyond_the_first_names_have_no_times(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload, "MOST_NAMED", 1)
    alice.groups.create(name="it")
    for group in (FINANCE, FINANCE, FINANCE, "it", "it"):
        completed_after(timedelta(hours=1), by=alice, user_group=group)
    assert [took.user_group for took in flow(EVERYTHING, NOW, days=7).to_complete] == [FINANCE]


def test_the_time_to_claim_ends_when_somebody_first_has_it(alice: User, bob: User) -> None:
    run = claimed_after(timedelta(hours=3), by=alice)
    operations.release(run.id, by=actor_for(alice))
    operations.claim(run.id, by=actor_for(bob))
    (took,) = flow(EVERYTHING, NOW, days=7).to_claim
    assert (took.number, took.median) == (1, timedelta(hours=3))


def test_the_time_to_claim_is_that_of_runs_that_were_created_for_a_group(alice: User, mona: User) -> None:
    waiting, given = aged(a_run(), timedelta(days=1)), aged(a_run(user_id="alice"), timedelta(days=1))
    operations.assign(given.id, user_id="bob", user_group=FINANCE, override_claim=True, by=actor_for(mona))
    operations.assign(waiting.id, user_id=None, user_group="it", by=actor_for(mona))  # moved on, and nobody has it
    assert flow(EVERYTHING, NOW, days=7).to_claim == []


def test_a_period_is_so_many_whole_days_with_today(alice: User) -> None:
    for days in (0, 6, 7):
        aged(a_run(), timedelta(days=days))
    completed_after(timedelta(days=20), by=alice)
    found = flow(EVERYTHING, NOW, days=7)
    assert [day.day.isoformat() for day in found.days] == [f"2026-06-{day:02}" for day in range(9, 16)]
    assert [day.came_in for day in found.days] == [1, 0, 0, 0, 0, 0, 1]
    assert [day.completed for day in found.days] == [0, 0, 0, 0, 0, 0, 1]
    assert (found.came_in, found.completed, found.is_sampled) == (2, 1, False)


def test_a_day_begins_at_midnight_where_the_reader_is(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    moved_to(a_run(), scheduled_time=datetime(2026, 6, 14, 16, tzinfo=UTC))  # one o'clock on the 15th
    assert [(day.day.day, day.came_in) for day in flow(EVERYTHING, NOW, days=7).days][-2:] == [(14, 0), (15, 1)]


def test_where_there_is_too_much_to_time_the_newest_are_timed(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload, "MOST_TIMED", 1)
    claimed_after(timedelta(hours=3), by=alice)
    newer = claimed_after(timedelta(hours=5), by=alice)
    moved_to(newer, scheduled_time=newer.scheduled_time + timedelta(hours=1))
    found = flow(EVERYTHING, NOW, days=7)
    assert found.is_sampled
    assert [(took.number, took.median) for took in found.to_claim] == [(1, timedelta(hours=4))]


def test_what_somebody_has_who_cannot_sign_in_is_stuck(alice: User, bob: User) -> None:
    inactive, unknown = claimed_by(bob), a_run(user_id="zoe", user_group=None)
    claimed_by(alice)
    bob.is_active = False
    bob.save()
    assert stuck() == {Snag.OWNER_GONE: [unknown.id, inactive.id]}


def test_what_somebody_has_who_left_the_group_is_stuck(alice: User, bob: User) -> None:
    left = claimed_by(bob)
    claimed_by(alice), a_run(user_id="bob", user_group=None)
    bob.groups.clear()
    assert stuck() == {Snag.OWNER_OUTSIDE: [left.id]}


def test_what_waits_where_nobody_can_sign_in_is_stuck(alice: User) -> None:
    a_user("gone", groups=["empty"], is_active=False)
    left_behind, nowhere = a_run(user_group="empty"), a_run(user_group="nowhere")
    a_run()
    assert stuck() == {Snag.GROUP_EMPTY: [nowhere.id, left_behind.id]}


def test_the_most_overdue_comes_first(alice: User) -> None:
    late = claimed_by(alice, due_at=NOW - timedelta(hours=1))
    later = a_run(due_at=NOW - timedelta(days=1))
    a_run(due_at=NOW + timedelta(hours=1)), done_by(alice, due_at=NOW - timedelta(days=3))
    assert stuck() == {Snag.OVERDUE: [later.id, late.id]}


def test_what_nobody_has_had_for_a_week_is_stuck(alice: User) -> None:
    oldest, old = aged(a_run(), timedelta(days=30)), aged(a_run(), timedelta(days=7))
    aged(a_run(), timedelta(days=6)), aged(claimed_by(alice), timedelta(days=30))
    given_back = aged(claimed_by(alice), timedelta(days=30))
    operations.release(given_back.id, by=actor_for(alice))
    UserTaskEvent.objects.filter(run=given_back).update(time=NOW - timedelta(days=6))
    assert stuck() == {Snag.WAITING: [oldest.id, old.id]}
    UserTaskEvent.objects.filter(run=given_back).update(time=NOW - timedelta(days=8))
    assert given_back.id in stuck()[Snag.WAITING]


def test_only_the_first_are_listed_and_all_are_counted() -> None:
    for _ in range(MOST_LISTED + 2):
        a_run(user_group="nowhere")
    (found,) = (found for found in stuck_work(Team(frozenset({"nowhere"})), NOW) if found.rows)
    assert (len(found.rows), found.number) == (MOST_LISTED, MOST_LISTED + 2)
    assert all(not other.rows for other in stuck_work(Team(frozenset({FINANCE})), NOW))


def test_the_number_of_queries_does_not_grow(alice: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            open_work(EVERYTHING, NOW), flow(EVERYTHING, NOW, days=90), stuck_work(EVERYTHING, NOW)
        return len(captured)

    assert queries() == 13
    for number in range(30):
        completed_after(timedelta(hours=number), by=alice)
        a_run(a_definition(f"form-{number}"), user_group=f"group-{number}", due_at=NOW)
    assert queries() == 14  # and one for the rows of what is stuck, where something is
