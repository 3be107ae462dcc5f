"""The form designer in a real browser: the preview follows the typing, fields move by keyboard, changes are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.admin.pages import DEFINITIONS, url
from tests.barriers import violations
from tests.cast import PASSWORD, a_definition, a_run
from usertasks.models import UserTaskDef, UserTaskField

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def desk(page: Page, live_server: Any, admin: User) -> Iterator[Page]:
    """The admin with a superuser signed in; nothing on its console may be an error (as a breach of the CSP is)."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(live_server.url + url("admin:login"))
    page.get_by_label("Username").fill(admin.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    yield page
    assert errors == []


def opened(desk: Page, live_server: Any, definition: UserTaskDef) -> Page:
    desk.goto(live_server.url + url(f"{DEFINITIONS}change", definition.pk))
    return desk


def fields(*names: str) -> list[UserTaskField]:
    return [UserTaskField(name=name, type="STR", display_name=name.title()) for name in names]


def names() -> list[str]:
    return [field.name for field in UserTaskDef.objects.newest().get().fields.all()]


def open_part(desk: Page, row: int, heading: str) -> None:
    desk.locator(f"#fields-{row} summary", has_text=heading).click()


def test_the_preview_follows_what_is_typed(desk: Page, live_server: Any) -> None:
    opened(desk, live_server, a_definition(fields=fields("item", "price")))
    preview = desk.locator("#preview")
    expect(preview.get_by_label("Price")).to_be_visible()
    preview.get_by_label("Item").fill("tried out")
    label = desk.locator("#id_fields-1-display_name")
    label.fill("What it costs")
    expect(preview.get_by_label("What it costs")).to_be_visible()
    expect(label).to_be_focused()
    expect(preview.get_by_label("Item")).to_have_value("tried out")
    expect(preview).to_contain_text("display name: Price → What it costs")
    assert UserTaskDef.objects.count() == 1


def test_choices_and_limits_are_typed_and_seen(desk: Page, live_server: Any) -> None:
    opened(desk, live_server, a_definition(fields=fields("colour", "count")))
    preview = desk.locator("#preview")
    open_part(desk, 0, "What an answer may be")
    desk.locator("#id_fields-0-choices").fill("red\ngreen")
    open_part(desk, 0, "How the form asks")
    desk.locator("#id_fields-0-widget").select_option("radio")
    expect(preview.get_by_role("radio", name="green")).to_be_visible()
    desk.locator("#id_fields-1-type").select_option("INT")
    open_part(desk, 1, "What an answer may be")
    expect(desk.locator("#id_fields-1-max_length")).to_be_hidden()
    desk.locator("#id_fields-1-max").fill("10")
    expect(preview.get_by_text("At most 10.")).to_be_visible()
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_text("Saved as it-request version 1.")).to_be_visible()
    newest = list(UserTaskDef.objects.newest().get().fields.all())
    assert [field.validation for field in newest] == [{"choices": ["red", "green"]}, {"max": 10}]
    assert newest[0].presentation == {"widget": "radio"}


def test_what_is_no_form_yet_says_why_and_leads_there(desk: Page, live_server: Any) -> None:
    opened(desk, live_server, a_definition(fields=fields("item")))
    preview = desk.locator("#preview")
    open_part(desk, 0, "What an answer may be")
    desk.locator("#id_fields-0-min_length").fill("x")
    problem = preview.get_by_role("link", name="Field “item”, Shortest length")
    expect(problem).to_be_visible()
    expect(desk.get_by_role("status")).to_have_text("1 thing to correct before this is a form.")
    expect(preview.get_by_label("Item")).to_be_visible()  # as it was before
    open_part(desk, 0, "What an answer may be")
    problem.click()
    expect(desk.locator("#id_fields-0-min_length")).to_be_focused()
    desk.keyboard.press("Backspace")
    expect(problem).to_be_hidden()


