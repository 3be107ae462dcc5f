"""The main path and what must never be lost, as a person with a browser meets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.barriers import violations
from tests.cast import PASSWORD, a_definition, a_run, claimed_by, done_by
from tests.inbox.pages import RESULTS, every_field, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import Status, UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.each_database, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def anyhow(request: pytest.FixtureRequest, browser: Browser, live_server: Any) -> Iterator[Page]:
    """A page of a browser that runs scripts, and of one that does not."""
    context = browser.new_context(base_url=live_server.url, java_script_enabled=request.param == "with JavaScript")
    yield context.new_page()
    context.close()


def let_in(context: BrowserContext, user: User, url: str) -> None:
    context.add_cookies([{"name": "sessionid", "value": signed_in(user).cookies["sessionid"].value, "url": url}])


def sign_in(page: Page, username: str = "alice") -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_sign_in_claim_save_complete_and_read_back(anyhow: Page, alice: User) -> None:
    run, page = a_run(), anyhow
    page.goto("/")
    sign_in(page)
    page.get_by_role("link", name="My groups").click()
    page.get_by_role("link", name="It request").click()
    page.get_by_label("Requested item").fill("lightsaber")
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_label("Requested item")).to_have_value("lightsaber")
    page.get_by_label("Requested item").press("Enter")  # saves progress
    expect(page.get_by_role("status")).to_be_visible()
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.ASSIGNED, {"requestedItem": "lightsaber"})
    page.get_by_label("Justification").fill("lost the old one")
    page.get_by_role("button", name="Complete").click()
    expect(page).to_have_url(f"{page.url.split('/inbox')[0]}/inbox/groups/")
    page.get_by_role("status").get_by_role("link").click()
    expect(page.get_by_text("lost the old one")).to_be_visible()
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.DONE, RESULTS)


def test_typed_text_survives_a_lost_session(anyhow: Page, alice: User, live_server: Any) -> None:
    run, page = claimed_by(alice), anyhow
    let_in(page.context, alice, live_server.url)
    page.goto(task_url(run))
    page.get_by_label("Requested item").fill("lightsaber")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save progress").click()
    sign_in(page)
    expect(page.get_by_label("Requested item")).to_have_value("lightsaber")
    page.get_by_role("button", name="Save progress").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert UserTaskRun.objects.get().results == {"requestedItem": "lightsaber"}


def test_typed_text_survives_signing_in_again_in_another_tab(anyhow: Page, alice: User, live_server: Any) -> None:
    run, page = claimed_by(alice), anyhow
    let_in(page.context, alice, live_server.url)
    page.goto(task_url(run))
    page.get_by_label("Requested item").fill("lightsaber")
    other = page.context.new_page()
    other.goto("/inbox/")
    other.get_by_role("button", name="Sign out").click()
    sign_in(other)
    expect(other.get_by_role("heading", name="My tasks")).to_be_visible()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_label("Requested item")).to_have_value("lightsaber")
    page.get_by_role("button", name="Save progress").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert UserTaskRun.objects.get().results == {"requestedItem": "lightsaber"}


def test_typed_text_survives_a_lost_claim(anyhow: Page, alice: User, bob: User, live_server: Any) -> None:
    run, page = a_run(), anyhow
    let_in(page.context, alice, live_server.url)
    page.goto(task_url(run))
    page.get_by_label("Requested item").fill("lightsaber")
    operations.claim(run.id, by=actor_for(bob))
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_role("alert")).to_contain_text("bob")
    expect(page.get_by_text("lightsaber")).to_be_visible()


def test_typed_text_survives_a_mistake(anyhow: Page, alice: User, live_server: Any) -> None:
    run, page = claimed_by(alice, definition=a_definition("every-field", every_field())), anyhow
    let_in(page.context, alice, live_server.url)
    page.goto(task_url(run))
    page.get_by_label("object").fill("{broken")
    page.get_by_label("count").fill("99")
    page.get_by_label("scan").set_input_files({"name": "scan.bin", "mimeType": "", "buffer": b"scanned"})
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_label("object")).to_have_value("{broken")
    expect(page.get_by_label("count")).to_have_value("99")
    page.get_by_role("alert").get_by_role("link", name="object").click()
    page.get_by_label("object").fill("{}")
    page.get_by_label("count").fill("9")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert UserTaskRun.objects.get().results == {"object": {}, "count": 9, "scan": "c2Nhbm5lZA=="}


def test_typed_text_survives_a_reload_and_not_its_being_sent(page: Page, alice: User, live_server: Any) -> None:
    run = claimed_by(alice)
    let_in(page.context, alice, live_server.url)
    page.goto(live_server.url + task_url(run))
    page.get_by_label("Requested item").fill("lightsaber")
    page.get_by_label("Comment").fill("Hello")
    page.reload()
    expect(page.get_by_label("Requested item")).to_have_value("lightsaber")
    page.get_by_role("button", name="Add comment").click()
    expect(page.get_by_label("Requested item")).to_have_value("lightsaber")
    expect(page.get_by_role("textbox", name="Comment", exact=True)).to_have_value("")


def test_paging_and_filtering_need_no_reload(page: Page, alice: User, live_server: Any) -> None:
    for _ in range(30):
        a_run(user_id="alice")
    let_in(page.context, alice, live_server.url)
    page.goto(live_server.url + "/inbox/")
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".row")).to_have_count(5)
    page.get_by_text("Filter").click()
    page.get_by_label("Group").fill("nobody")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="No task matches")).to_be_visible()
    assert page.evaluate("window.same")
    page.go_back()
    expect(page.locator(".row")).to_have_count(5)


TIMERS = [
    {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 86400, "reassign": {"user_group": "finance"}},
    {"hook": "ON_ARRIVAL", "delay_seconds": 259200, "cancel": {}},
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_have_no_accessibility_violations(page: Page, alice: User, live_server: Any, theme: Any) -> None:
    waiting, claimed, done = (
        a_run(),
        claimed_by(alice, definition=a_definition("every", every_field(required=True)), actions=TIMERS),
        done_by(alice, actions=TIMERS),
    )
    operations.add_comment(claimed.id, "Mine", by=actor_for(alice))
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    problems = {}
    page.goto(live_server.url + "/sign-in/")
    problems["sign-in"] = violations(page)
    let_in(page.context, alice, live_server.url)
    paths = [
        "/inbox/",
        "/inbox/groups/?earliest_start=x",
        "/inbox/all/",
        "/inbox/nowhere/",
        *map(task_url, (waiting, done, claimed)),
    ]
    for path in paths:
        page.goto(live_server.url + path)
        problems[path] = violations(page)
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("alert")).to_be_visible()
    problems["mistakes"] = violations(page)
    assert {path: found for path, found in problems.items() if found} == {}
