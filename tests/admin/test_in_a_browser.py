"""The admin in a real browser: reassigning one run and three, and a definition that gets another field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.admin.pages import DEFINITIONS, RUNS, url
from tests.barriers import violations
from tests.cast import PASSWORD, a_definition, a_run, claimed_by, done_by
from usertasks.models import UserTaskDef, UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def desk(page: Page, live_server: Any, admin: User) -> Iterator[Page]:
    """The admin with a superuser signed in; nothing on its console may be an error (as a breach of the CSP is)."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    page.goto(live_server.url + url("admin:login"))
    page.get_by_label("Username").fill(admin.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    yield page
    assert errors == []


def owner(run: UserTaskRun) -> tuple[str | None, str | None]:
    run.refresh_from_db()
    return run.user_id, run.user_group


def test_one_run_is_reassigned(desk: Page, live_server: Any, alice: User) -> None:
    run = claimed_by(alice)
    desk.goto(live_server.url + url(f"{RUNS}changelist"))
    desk.get_by_role("link", name=run.id.hex[:8]).click()
    desk.get_by_role("link", name="Reassign", exact=True).click()
    expect(desk.get_by_label("Override claim")).to_be_checked()
    desk.get_by_role("button", name="Reassign").click()
    expect(desk.get_by_text("Name a user, a group, or both.")).to_be_visible()
    desk.get_by_label("User", exact=True).fill("bob")
    desk.get_by_label("Group", exact=True).fill("it")
    desk.get_by_role("button", name="Reassign").click()
    expect(desk.get_by_text("✓ Reassigned")).to_be_visible()
    assert owner(run) == ("bob", "it")
    desk.get_by_role("button", name="Undo").click()
    expect(desk.get_by_text("✓ Given back")).to_be_visible()
    assert owner(run) == ("alice", "finance")


def test_of_three_runs_the_one_that_is_done_is_refused(desk: Page, live_server: Any, alice: User) -> None:
    runs = [a_run(), done_by(alice), claimed_by(alice)]
    desk.goto(live_server.url + url(f"{RUNS}changelist"))
    for run in runs:
        desk.get_by_role("row").filter(has_text=run.id.hex[:8]).get_by_role("checkbox").check()
    desk.locator("select[name=action]").select_option("Reassign")
    desk.get_by_role("button", name="Run", exact=True).click()
    desk.get_by_label("User", exact=True).fill("bob")
    desk.get_by_role("button", name="Reassign").click()
    expect(desk.get_by_role("status")).to_have_text("Reassigned: 2. Refused: 1.")
    refused = desk.get_by_role("row").filter(has_text=runs[1].id.hex[:8])
    expect(refused).to_contain_text("wrong_state Not possible while the run is DONE.")
    assert [owner(run)[0] for run in runs] == ["bob", "alice", "bob"]


def test_three_runs_are_cancelled(desk: Page, live_server: Any) -> None:
    runs = [a_run(), a_run(), a_run()]
    desk.goto(live_server.url + url(f"{RUNS}changelist"))
    desk.get_by_label("Select all objects on this page").check()
    desk.locator("select[name=action]").select_option("Cancel")
    desk.get_by_role("button", name="Run", exact=True).click()
    desk.get_by_role("button", name="Cancel 3 runs").click()
    expect(desk.get_by_role("status")).to_have_text("Cancelled: 3.")
    assert {UserTaskRun.objects.get(pk=run.pk).status for run in runs} == {"CANCELLED"}


def test_a_definition_gets_another_field(desk: Page, live_server: Any) -> None:
    definition = a_definition()
    desk.goto(live_server.url + url(f"{DEFINITIONS}change", definition.pk))
    desk.get_by_role("button", name="Add another Field").click()
    desk.locator("#id_fields-3-name").fill("price")
    desk.locator("#id_fields-3-type").select_option("DOUBLE")
    desk.locator("#id_fields-3-order").fill("15")
    desk.locator("#id_fields-1-DELETE").check()
    desk.get_by_role("button", name="Preview").click()
    expect(desk.locator("#preview").get_by_label("price")).to_be_visible()
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_text("Saved as it-request version 1.")).to_be_visible()
    newest = UserTaskDef.objects.newest().get()
    assert [field.name for field in newest.fields.all()] == ["requestedItem", "price"]
    assert definition.fields.count() == 2


def test_a_definition_gets_two_timers(desk: Page, live_server: Any) -> None:
    definition = a_definition()
    desk.goto(live_server.url + url(f"{DEFINITIONS}change", definition.pk))
    first, second = desk.locator("#timers-0"), desk.locator("#timers-1")
    expect(first.get_by_label("Group")).to_be_hidden()
    first.get_by_label("What it does").select_option("Reassign")
    first.get_by_label("Group").fill("it")
    first.get_by_label("How long").fill("2")
    desk.get_by_role("button", name="Add another timer").click()
    second.get_by_label("What it does").select_option("Run a task")
    desk.get_by_role("button", name="Preview").click()
    expect(second.get_by_text("Is required.")).to_have_count(2)
    second.get_by_label("How long").fill("1")
    second.get_by_label("Unit").select_option("days")
    second.get_by_label("Task:", exact=True).select_option("send-reminder")
    desk.get_by_role("button", name="Preview").click()
    expect(desk.get_by_text("1 day after the task arrives: Send a reminder", exact=True)).to_be_visible()
    assert violations(desk) == []
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_text("Saved as it-request version 1.")).to_be_visible()
    assert [action["delay_seconds"] for action in UserTaskDef.objects.newest().get().actions] == [7200, 86400]
