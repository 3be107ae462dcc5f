"""The pages by keyboard alone: the keys press the page's own buttons, and do nothing while one types."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tests.barriers import violations
from tests.cast import PASSWORD, a_run, claimed_by
from tests.inbox.pages import RESULTS, signed_in, task_url
from usertasks.models import Preferences, Status, UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def let_in(page: Page, user: User, url: str) -> None:
    page.context.add_cookies([{"name": "sessionid", "value": signed_in(user).cookies["sessionid"].value, "url": url}])


def press(page: Page, *keys: str) -> None:
    """Press these, one after the other, once the page has its scripts."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def title_of(page: Page, run: UserTaskRun) -> Locator:
    return page.locator(f"#run-{run.id.hex} .row-title")


def test_the_main_path_needs_no_pointer(page: Page, alice: User, live_server: Any) -> None:
    run = a_run()
    page.goto(live_server.url)
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("alice")
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")
    expect(page.get_by_role("heading", name="My tasks")).to_be_visible()
    press(page, "g", "g")
    expect(page.get_by_role("heading", name="My groups")).to_be_visible()
    press(page, "j", "Enter")
    expect(page.get_by_role("button", name="Claim")).to_be_visible()
    press(page, "c")
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    tab_to(page, page.get_by_label("Requested item"))
    page.keyboard.type("lightsaber")
    press(page, "Tab")
    press(page, "Shift+Tab", "Tab")
    page.keyboard.type("c u s n j / ?")  # letters, nothing else
    expect(page.get_by_label("Justification")).to_have_value("c u s n j / ?")
    page.get_by_label("Justification").fill("lost the old one")
    page.evaluate("document.activeElement.blur()")
    press(page, "s")
    expect(page.get_by_role("status")).to_be_visible()
    assert UserTaskRun.objects.get().results == RESULTS
    tab_to(page, page.get_by_label("Justification"))
    press(page, "Control+Enter")
    expect(page.get_by_role("heading", name="My groups")).to_be_visible()
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.DONE, RESULTS)


def tab_to(page: Page, control: Locator, *, most: int = 60) -> None:
    """Press Tab until it has the focus."""
    for _ in range(most):
        press(page, "Tab")
        if control.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("Tab does not lead there")


def test_a_list_by_keyboard(page: Page, alice: User, live_server: Any) -> None:
    newest = [a_run() for _ in range(3)][::-1]
    let_in(page, alice, live_server.url)
    page.goto(f"{live_server.url}/inbox/groups/")
    press(page, "j", "j", "j", "j", "k")
    expect(title_of(page, newest[1])).to_be_focused()
    press(page, "x")
    box = page.locator(f"#run-{newest[1].id.hex} input")
    expect(box).to_be_checked()
    press(page, "x")
    expect(box).not_to_be_checked()
    box.focus()
    press(page, "Enter")
    page.wait_for_url(f"**{task_url(newest[1])}?*")
    press(page, "u")
    page.wait_for_url("**/inbox/groups/")
    press(page, "j")
    expect(title_of(page, newest[2])).to_be_focused()
    press(page, "o")
    page.wait_for_url(f"**{task_url(newest[2])}?*")
    press(page, "g", "a")
    page.wait_for_url("**/inbox/all/")
    press(page, "/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("xj?")
    expect(page.get_by_role("searchbox")).to_have_value("xj?")
    page.goto(f"{live_server.url}/inbox/")
    press(page, "n")
    page.wait_for_url("**/inbox/tasks/**")
    assert UserTaskRun.objects.filter(user_id="alice").count() == 1
    page.goto(f"{live_server.url}/inbox/groups/")
    press(page, "j", "c")
    expect(page.locator("#list")).to_have_count(0)


def test_the_help_opens_is_left_and_can_be_switched_off(page: Page, alice: User, live_server: Any) -> None:
    run = claimed_by(alice)
    let_in(page, alice, live_server.url)
    page.goto(live_server.url + task_url(run))
    page.get_by_role("link", name="Back to the list").focus()
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    assert violations(page) == []
    press(page, "u", "s")  # nothing behind it
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="Back to the list")).to_be_focused()
    page.locator("#comment").fill("Hello")
    press(page, "Control+Enter")  # of a comment
    expect(page.locator(".remark")).to_contain_text("Hello")
    assert UserTaskRun.objects.get().status == Status.ASSIGNED

    Preferences.objects.create(user_id="alice", has_shortcuts=False)
    page.goto(live_server.url + task_url(run))
    press(page, "?", "u")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_label("Requested item").fill("lightsaber")
    page.get_by_label("Justification").fill("lost the old one")
    press(page, "Control+Enter")
    expect(page.get_by_role("heading", name="My tasks")).to_be_visible()
    assert UserTaskRun.objects.get().status == Status.DONE
