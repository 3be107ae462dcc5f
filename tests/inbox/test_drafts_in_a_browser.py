"""Typing that saves itself, as a person meets it: whatever breaks off, what was typed is there again."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, expect
from playwright.sync_api import Error as PlaywrightError

from tests.barriers import violations
from tests.cast import a_definition, a_run, claimed_by
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS
from tests.inbox.pages import every_field, task_url
from tests.inbox.test_in_a_browser import let_in, sign_in
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.drafts import draft_of
from usertasks.models import Draft, DraftState, Upload, UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ITEM, WHY = "Requested item", "Justification"


@pytest.fixture
def context(browser: Browser, live_server: Any, alice: User) -> Iterator[BrowserContext]:
    """A browser in which alice is signed in."""
    context = browser.new_context(base_url=live_server.url)
    let_in(context, alice, live_server.url)
    yield context
    context.close()


def opened(context: BrowserContext, run: UserTaskRun) -> Page:
    page = context.new_page()
    page.goto(task_url(run))
    return page


def said(page: Page) -> Any:
    return page.locator("#draft-status")


def type_and_wait(page: Page, text: str, label: str = ITEM) -> None:
    """Type, and wait until the page says that it is saved."""
    page.get_by_label(label).fill(text)
    expect(page.locator("#draft-status[data-state=saved]")).to_have_text(re.compile(r"^Draft saved \d\d:\d\d$"))


def copies(page: Page) -> list[str]:
    keys: list[str] = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))")
    return keys


def test_typing_is_saved_by_itself_and_is_there_on_another_device(
    context: BrowserContext, browser: Browser, alice: User, live_server: Any
) -> None:
    run = claimed_by(alice)
    page = opened(context, run)
    type_and_wait(page, "lightsaber")
    assert copies(page) == []
    other = browser.new_context(base_url=live_server.url)
    let_in(other, alice, live_server.url)
    elsewhere = opened(other, run)
    expect(elsewhere.get_by_label(ITEM)).to_have_value("lightsaber")
    expect(elsewhere.get_by_text("not saved yet")).to_be_visible()
    elsewhere.get_by_role("button", name="Save progress").click()
    expect(elsewhere.get_by_role("status")).to_be_visible()
    expect(elsewhere.get_by_text("not saved yet")).to_have_count(0)
    other.close()
    run.refresh_from_db()
    assert run.results == {"requestedItem": "lightsaber"}


def test_a_reload_before_it_is_saved_loses_nothing(context: BrowserContext, alice: User) -> None:
    page = opened(context, claimed_by(alice))
    page.get_by_label(ITEM).fill("lightsaber")
    page.get_by_role("textbox", name="Comment", exact=True).fill("Hello")
    page.reload()
    expect(page.get_by_label(ITEM)).to_have_value("lightsaber")
    expect(page.get_by_role("textbox", name="Comment", exact=True)).to_have_value("Hello")


def test_every_kind_of_control_comes_back(context: BrowserContext, alice: User) -> None:
    run = claimed_by(alice, definition=a_definition("every", every_field()))
    page = opened(context, run)
    context.set_offline(True)
    page.get_by_label("text").fill("two\nlines" if page.locator("textarea#id_results-text").count() else "line")
    page.get_by_label("colour").select_option(label="green")
    page.get_by_label("count").fill("99")
    page.get_by_label("Yes").check()
    page.get_by_label("object").fill('{"broken":\n')
    expect(page.locator("#draft-status[data-state=offline]")).to_be_visible()
    page.close(run_before_unload=False)
    context.set_offline(False)
    page = opened(context, run)
    expect(page.locator("#draft-status[data-state=saved]")).to_be_visible()
    page.reload()
    expect(page.get_by_label("colour")).to_have_value('"green"')
    expect(page.get_by_label("count")).to_have_value("99")
    expect(page.get_by_label("Yes")).to_be_checked()
    expect(page.get_by_label("object")).to_have_value('{"broken":\n')


def test_the_network_goes_while_typing_and_comes_back(context: BrowserContext, alice: User) -> None:
    run = claimed_by(alice)
    page = opened(context, run)
    context.set_offline(True)
    page.get_by_label(ITEM).fill("lightsaber")
    expect(said(page)).to_contain_text("No connection")
    assert draft_of(run.id, "alice") is None
    context.set_offline(False)
    expect(page.locator("#draft-status[data-state=saved]")).to_be_visible()
    assert copies(page) == []
    kept = draft_of(run.id, "alice")
    assert kept is not None
    assert kept.inputs["results-requestedItem"] == ["lightsaber"]


def test_pressing_a_button_without_a_network_loses_nothing(context: BrowserContext, alice: User) -> None:
    run = claimed_by(alice)
    page = opened(context, run)
    context.set_offline(True)
    page.get_by_label(ITEM).fill("lightsaber")
    with page.expect_event("requestfailed", lambda request: request.is_navigation_request()):
        page.get_by_role("button", name="Save progress").click()
    context.set_offline(False)
    page.goto(task_url(run))
    expect(page.get_by_label(ITEM)).to_have_value("lightsaber")


def test_what_was_saved_does_not_come_back(context: BrowserContext, alice: User) -> None:
    run = claimed_by(alice)
    page = opened(context, run)
    page.get_by_label(ITEM).fill(" lightsaber ")
    page.get_by_role("button", name="Save progress").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_label(ITEM)).to_have_value(" lightsaber ")
    expect(page.get_by_text("not saved yet")).to_have_count(0)
    assert copies(page) == []
    page.get_by_label(WHY).fill("lost the old one")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("status")).to_contain_text("Completed")
    assert copies(page) == []


def test_the_session_ends_while_typing(context: BrowserContext, alice: User) -> None:
    run = claimed_by(alice)
    page = opened(context, run)
    type_and_wait(page, "light")
    Session.objects.all().delete()
    page.get_by_label(ITEM).fill("lightsaber")
    expect(said(page)).to_contain_text("signed out")
    with context.expect_page() as other:
        said(page).get_by_role("link").click()
    sign_in(other.value)
    expect(other.value.get_by_role("heading", name="My tasks")).to_be_visible()
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#draft-status[data-state=saved]")).to_be_visible()
    kept = draft_of(run.id, "alice")
    assert kept is not None
    assert kept.inputs["results-requestedItem"] == ["lightsaber"]
    page.get_by_role("button", name="Save progress").click()
    expect(page.get_by_role("status")).to_be_visible()
    run.refresh_from_db()
    assert run.results == {"requestedItem": "lightsaber"}


def test_the_session_ends_and_the_page_is_left_without_a_word(context: BrowserContext, alice: User) -> None:
    run = claimed_by(alice)
    page = opened(context, run)
    Session.objects.all().delete()
    page.get_by_label(ITEM).fill("lightsaber")
    expect(said(page)).to_contain_text("signed out")
    page.goto(task_url(run))
    sign_in(page)
    expect(page.get_by_label(ITEM)).to_have_value("lightsaber")


def test_the_claim_is_lost_while_typing(context: BrowserContext, alice: User, bob: User) -> None:
    run = a_run()
    page = opened(context, run)
    type_and_wait(page, "light")
    operations.claim(run.id, by=actor_for(bob))
    page.get_by_label(ITEM).fill("lightsaber")
    expect(page.locator("#draft-status[data-state=saved]")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="What you typed")).to_be_visible()
    expect(page.get_by_text("lightsaber")).to_be_visible()


def test_the_claim_is_lost_while_the_network_is_away(context: BrowserContext, alice: User, bob: User) -> None:
    run = a_run()
    page = opened(context, run)
    context.set_offline(True)
    page.get_by_label(ITEM).fill("lightsaber")
    expect(said(page)).to_contain_text("No connection")
    page.close()
    context.set_offline(False)
    operations.complete(run.id, {"requestedItem": "x", "justification": "y"}, by=actor_for(bob))
    page = opened(context, run)
    expect(page.get_by_role("heading", name="What you typed")).to_be_visible()
    expect(page.get_by_text("lightsaber")).to_be_visible()
    assert copies(page) == []


@pytest.fixture
def own_browser(playwright: Playwright, alice: User, live_server: Any, tmp_path: Path) -> Callable[[], BrowserContext]:
    """Opens a browser with a profile on the disk, always the same one, in which alice is signed in."""

    def open_it() -> BrowserContext:
        args = [*CHROMIUM_FLAGS, "--disable-features=site-per-process"]
        found = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", base_url=live_server.url, executable_path=CHROMIUM, args=args
        )
        let_in(found, alice, live_server.url)
        return found

    return open_it


def test_the_browser_is_closed_before_anything_is_saved(own_browser: Callable[[], BrowserContext], alice: User) -> None:
    run = claimed_by(alice)
    crashing = own_browser()
    page = opened(crashing, run)
    crashing.route("**/draft/", lambda route: route.abort())
    page.get_by_label(ITEM).fill("lightsaber")
    expect(page.locator("#draft-status[data-state=offline]")).to_be_visible()
    crashing.close()
    assert not Draft.objects.exists()
    again = own_browser()
    page = opened(again, run)
    expect(page.get_by_label(ITEM)).to_have_value("lightsaber")
    expect(page.locator("#draft-status[data-state=saved]")).to_be_visible()
    again.close()
    assert draft_of(run.id, "alice") is not None


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds the browser's processes as Linux lists them")
def test_the_browser_is_killed_while_typing(
    own_browser: Callable[[], BrowserContext], alice: User, tmp_path: Path
) -> None:
    run = claimed_by(alice)
    doomed = own_browser()
    type_and_wait(opened(doomed, run), "lightsaber")
    kill_all_with(str(tmp_path / "profile"))
    with suppress(PlaywrightError):
        doomed.close()
    again = own_browser()
    expect(opened(again, run).get_by_label(ITEM)).to_have_value("lightsaber")
    again.close()


def kill_all_with(argument: str) -> None:
    """End the processes, at once, that have this in their command line: those of one browser."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if argument.encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def test_two_tabs_tell_each_other_and_lose_nothing(context: BrowserContext, alice: User) -> None:
    run = claimed_by(alice)
    one, other = opened(context, run), opened(context, run)
    type_and_wait(one, "from one tab")
    type_and_wait(other, "from the other")
    expect(other.get_by_text("changed in another tab")).to_be_visible()
    other.get_by_role("button", name="Show the earlier states").click()
    expect(other.get_by_label(ITEM)).to_have_value("from the other")
    other.get_by_role("button", name="Bring back").click()
    expect(other.get_by_label(ITEM)).to_have_value("from one tab")
    other.get_by_text("Earlier states of your draft").click()
    other.get_by_role("button", name="Bring back").click()
    expect(other.get_by_label(ITEM)).to_have_value("from the other")