def test_fields_are_ordered_with_the_keyboard_and_saved(desk: Page, live_server: Any) -> None:
    definition = a_definition(fields=fields("a", "b", "c"))
    a_run(definition)
    opened(desk, live_server, definition)
    down = desk.locator("#fields-0").get_by_role("button", name="Move down")
    down.focus()
    desk.keyboard.press("Enter")
    expect(down).to_be_focused()
    expect(desk.locator("#preview")).to_contain_text("b moves from place 2 to 1.")
    desk.keyboard.press("Enter")
    expect(desk.locator("#preview")).to_contain_text("a moves from place 1 to 3.")
    desk.keyboard.press("Space")
    expect(desk.get_by_role("status")).to_have_text("A is the last field.")
    expect(desk.locator("#preview")).to_contain_text("1 open run stays on version 0.")
    desk.get_by_role("button", name="Save").click()
    saved = desk.get_by_text("Saved as it-request version 1. Open runs that stay on older versions: 1.")
    expect(saved).to_be_visible()
    assert names() == ["b", "c", "a"]


def test_a_field_that_is_added_moves_too(desk: Page, live_server: Any) -> None:
    opened(desk, live_server, a_definition(fields=fields("a", "b")))
    desk.get_by_role("button", name="Add another Field").click()
    desk.locator("#id_fields-3-name").fill("c")
    desk.locator("#id_fields-3-type").select_option("INT")
    expect(desk.locator("#preview")).to_contain_text("c is added.")
    added = desk.locator("#fields-3").get_by_role("button", name="Move up")
    added.click()
    added.click()
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_text("Saved as it-request version 1.")).to_be_visible()
    assert names() == ["c", "a", "b"]


def test_a_preview_that_cannot_be_had_says_so_and_keeps_what_was_typed(desk: Page, live_server: Any) -> None:
    opened(desk, live_server, a_definition(fields=fields("a")))
    desk.context.clear_cookies(name="sessionid")
    with desk.expect_response(lambda response: response.request.method == "POST"):
        desk.locator("#id_fields-0-display_name").fill("kept")
    expect(desk.get_by_role("status")).to_contain_text("could not be refreshed")
    expect(desk.locator("#id_fields-0-display_name")).to_have_value("kept")


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_designer_is_accessible(desk: Page, live_server: Any, width: int, scheme: Any) -> None:
    definition = a_definition(fields=fields("item", "price"))
    a_run(definition)
    desk.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    desk.set_viewport_size({"width": width, "height": 900})
    opened(desk, live_server, definition)
    open_part(desk, 0, "What an answer may be")
    desk.locator("#id_fields-0-min_length").fill("x")
    expect(desk.get_by_role("link", name="Field “item”, Shortest length")).to_be_visible()
    assert violations(desk) == []
    assert desk.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    form, preview = desk.locator(".designer-form").bounding_box(), desk.locator("#preview").bounding_box()
    assert form
    assert preview
    is_beside = preview["x"] >= form["x"] + form["width"]
    is_below = preview["y"] >= form["y"] + form["height"]
    assert (is_beside, is_below) == (width > 1280, width < 1280)


def test_questions_of_the_preview_come_and_go_as_in_the_inbox(desk: Page, live_server: Any) -> None:
    asked_if = {"show_if": {"field": "ok", "equals": False}}
    questions = [UserTaskField(name="ok", type="BOOL"), UserTaskField(name="why", type="STR", presentation=asked_if)]
    opened(desk, live_server, a_definition(fields=questions))
    preview = desk.locator("#preview")
    desk.locator("#id_fields-1-display_name").fill("Why not?")
    expect(preview.get_by_text("display name: nothing → Why not?")).to_be_visible()
    expect(preview.get_by_label("Why not?")).to_be_hidden()
    preview.get_by_role("radio", name="No", exact=True).check()
    expect(preview.get_by_label("Why not?")).to_be_visible()
