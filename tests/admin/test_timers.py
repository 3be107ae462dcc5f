"""What runs of a definition do by themselves, as an admin types it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.admin.pages import DEFINITIONS, Page, a_form, signed_in, typed, url
from tests.cast import ENGINE, a_user
from usertasks import operations
from usertasks.models import UserTaskDef

STORY: list[dict[str, Any]] = [
    {
        "hook": "ON_ARRIVAL",
        "delay_seconds": 5400,
        "task": {"task_def_name": "send-reminder", "variables": {"text": "Bitte, ä"}},
    },
    {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 86400, "reassign": {"user_id": None, "user_group": "finance"}},
    {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 1, "reassign": {"user_id": "bob", "user_group": " it"}},
    {"hook": "ON_ARRIVAL", "delay_seconds": 0, "cancel": {}},
]


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def timed(actions: list[dict[str, Any]] = STORY) -> UserTaskDef:
    return operations.put_definition("timed", [], by=ENGINE, actions=actions)[0]


def change_url(definition: UserTaskDef) -> str:
    return url(f"{DEFINITIONS}change", definition.pk)


def newest() -> UserTaskDef:
    return UserTaskDef.objects.named("timed").newest().get()


def rows(*timers: dict[str, str]) -> dict[str, str]:
    """Timers as a browser sends them."""
    blank = {"unit": "hours", "hook": "ON_ARRIVAL", "deed": ""}
    inputs = {f"timers-{n}-{part}": text for n, timer in enumerate(timers) for part, text in (blank | timer).items()}
    return {"timers-TOTAL_FORMS": str(len(timers)), "timers-INITIAL_FORMS": "0", **inputs}


def errors_of(response: Any) -> list[dict[str, list[str]]]:
    """What stands beside the timers: for each, part → codes."""
    forms = response.context["timer_forms"].forms
    return [{part: [e.code for e in found.as_data()] for part, found in form.errors.items()} for form in forms]


def test_timers_are_put_with_a_definition(client: Client) -> None:
    timers = rows(
        {"delay": "90", "unit": "minutes", "deed": "task", "task_def_name": "send-reminder", "variables": '{"n": 1}'},
        {"delay": "1", "unit": "days", "hook": "ON_TASK_ASSIGNED", "deed": "reassign", "user_group": "finance"},
        {},
        {"delay": "0", "deed": "cancel"},
        {"delay": "5", "deed": "cancel", "DELETE": "on"},
    )
    client.post(url(f"{DEFINITIONS}add"), a_form([typed("a")], name="timed", **timers))
    assert newest().actions == [
        {**STORY[0], "task": {"task_def_name": "send-reminder", "variables": {"n": 1}}},
        STORY[1],
        STORY[3],
    ]


def test_what_is_saved_unchanged_is_no_new_version(client: Client) -> None:
    definition = timed()
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    assert [form[f"timers-{n}-delay"] + form[f"timers-{n}-unit"] for n in range(4)] == [
        "90minutes",
        "1days",
        "1seconds",
        "0hours",
    ]
    assert form["timers-4-deed"] == ""
    client.post(change_url(definition), form)
    assert newest() == definition


def test_another_change_keeps_the_timers_and_a_changed_timer_is_a_new_version(client: Client) -> None:
    definition = timed()
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    client.post(change_url(definition), form | {"description": "New words"})
    assert (newest().version, newest().actions) == (1, STORY)
    form = Page(client.get(change_url(newest()))).form_of_a_definition()
    client.post(change_url(newest()), form | {"timers-1-unit": "hours", "timers-3-DELETE": "on"})
    assert (newest().version, newest().actions) == (2, [STORY[0], {**STORY[1], "delay_seconds": 3600}, STORY[2]])


def test_a_form_that_knows_nothing_of_timers_leaves_them(client: Client) -> None:
    definition = timed()
    client.post(change_url(definition), a_form([typed("a")], newest_seen="0"))
    assert (newest().version, newest().actions) == (1, STORY)


@pytest.mark.parametrize(
    ("timer", "faults"),
    [
        ({"deed": "cancel"}, {"delay": ["required"]}),
        ({"deed": "cancel", "delay": "soon"}, {"delay": ["invalid"]}),
        ({"deed": "cancel", "delay": "-1"}, {"delay": ["out_of_range"]}),
        ({"deed": "cancel", "delay": "99999", "unit": "days"}, {"delay": ["out_of_range"]}),
        ({"deed": "cancel", "delay": "1", "unit": "years"}, {"unit": ["invalid_choice"]}),
        ({"deed": "cancel", "delay": "1", "hook": "ON_DEATH"}, {"hook": ["invalid_choice"]}),
        ({"deed": "explode", "delay": "1"}, {"deed": ["invalid_choice"]}),
        ({"delay": "1"}, {"deed": ["invalid"]}),
        ({"deed": "reassign", "delay": "1"}, {"user_id": ["required"], "user_group": ["required"]}),
        ({"deed": "reassign", "delay": "1", "user_id": " "}, {"user_id": ["invalid"]}),
        (
            {"deed": "reassign", "delay": "1", "user_id": "a\0"},
            {"user_id": ["null_characters_not_allowed"], "user_group": ["required"]},
        ),
        ({"deed": "task", "delay": "1"}, {"task_def_name": ["required"]}),
        ({"deed": "task", "delay": "1", "task_def_name": "nobody"}, {"task_def_name": ["not_a_choice"]}),
        (
            {"deed": "task", "delay": "1", "task_def_name": "send-reminder", "variables": "{oops"},
            {"variables": ["invalid"]},
        ),
        (
            {"deed": "task", "delay": "1", "task_def_name": "send-reminder", "variables": "[1]"},
            {"variables": ["wrong_type"]},
        ),
        ({"deed": "cancel", "delay": "1", "user_id": "bob"}, {"user_id": ["unknown_field"]}),
    ],
)
def test_what_is_wrong_stands_beside_the_timer_and_nothing_typed_is_lost(
    client: Client, timer: dict[str, str], faults: dict[str, list[str]]
) -> None:
    form = a_form([typed("a")], name="timed", **rows({"delay": "1", "deed": "cancel"}, timer))
    response = client.post(url(f"{DEFINITIONS}add"), form)
    assert response.status_code == 200
    assert errors_of(response) == [{}, faults]
    assert not UserTaskDef.objects.exists()
    inputs = Page(response).inputs
    kept = {part: inputs.get(f"timers-1-{part}") for part in timer if part not in ("unit", "hook", "deed")}
    assert kept == {part: text for part, text in timer.items() if part in kept}


def test_a_preview_says_what_the_timers_do(client: Client) -> None:
    definition = timed()
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    page = Page(client.post(change_url(definition), form | {"timers-0-delay": "2", "_preview": "Preview"}))
    assert "2 minutes after the task arrives: Send a reminder" in page.text
    assert "1 day after somebody gets the task: Release the task to the group finance" in page.text
    assert page.inputs["timers-0-delay"] == "2"
    assert newest() == definition
    saved = Page(client.get(url(f"{DEFINITIONS}preview", definition.pk)))
    assert "1 hour, 30 minutes after the task arrives: Send a reminder" in saved.text


def test_who_may_only_look_reads_what_the_timers_do(db: None) -> None:
    looker = signed_in(a_user("lou", permissions=["view_usertaskdef"], is_staff=True))
    page = Page(looker.get(change_url(timed())))
    assert "As soon as the task arrives: Cancel the task" in page.text
    assert not [name for name in page.inputs if name.startswith("timers-")]


def test_a_task_that_is_registered_no_longer_is_shown_and_refused(client: Client, settings: Settings) -> None:
    definition = timed()
    settings.USERTASKS = {**settings.USERTASKS, "TASKS": {}}
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    assert form["timers-0-task_def_name"] == "send-reminder"
    response = client.post(change_url(definition), form | {"description": "New words"})
    assert errors_of(response)[0] == {"task_def_name": ["not_a_choice"]}
    assert newest() == definition


@pytest.mark.parametrize("total", ["x", "-1", "99999999999", "1"])
def test_an_odd_number_of_timers_is_no_accident(client: Client, total: str) -> None:
    form = a_form([typed("a")], name="timed", **(rows({}) | {"timers-TOTAL_FORMS": total, "timers-INITIAL_FORMS": "7"}))
    assert client.post(url(f"{DEFINITIONS}add"), form).status_code in (200, 302)
