"""Substitutes: who names them, for how long, and what they may while it lasts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import a_run, a_user, claimed_by
from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.errors import InvalidArgument, NotAllowed, NotFound, WrongState
from usertasks.models import Refusal, Substitution, UserTaskRun
from usertasks.rules import allowed_actions
from usertasks.substitutions import end_substitution, name_substitute, period_of_days

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


def named(
    user: str, substitute: str, by: Actor | None = None, *, since: timedelta = -DAY, until: timedelta = 7 * DAY
) -> Substitution:
    by = by or actor_for(User.objects.get(username=user))
    return name_substitute(user, substitute, by=by, now=NOW, starts_at=NOW + since, ends_at=NOW + until)


def a_chief() -> Actor:
    return actor_for(a_user("chief", permissions=["view_substitution", "add_substitution"]))


def test_a_substitute_does_what_the_absent_person_owns_and_the_event_names_both(alice: User, charlie: User) -> None:
    run = claimed_by(alice)
    named("alice", "charlie")
    charlies = actor_for(charlie)
    assert charlies.stands_in_for == {"alice"}
    assert {"view", "save_progress", "complete", "release"} <= set(allowed_actions(run, charlies))
    saved = operations.save_progress(run.id, {"requestedItem": "lightsaber"}, by=charlies)
    assert saved.user_id == "alice"
    event = saved.events.last()
    assert event is not None
    assert (event.actor, event.data["on_behalf_of"]) == ("charlie", "alice")


def test_what_waits_in_the_groups_of_the_absent_person_stays_there(alice: User, charlie: User) -> None:
    a_run()
    named("alice", "charlie")
    assert not UserTaskRun.objects.visible_to(actor_for(charlie)).exists()


def test_it_holds_while_it_lasts(alice: User, charlie: User) -> None:
    named("alice", "charlie", since=DAY, until=2 * DAY)
    standing = [bool(actor_for(charlie, now=NOW + days * DAY).stands_in_for) for days in (0, 1, 2)]
    assert standing == [False, True, False]


def test_a_substitute_of_a_substitute_stands_in_for_nobody_else(alice: User, bob: User, charlie: User) -> None:
    named("alice", "bob"), named("bob", "charlie")
    assert actor_for(charlie).stands_in_for == {"bob"}


def test_several_may_stand_in_for_one_person(alice: User, bob: User, charlie: User) -> None:
    named("alice", "bob"), named("alice", "charlie")
    assert Substitution.objects.at(NOW).filter(user_id="alice").count() == 2


@pytest.mark.parametrize(
    ("substitute", "period", "field"),
    [
        ("alice", {}, "substitute_id"),
        ("nobody", {}, "substitute_id"),
        ("left", {}, "substitute_id"),
        ("", {}, "substitute_id"),
        ("bob\0", {}, "substitute_id"),
        ("bob", {"since": 2 * DAY, "until": DAY}, "ends_at"),
        ("bob", {"since": DAY, "until": DAY}, "ends_at"),
        ("bob", {"since": -2 * DAY, "until": -DAY}, "ends_at"),
        ("bob", {"until": 367 * DAY}, "ends_at"),
        ("charlie", {"since": 6 * DAY, "until": 9 * DAY}, "substitute_id"),
    ],
)
@pytest.mark.usefixtures("alice", "bob", "charlie")
def test_what_makes_no_sense_is_refused(substitute: str, period: dict[str, Any], field: str) -> None:
    a_user("left", is_active=False)
    named("alice", "charlie")
    with pytest.raises(InvalidArgument) as refused:
        named("alice", substitute, **period)
    assert list(refused.value.faults) == [field]
    assert Substitution.objects.count() == 1


def test_the_next_period_may_begin_when_the_last_one_ends(alice: User, bob: User) -> None:
    named("alice", "bob")
    named("alice", "bob", since=7 * DAY, until=8 * DAY)


def test_a_beginning_that_has_passed_is_now(alice: User, bob: User) -> None:
    assert named("alice", "bob", since=-3 * DAY).starts_at == NOW


def test_for_somebody_else_it_takes_a_permission(alice: User, bob: User, charlie: User) -> None:
    with pytest.raises(NotAllowed):
        named("alice", "bob", by=actor_for(charlie))
    assert named("alice", "bob", by=a_chief()).named_by == "chief"
    refusal = Refusal.objects.get()
    assert (refusal.action, refusal.code, refusal.actor) == ("name_substitute", "not_allowed", "charlie")


@pytest.mark.parametrize("user", ["nobody", "", "a\0b", "x" * 256])
def test_nobody_stands_in_for_whoever_never_had_an_account(bob: User, user: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        named(user, "bob", by=a_chief())
    assert list(refused.value.faults) == ["user_id"]


def test_somebody_may_stand_in_for_whoever_has_left(bob: User) -> None:
    a_user("left", is_active=False)
    assert named("left", "bob", by=a_chief()).user_id == "left"


def test_it_ends_at_once(alice: User, bob: User) -> None:
    row = named("alice", "bob")
    end_substitution(row.pk, by=actor_for(alice), now=NOW + DAY)
    assert Substitution.objects.get().ends_at == NOW + DAY
    assert actor_for(bob, now=NOW + DAY).stands_in_for == frozenset()
    with pytest.raises(WrongState):
        end_substitution(row.pk, by=actor_for(alice), now=NOW + 2 * DAY)
    assert LogEntry.objects.count() == 2


def test_a_plan_that_is_given_up_was_never_there(alice: User, bob: User) -> None:
    end_substitution(named("alice", "bob", since=DAY).pk, by=actor_for(alice), now=NOW)
    assert not Substitution.objects.exists()


def test_the_substitute_does_not_end_it_and_others_do_not_know_of_it(alice: User, bob: User, charlie: User) -> None:
    row = named("alice", "bob")
    with pytest.raises(NotAllowed):
        end_substitution(row.pk, by=actor_for(bob), now=NOW)
    with pytest.raises(NotFound):
        end_substitution(row.pk, by=actor_for(charlie), now=NOW)
    with pytest.raises(NotAllowed):
        end_substitution(row.pk, by=a_chief(), now=NOW)
    keeper = actor_for(a_user("kim", permissions=["view_substitution", "change_substitution"]))
    end_substitution(row.pk, by=keeper, now=NOW + DAY)


def test_whoever_named_it_ends_it(alice: User, bob: User) -> None:
    chief = a_chief()
    end_substitution(named("alice", "bob", by=chief).pk, by=chief, now=NOW + DAY)
    assert not Substitution.objects.not_over(NOW + DAY).exists()


def test_days_are_those_of_the_time_zone_and_the_last_one_counts() -> None:
    with timezone.override("Europe/Berlin"):
        begins, ends = period_of_days(date(2026, 3, 28), date(2026, 3, 29))  # the second one has 23 hours
    berlin = ZoneInfo("Europe/Berlin")
    assert begins == datetime(2026, 3, 28, tzinfo=berlin)
    assert ends == datetime(2026, 3, 30, tzinfo=berlin)
    assert ends - begins == timedelta(hours=47)
    with pytest.raises(InvalidArgument):
        period_of_days(date(2026, 1, 1), date.max)
