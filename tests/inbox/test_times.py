"""Every moment is shown, typed and mailed in the zone of the person, and none moves by being shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from inbox.templatetags import moments
from tests.cast import a_definition, a_run, claimed_by
from tests.inbox.pages import press, rows_of, signed_in, task_url
from tests.mails.servers import Postbox, mailers_at, served
from tests.mails.test_messages import parts
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.locales import Zone, moment_at, zone_named, zone_names
from usertasks.mails import Mails
from usertasks.models import Preferences, UserTaskField, UserTaskRun
from usertasks.worker import work_off

pytestmark = pytest.mark.django_db

DUE = datetime(2031, 5, 4, 14, 30, tzinfo=UTC)
BERLIN = "Europe/Berlin"
FIRST, SECOND = "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"
"""Both are 02:30 in Berlin."""


def at(zone: str, user: User, language: str = "") -> Client:
    Preferences.objects.update_or_create(user_id=user.username, defaults={"time_zone": zone, "language": language})
    return signed_in(user)


def asking_for_a_moment(user: User, **results: Any) -> UserTaskRun:
    definition = a_definition(
        "meet", [UserTaskField(name="when", type="TIMESTAMP"), UserTaskField(name="x", type="STR")]
    )
    run = claimed_by(user, definition=definition)
    return operations.save_progress(run.id, results, by=actor_for(user)) if results else run


def inputs_in(page: Any) -> dict[str, str]:
    """What a browser would send back of the control for the moment, untouched."""
    return dict(re.findall(r'name="(results-when[^"]*)" value="([^"]*)"', page.content.decode()))


def saved(run: UserTaskRun) -> Any:
    run.refresh_from_db()
    return run.results.get("when")


@pytest.mark.parametrize(
    ("zone", "language", "said"),
    [
        ("Asia/Tokyo", "en", "4 May 2031, 23:30 JST"),
        ("America/New_York", "en", "4 May 2031, 10:30 EDT"),
        ("Asia/Dubai", "en", "4 May 2031, 18:30 UTC+04"),
        ("", "en", "4 May 2031, 14:30 UTC"),
        ("Asia/Tokyo", "ja", "2031年5月4日23:30 JST"),
        ("Europe/Berlin", "de", "4. Mai 2031 16:30 CEST"),
    ],
)
def test_the_same_due_moment_is_shown_to_each_in_their_zone(alice: User, zone: str, language: str, said: str) -> None:
    run, client = a_run(due_at=DUE), at(zone, alice, language)
    for path in ("/inbox/groups/", task_url(run)):
        assert f'title="{said}"' in client.get(path).content.decode()


@pytest.mark.parametrize(
    ("ahead", "said", "due_said"),
    [
        (timedelta(days=3, hours=1), "in 3 days", "Due in 3 days"),
        (timedelta(hours=1, minutes=1), "in 1 hour", "Due in 1 hour"),
        (timedelta(seconds=30), "just now", "Due now"),
        (-timedelta(minutes=2), "2 minutes ago", "Overdue by 2 minutes"),
        (-timedelta(days=800), "2 years ago", "Overdue by 2 years"),
    ],
    ids=str,
)
def test_a_moment_is_said_in_a_whole_sentence(ahead: timedelta, said: str, due_said: str) -> None:
    moment = timezone.now() + ahead
    sentences = (moments.relative(moment), moments.due(moment))
    assert [sentence.replace("\xa0", " ") for sentence in sentences] == [said, due_said]


def test_pages_of_two_people_in_turn_keep_their_zones(alice: User, bob: User) -> None:
    a_run(due_at=DUE)
    tokyo, new_york = at("Asia/Tokyo", alice), at("America/New_York", bob)
    for _ in range(2):
        assert "23:30 JST" in tokyo.get("/inbox/groups/").content.decode()
        assert "10:30 EDT" in new_york.get("/inbox/groups/").content.decode()
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_can_be_shown_everywhere(admin: User, zone: str, year: int) -> None:
    end = datetime(1, 1, 1, tzinfo=UTC) if year == 1 else datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    run, client = claimed_by(admin, due_at=end, user_group=None, user_id="admin"), at(zone, admin)
    for path in ("/inbox/", task_url(run), f"/admin/usertasks/usertaskrun/{run.pk}/change/"):
        assert client.get(path, follow=True).status_code == 200


def test_what_is_typed_is_the_time_on_the_wall(alice: User) -> None:
    run = asking_for_a_moment(alice)
    client = at("Asia/Tokyo", alice)
    press(client, run, "save_progress", **{"results-when": "2026-11-21T09:30"})
    assert saved(run) == "2026-11-21T00:30:00Z"
    assert inputs_in(client.get(task_url(run)))["results-when"] == "2026-11-21T09:30:00"


@pytest.mark.parametrize("stored", [FIRST, SECOND, "2026-11-21T09:30:00.123456Z", "2026-03-29T01:00:00Z"])
def test_a_saved_moment_that_is_saved_again_does_not_move(alice: User, stored: str) -> None:
    run = asking_for_a_moment(alice, when=stored)
    client = at(BERLIN, alice)
    shown = inputs_in(client.get(task_url(run)))
    response = press(client, run, "save_progress", **shown, **{"results-x": "new"})
    assert response.status_code == 302
    assert (saved(run), run.results["x"]) == (stored, "new")


def test_of_an_hour_that_comes_twice_the_first_is_meant_unless_an_offset_says_otherwise(alice: User) -> None:
    run, client = asking_for_a_moment(alice), at(BERLIN, alice)
    press(client, run, "save_progress", **{"results-when": "2026-10-25T02:30:00"})
    assert saved(run) == FIRST
    press(client, run, "save_progress", **{"results-when": "2026-10-25T02:30:00+01:00"})
    assert saved(run) == SECOND


def test_a_time_that_the_clocks_skip_is_refused_and_stays_typed(alice: User) -> None:
    run, client = asking_for_a_moment(alice), at(BERLIN, alice)
    response = press(client, run, "save_progress", **{"results-when": "2026-03-29T02:30:00"})
    assert response.status_code == 422
    assert set(response.context["page"].form.errors) == {"when"}
    assert "2026-03-29T02:30:00" in response.content.decode()
    assert saved(run) is None


def test_a_page_that_was_made_in_another_zone_means_that_one(alice: User) -> None:
    run, stored = asking_for_a_moment(alice, when="2026-11-21T09:30:00Z"), "2026-11-21T09:30:00Z"
    client = signed_in(alice)  # whose browser has not yet said where it is
    as_shown = inputs_in(client.get(task_url(run)))
    assert as_shown == {"results-when": "2026-11-21T09:30:00", "results-when-zone": "UTC"}
    client.cookies["time_zone"] = "Asia/Tokyo"
    press(client, run, "save_progress", **as_shown, **{"results-x": "1"})
    assert (saved(run), run.results["x"]) == (stored, "1")
    press(client, run, "save_progress", **{**as_shown, "results-when": "2026-11-21T10:30:00"})
    assert saved(run) == "2026-11-21T10:30:00Z"
    press(client, run, "save_progress", **{**as_shown, "results-when-zone": "nonsense"})
    assert saved(run) == "2026-11-21T00:30:00Z"


def test_a_draft_keeps_the_zone_in_which_it_was_typed(alice: User) -> None:
    run, client = asking_for_a_moment(alice), at(BERLIN, alice)
    press(client, run, "claim", **{"results-when": "2026-11-21T09:30:00", "results-when-zone": BERLIN})
    page = at("Asia/Tokyo", alice).get(task_url(run))
    assert inputs_in(page) == {"results-when": "2026-11-21T09:30:00", "results-when-zone": BERLIN}


@pytest.mark.parametrize(
    ("zone", "earliest", "latest", "found"),
    [
        (BERLIN, "2026-11-21T10:00", "2026-11-21T10:00", True),
        ("UTC", "2026-11-21T10:00", "", False),
        ("Asia/Tokyo", "", "2026-11-21T18:00", True),
        ("Asia/Tokyo", "", "2026-11-21T17:59", False),
    ],
)
def test_filters_mean_the_zone_of_the_person(alice: User, zone: str, earliest: str, latest: str, found: bool) -> None:
    run = a_run()
    UserTaskRun.objects.update(scheduled_time=datetime(2026, 11, 21, 9, tzinfo=UTC))
    query = {"earliest_start": earliest, "latest_start": latest}
    response = at(zone, alice).get("/inbox/groups/", query)
    assert rows_of(response) == ([run.id] if found else [])
    for text in filter(None, query.values()):
        assert f'value="{text}"' in response.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"earliest_start": "2026-10-25T02:30"}, 2),
        ({"latest_start": "2026-10-25T02:30"}, 2),
        ({"earliest_start": "2026-10-25T02:31"}, 1),
        ({"earliest_start": "2026-03-29T02:30"}, 2),
        ({"latest_start": "2026-03-29T02:30"}, 0),
    ],
    ids=str,
)
def test_filters_leave_nothing_out_where_clocks_change(alice: User, query: dict[str, str], found: int) -> None:
    for moment in (FIRST, SECOND):
        UserTaskRun.objects.filter(pk=a_run().pk).update(scheduled_time=moment)
    response = at(BERLIN, alice).get("/inbox/groups/", query)
    assert (response.status_code, len(rows_of(response))) == (200, found)


@pytest.mark.parametrize(
    ("zone", "language", "said"),
    [
        ("", "", "4 May 2031, 14:30 UTC"),
        ("Asia/Tokyo", "", "4 May 2031, 23:30 JST"),
        (BERLIN, "de", "4. Mai 2031 16:30 CEST"),
    ],
)
def test_a_mail_is_in_the_language_and_the_zone_of_who_gets_it(
    alice: User, settings: Any, zone: str, language: str, said: str
) -> None:
    User.objects.filter(pk=alice.pk).update(email="alice@example.com")
    if zone:
        at(zone, alice, language)
    a_run(user_id="alice", due_at=DUE)
    postbox = Postbox()
    with served(postbox) as port:
        settings.MAILERS = mailers_at(port)
        work_off([Mails()], timezone.now() + timedelta(seconds=1))
    [message] = postbox.messages
    text, html = parts(message)
    assert said in text
    assert said in html
    assert f'<html lang="{language or "en"}">' in html


def test_what_lies_beside_the_time_zones_is_none() -> None:
    assert zone_named("Factory") is zone_named("localtime") is zone_named("") is None
    assert all(Zone(name).utcoffset(DUE.replace(tzinfo=None)) is not None for name in zone_names())


def test_a_zone_agrees_with_that_of_python_but_for_the_ends_of_the_calendar() -> None:
    for moment in (DUE, DUE + timedelta(days=180), datetime.fromisoformat(SECOND)):
        ours, theirs = moment.astimezone(Zone(BERLIN)), moment.astimezone(ZoneInfo(BERLIN))
        assert (ours.isoformat(), ours.fold) == (theirs.isoformat(), theirs.fold)
        assert moment_at(ours.replace(tzinfo=None, fold=0), Zone(BERLIN)) in (ours, ours.replace(fold=0))