def test_an_older_copy_of_this_browser_does_not_win(
    context: BrowserContext, browser: Browser, alice: User, live_server: Any
) -> None:
    run = claimed_by(alice)
    page = opened(context, run)
    context.set_offline(True)
    page.get_by_label(ITEM).fill("older")
    expect(said(page)).to_contain_text("No connection")
    key = copies(page)[0]
    page.evaluate('(key) => localStorage.setItem(key, localStorage.getItem(key).replace(/"at":\\d+/, \'"at":1\'))', key)
    page.close()
    context.set_offline(False)
    phone = browser.new_context(base_url=live_server.url)
    let_in(phone, alice, live_server.url)
    type_and_wait(opened(phone, run), "newer")
    phone.close()
    page = opened(context, run)
    expect(page.get_by_text("changed in another tab or on another device")).to_be_visible()
    expect(page.get_by_label(ITEM)).to_have_value("newer")
    assert copies(page) == []
    assert [state.inputs["results-requestedItem"] for state in DraftState.objects.all()] == [["older"]]


def test_somebody_else_in_the_same_browser_sees_and_finds_nothing(
    context: BrowserContext, alice: User, bob: User, live_server: Any
) -> None:
    run = a_run()
    page = opened(context, run)
    context.set_offline(True)
    page.get_by_label(ITEM).fill("lightsaber")
    expect(said(page)).to_contain_text("No connection")
    page.close()
    context.set_offline(False)
    let_in(context, bob, live_server.url)
    page = context.new_page()
    page.goto("/inbox/")
    assert copies(page) == []
    page.goto(task_url(run))
    expect(page.get_by_label(ITEM)).to_have_value("")


