"""Putting a task off from its page: by the clock on one's wall, and without losing a letter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from inbox.snooze import SnoozeBox
from tests.cast import a_run, claimed_by, done_by
from tests.inbox.pages import press, rows_of, shown_in, signed_in, task_url
from usertasks import snoozes
from usertasks.actors import actor_for
from usertasks.models import Preferences, Refusal, Snooze, UserTaskRun

pytestmark = pytest.mark.django_db

TOKYO = ZoneInfo("Asia/Tokyo")


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


def asleep(run: UserTaskRun, user: User, days: float = 1) -> UserTaskRun:
    snoozes.snooze(run.id, until=in_days(days), by=actor_for(user), now=timezone.now())
    return run


def test_in_an_hour_counts_from_when_it_is_pressed_and_leads_back_to_the_list(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    response = client.post(task_url(run, back="/inbox/?sort=due"), {"action": "snooze:hour", "version": run.version})
    assert (response.status_code, response["Location"]) == (302, "/inbox/?sort=due")
    until = Snooze.objects.get(run=run, user_id="alice").until
    assert timedelta(minutes=59) < until - timezone.now() < timedelta(minutes=61)
    page = client.get("/inbox/")
    (message,) = page.context["messages"]
    assert str(message).startswith("Snoozed until ")
    assert task_url(run) in str(message)
    assert rows_of(page) == []
    assert rows_of(client.get("/inbox/snoozed/")) == [run.id]


def test_what_was_typed_goes_along_and_is_there_again(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    press(client, run, "snooze:hour", **{"results-requestedItem": "lightsaber", "comment": "Later"})
    page = client.get(task_url(run)).context["page"]
    assert page.changed_names == ["requestedItem"]
    assert page.comment_draft == "Later"
    run.refresh_from_db()
    assert (run.results, run.version) == ({}, 2)


def test_a_task_says_until_when_it_sleeps_and_is_woken(alice: User, bob: User) -> None:
    run, client = asleep(a_run(), alice), signed_in(alice)
    html = client.get(task_url(run)).content.decode()
    assert "You have put this task off until" in html
    assert 'value="wake"' in html
    assert 'value="wake"' not in signed_in(bob).get(task_url(run)).content.decode()
    assert press(client, run, "wake")["Location"] == task_url(run)
    assert not Snooze.objects.exists()
    assert 'value="wake"' not in client.get(task_url(run)).content.decode()


def test_a_time_of_ones_own_is_meant_in_the_zone_of_the_page(alice: User) -> None:
    Preferences.objects.create(user_id="alice", time_zone="Asia/Tokyo")
    run, client = claimed_by(alice), signed_in(alice)
    wall = in_days(2).astimezone(TOKYO).replace(hour=9, minute=30, second=0, microsecond=0)
    typed = {"snooze-until": f"{wall:%Y-%m-%dT%H:%M}", "snooze-until-zone": "Asia/Tokyo"}
    assert 'name="snooze-until-zone" value="Asia/Tokyo"' in client.get(task_url(run)).content.decode()
    Preferences.objects.update(time_zone="Europe/Berlin")
    assert press(client, run, "snooze:", **typed).status_code == 302
    assert Snooze.objects.get().until == wall


@pytest.mark.parametrize(
    ("written", "code"),
    [("", "required"), ("soon", "invalid"), ("2020-01-01T08:00", "out_of_range"), ("9999-12-31T23:59", "out_of_range")],
)
def test_a_time_that_makes_no_sense_is_refused_and_loses_nothing(alice: User, written: str, code: str) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    typed = {"snooze-until": written, "results-requestedItem": "lightsaber"}
    response = press(client, run, "snooze:", **typed)
    assert response.status_code == 422
    assert [fault.code for fault in response.context["trouble"].snooze_faults] == [code]
    html = response.content.decode()
    assert f'name="snooze-until" form="task-form" value="{written}"' in html
    assert 'aria-describedby="snooze-until_error"' in html
    assert shown_in(response)["requestedItem"] == "lightsaber"
    assert not Snooze.objects.exists()


@pytest.mark.parametrize("value", ["x", "2026-13-45T00:00:00Z", "2030-01-01T00:00:00", "hour:hour", "\0"])
def test_a_button_that_is_none_of_ours_puts_nothing_off(alice: User, value: str) -> None:
    assert press(signed_in(alice), claimed_by(alice), f"snooze:{value}").status_code == 422
    assert not Snooze.objects.exists()


def test_what_is_over_or_out_of_sight_is_not_put_off(alice: User, charlie: User) -> None:
    over, hidden = done_by(alice), claimed_by(alice)
    assert 'id="snooze"' not in signed_in(alice).get(task_url(over)).content.decode()
    assert press(signed_in(alice), over, "snooze:hour").status_code == 409
    assert press(signed_in(charlie), hidden, "snooze:hour").status_code == 404
    assert Refusal.objects.filter(action="snooze", actor="charlie", code="not_found").exists()


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        ("2026-11-20T09:00", ["2026-11-20T18:00", "2026-11-21T08:00", "2026-11-23T08:00"]),  # a Friday
        ("2026-11-20T17:30", ["2026-11-21T08:00", "2026-11-23T08:00"]),
        ("2026-11-22T23:59", ["2026-11-23T08:00"]),  # a Sunday: tomorrow is Monday
        ("2026-11-23T00:10", ["2026-11-23T18:00", "2026-11-24T08:00", "2026-11-30T08:00"]),
    ],
)
def test_what_is_offered_goes_by_the_clock_on_the_wall(alice: User, now: str, offered: list[str]) -> None:
    box = SnoozeBox(a_run(), actor_for(alice))
    box.now = datetime.fromisoformat(now).replace(tzinfo=TOKYO).astimezone(UTC)
    with timezone.override(TOKYO):
        values = [preset.value for preset in box.presets]
    assert values == ["hour", *(f"{moment}:00+09:00" for moment in offered)]


def test_a_moment_that_is_offered_keeps_to_the_wall_when_the_clocks_change(alice: User) -> None:
    box = SnoozeBox(a_run(), actor_for(alice))
    berlin = ZoneInfo("Europe/Berlin")
    box.now = datetime(2027, 3, 27, 12, tzinfo=berlin)  # the night after, the clocks go forward
    with timezone.override(berlin):
        values = [preset.value for preset in box.presets]
    assert values[1:] == ["2027-03-27T18:00:00+01:00", "2027-03-28T08:00:00+02:00", "2027-03-29T08:00:00+02:00"]
