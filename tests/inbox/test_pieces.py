"""The pieces of a page that are made without a template: hostile names, languages and zones, and what is made once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.timesince import timesince

from inbox.boxes import BOXES, Row, Tab
from inbox.pieces import Scribe
from inbox.times import AGO, OVERDUE, due_in_words, in_words
from tests.cast import a_run
from tests.inbox.pages import signed_in
from usertasks.models import SavedFilter, UserTaskRun

HOSTILE = "<script>alert(1)</script>\"'&amp;"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;amp;"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def english() -> Iterator[None]:
    with translation.override("en"), timezone.override("UTC"):
        yield


def scribe(me: str = "") -> Scribe:
    return Scribe("en", ZoneInfo("UTC"), NOW, me)


def a_row(**facts: Any) -> Row:
    run = UserTaskRun(scheduled_time=NOW, **{"status": "ASSIGNED", "user_id": HOSTILE, "user_group": HOSTILE, **facts})
    return Row(run=run, title=HOSTILE, is_overdue=False, is_open=True)


def test_whatever_is_written_in_a_row_is_text(english: None) -> None:
    html = scribe().row(a_row(notes=HOSTILE), url=f"/?back={HOSTILE}", can_choose=True)
    assert "<script" not in html
    assert html.count(ESCAPED) == 6, "the label of the tick, the address, the title, the notes, the person, the group"


@pytest.mark.parametrize("notes", ["é" + HOSTILE, HOSTILE + "long " * 40, "é" * 200])
def test_notes_that_are_cut_off_are_text_as_well(english: None, notes: str) -> None:
    html = scribe().row(a_row(notes=notes), url="/", can_choose=False)
    assert "<script" not in html


def test_a_place_of_the_navigation_is_text(english: None) -> None:
    kept = SavedFilter(user_id=HOSTILE, name=HOSTILE)
    tab = Tab(HOSTILE, f"/?{HOSTILE}", BOXES["all"], 3, within="saved", saved=kept)
    html = scribe().box_link(tab, is_open=True, is_boosted=True)
    assert "<script" not in html
    assert html.count(ESCAPED) == 5, "the address twice, the title twice, who shares it"


@pytest.mark.django_db
def test_a_page_with_hostile_names_has_no_script_of_theirs(alice: User) -> None:
    group = Group.objects.create(name="<script>alert(1)</script>")
    alice.groups.add(group)
    a_run(user_group=group.name, notes=HOSTILE)
    SavedFilter.objects.create(user_id="alice", name=HOSTILE, box="all", query="text=%3Cscript%3Ealert")
    client = signed_in(alice)
    for path in ("/inbox/groups/", "/inbox/all/?text=%3Cscript%3Ealert"):
        assert b"<script>alert" not in client.get(path).content


def test_one_sees_oneself_as_you(english: None) -> None:
    assert "You" in scribe("alice").owner(UserTaskRun(user_id="alice"))
    assert "alice" in scribe("bob").owner(UserTaskRun(user_id="alice"))


def test_the_same_moment_is_said_in_each_language_and_each_zone() -> None:
    said = set()
    for language in ("en", "ja"):
        for zone in ("UTC", "Asia/Tokyo"):
            with translation.override(language), timezone.override(zone):
                said.add(Scribe.here().moment(NOW))
                said.add(Scribe.here().moment(NOW))
    assert len(said) == 4


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_status_and_a_priority_are_said_in_each_language(language: str) -> None:
    run = UserTaskRun(status="DONE", priority=90)
    with translation.override(language):
        said = Scribe.here().status(run) + Scribe.here().priority(run)
        for words in ("Done", "High", "Priority:"):
            assert translation.gettext(words) in said


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize(
    "seconds", [60, 119, 3599, 3600, 86399, 86400, 604800, 28 * 86400 - 1, 28 * 86400, 4000 * 86400]
)
def test_how_long_ago_is_said_as_django_says_it(language: str, seconds: int) -> None:
    then = NOW - timedelta(seconds=seconds)
    with translation.override(language):
        for sentences, say in ((AGO, in_words), (OVERDUE, due_in_words)):
            expected = timesince(then, NOW, time_strings=dict(sentences), depth=1).replace("\xa0", " ")
            assert say(then, NOW, language) == expected


def test_what_stands_once_knows_nothing_of_who_asks() -> None:
    template = Template("{% load i18n pieces %}{% once %}{{ user }}{% translate 'Save progress' %}{% endonce %}")
    shown = {}
    for language in ("en", "de", "en"):
        with translation.override(language):
            shown[language] = template.render(Context({"user": HOSTILE}))
    assert shown["en"] == "Save progress"
    assert shown["de"] not in ("", "Save progress")


def test_what_stands_once_for_a_key_is_made_again_for_another_and_always_without_one() -> None:
    template = Template("{% load pieces %}{% once key word=word %}{{ word }}{{ user }}{% endonce %}")
    words = [("a", "one"), ("a", "two"), ("b", "three"), (None, "four"), (None, "five"), ("a", "six")]
    shown = [template.render(Context({"key": key, "word": word, "user": "alice"})) for key, word in words]
    assert shown == ["one", "one", "three", "four", "five", "one"]


@pytest.mark.django_db
def test_a_list_that_is_looked_through_and_one_that_is_not_do_not_mix(alice: User, bob: User) -> None:
    blank = signed_in(alice).get("/inbox/").content
    sought = signed_in(bob).get("/inbox/?text=naboo&user_task_def_name=trip").content
    again = signed_in(alice).get("/inbox/").content
    assert b"naboo" in sought
    assert b"naboo" not in blank + again


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["groups", "standing-in", "mine", "all"])
def test_the_search_form_of_a_box_searches_that_box(alice: User, name: str) -> None:
    client = signed_in(alice)
    for box in BOXES.values():
        client.get(box.url)
    box = BOXES[name]
    page = client.get(box.url).content.decode()
    assert f'<form method="get" action="{box.url}"' in page
    assert f'hx-get="{box.url}"' in page