def test_a_file_is_kept_as_soon_as_it_is_chosen(context: BrowserContext, alice: User) -> None:
    run = claimed_by(alice, definition=a_definition("every", every_field()))
    page = opened(context, run)
    page.get_by_label("scan").set_input_files({"name": "plan 😀.bin", "mimeType": "", "buffer": b"scanned"})
    expect(page.get_by_role("link", name="plan 😀.bin")).to_be_visible()
    page.get_by_label("text").fill("typed on")
    expect(page.locator("#draft-status[data-state=saved]")).to_be_visible()
    page.reload()
    expect(page.get_by_text("plan 😀.bin")).to_be_visible()
    page.get_by_role("button", name="Save progress").click()
    expect(page.get_by_text("Your progress is saved.")).to_be_visible()
    assert Upload.objects.count() == 1
    run.refresh_from_db()
    assert run.results == {"text": "typed on", "scan": "c2Nhbm5lZA=="}


def test_nothing_typed_is_written_to_the_console(context: BrowserContext, alice: User) -> None:
    lines: list[str] = []
    context.on("console", lambda message: lines.append(message.text))
    page = opened(context, claimed_by(alice))
    type_and_wait(page, "lightsaber")
    context.set_offline(True)
    page.get_by_label(ITEM).fill("two lightsabers")
    expect(said(page)).to_contain_text("No connection")
    assert "lightsaber" not in "".join(lines)


def test_one_request_answers_a_burst_of_typing(context: BrowserContext, alice: User) -> None:
    requests: list[Request] = []
    page = opened(context, claimed_by(alice))
    page.on("request", lambda request: requests.append(request) if request.url.endswith("/draft/") else None)
    page.get_by_label(ITEM).press_sequentially("lightsaber", delay=20)
    expect(page.locator("#draft-status[data-state=saved]")).to_be_visible()
    assert len(requests) == 1


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_said_about_drafts_is_accessible(context: BrowserContext, alice: User, theme: Any, width: int) -> None:
    run = claimed_by(alice)
    one, other = opened(context, run), opened(context, run)
    other.emulate_media(color_scheme=theme, reduced_motion="reduce")
    other.set_viewport_size({"width": width, "height": 800})
    type_and_wait(one, "from one tab")
    type_and_wait(other, "from the other")
    expect(other.get_by_text("changed in another tab")).to_be_visible()
    assert violations(other) == []
    other.get_by_role("button", name="Show the earlier states").click()
    expect(other.get_by_role("button", name="Bring back")).to_be_visible()
    assert violations(other) == []
    assert other.evaluate("document.documentElement.scrollWidth") <= width
