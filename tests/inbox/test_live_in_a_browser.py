"""Lists that are live, as somebody meets them who is reading: what changes is there, and nothing moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, Locator, Page, Request, Route, expect

from inbox import live
from tests.barriers import violations
from tests.cast import a_definition, a_run, claimed_by, token_of
from tests.inbox.pages import signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RECORDED = """
window.told = [];
window.Notification = class {
  static permission = "default";
  static requestPermission() { Notification.permission = "granted"; return Promise.resolve("granted"); }
  constructor(title, options) { window.told.push([title, options.body]); window.last = this; }
  close() {}
};
if (localStorage.getItem("notices:alice") === "on") Notification.permission = "granted";
"""
HIDE = """
Object.defineProperty(document, "hidden", { configurable: true, get: () => window.isAway === true });
"""
AWAY = "(isAway) => { window.isAway = isAway; document.dispatchEvent(new Event('visibilitychange')); }"


@pytest.fixture(autouse=True)
def pages_are_live(settings: Any) -> Iterator[None]:
    settings.LIVE_SECONDS = 0.1
    live.watch.forget()
    yield
    live.watch.forget()


@pytest.fixture(autouse=True)
def nobody_asks_any_more(context: BrowserContext, live_server: Any) -> Iterator[None]:
    """Before the tables are emptied: a page that is open asks again and again."""
    yield
    context.close()


def let_in(page: Page, user: User, url: str) -> None:
    page.context.add_cookies([{"name": "sessionid", "value": signed_in(user).cookies["sessionid"].value, "url": url}])


def y_of(row: Locator) -> float:
    box = row.bounding_box()
    assert box
    return box["y"]


def row_of(page: Page, run: UserTaskRun) -> Locator:
    return page.locator(f"#list [data-run='{run.id.hex}']")


def count_of(page: Page, box: str) -> Locator:
    return page.locator(f"#boxes .boxes-list [data-count='{box}']")


def test_what_changes_shows_up_and_what_one_reads_stays_where_it_is(
    page: Page, alice: User, bob: User, service: User, live_server: Any
) -> None:
    runs = [a_run(notes=f"Number {number}") for number in range(25)]
    let_in(page, alice, live_server.url)
    page.goto(f"{live_server.url}/inbox/groups/")
    page.evaluate("window.isSame = true")
    read, selected, claimed = runs[12], runs[11], runs[13]
    page.get_by_role("searchbox").fill("half a wo")
    row_of(page, selected).get_by_role("checkbox").check()
    row_of(page, read).scroll_into_view_if_needed()
    row_of(page, read).get_by_role("link").focus()
    before = y_of(row_of(page, read))

    created = Client().post(
        "/api/v1/user-task-runs/",
        {"user_task_def": {"name": "it-request"}, "user_group": "finance"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token_of(service)}"},
    )
    assert created.status_code == 201, created.content
    operations.claim(claimed.id, by=actor_for(bob))
    expect(page.locator("#list .row").first).to_have_attribute("data-run", created.json()["id"])
    expect(row_of(page, claimed)).to_have_text("No longer here")
    expect(row_of(page, claimed)).to_have_class("gone")
    expect(page.locator("#list .row")).to_have_count(25)
    assert y_of(row_of(page, read)) == pytest.approx(before, abs=1)
    expect(count_of(page, "/inbox/groups/")).to_have_text("25")
    expect(page.locator("#total")).to_have_text("25 tasks")
    expect(row_of(page, read).get_by_role("link")).to_be_focused()
    expect(row_of(page, selected).get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_role("searchbox")).to_have_value("half a wo")
    expect(page.get_by_role("status")).to_have_count(0)
    assert violations(page) == []
    page.get_by_role("button", name="1 new task").click()
    expect(page.locator("#list .row").first.get_by_role("link")).to_be_focused()

    operations.release(claimed.id, by=actor_for(bob))
    expect(row_of(page, claimed)).to_contain_text("Number 13")
    assert page.evaluate("window.isSame")


def test_a_page_that_is_shorter_than_the_window_makes_room(page: Page, alice: User, live_server: Any) -> None:
    first = a_run()
    let_in(page, alice, live_server.url)
    page.goto(f"{live_server.url}/inbox/groups/")
    row_of(page, first).hover()
    before = y_of(row_of(page, first))
    second = a_run()
    expect(row_of(page, second)).to_be_attached()
    assert y_of(row_of(page, first)) == pytest.approx(before, abs=1)


def test_an_empty_list_fills_and_says_so(page: Page, alice: User, live_server: Any) -> None:
    let_in(page, alice, live_server.url)
    page.goto(f"{live_server.url}/inbox/")
    expect(page.get_by_role("heading", name="Nothing on your desk")).to_be_visible()
    run = a_run(user_id="alice")
    expect(row_of(page, run)).to_be_visible()
    expect(page.locator("#live-notes")).to_have_text("1 new task")
    expect(count_of(page, "/inbox/")).to_have_text("1")


def test_a_task_that_somebody_changes_says_so_and_keeps_what_is_typed(
    page: Page, alice: User, mona: User, live_server: Any
) -> None:
    run = claimed_by(alice)
    let_in(page, alice, live_server.url)
    page.goto(live_server.url + task_url(run))
    page.get_by_label("Requested item").fill("lightsaber")
    a_run()  # something else
    expect(count_of(page, "/inbox/groups/")).to_have_text("1")
    expect(page.locator("#live-notes")).to_be_empty()
    operations.assign(run.id, user_id="alice", override_claim=True, by=actor_for(mona))
    expect(page.locator("#live-notes")).to_contain_text("Somebody changed this task in the meantime.")
    expect(page.get_by_label("Requested item")).to_have_value("lightsaber")
    assert violations(page) == []
    page.get_by_role("link", name="Show what changed").click()
    expect(page.locator("#live-notes")).to_be_empty()
    expect(page.get_by_label("Requested item")).to_have_value("lightsaber")


def test_a_server_that_is_away_is_told_of_quietly_and_asked_less_and_less(
    page: Page, alice: User, live_server: Any
) -> None:
    asked: list[Route] = []

    def fail(route: Route) -> None:
        asked.append(route)
        route.abort()

    let_in(page, alice, live_server.url)
    page.route("**/inbox/live/**", fail)
    page.goto(f"{live_server.url}/inbox/")
    expect(page.locator("#live-notes")).to_have_text("No connection. What you see may be out of date.")
    assert len(asked) < 5
    page.unroute("**/inbox/live/**")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#live-notes")).to_be_empty()


def test_several_pages_of_a_browser_ask_once_and_hidden_ones_not_at_all(
    page: Page, alice: User, live_server: Any
) -> None:
    let_in(page, alice, live_server.url)
    pages = [page, page.context.new_page(), page.context.new_page()]
    asked: list[Page] = []

    def note(request: Request) -> None:
        if "/inbox/live/" in request.url:
            asked.append(request.frame.page)

    page.context.on("request", note)
    for one in pages:
        one.add_init_script(HIDE)
        one.goto(f"{live_server.url}/inbox/groups/")
    with page.expect_response("**/inbox/live/**"):
        pass
    assert set(asked) == {page}
    # One after the other: all threads of the test's server share one connection to the database in memory.
    for one in pages[1:]:
        one.evaluate(AWAY, True)
    run = a_run()
    for one in pages:
        one.evaluate(AWAY, False)
        expect(row_of(one, run)).to_be_attached()
    assert set(asked) == {page}
    for one in pages:
        one.evaluate(AWAY, True)
    asked.clear()
    other = a_run()
    pages[2].evaluate(AWAY, False)
    expect(row_of(pages[2], other)).to_be_attached()
    assert set(asked) == {pages[2]}
    expect(row_of(page, other)).not_to_be_attached()


def test_a_browser_tells_of_new_work_while_nobody_looks(page: Page, alice: User, bob: User, live_server: Any) -> None:
    let_in(page, alice, live_server.url)
    page.add_init_script(RECORDED)
    page.add_init_script(HIDE)
    page.goto(f"{live_server.url}/inbox/notifications/")
    page.get_by_role("button", name="Tell me in this browser").click()
    expect(page.get_by_role("button", name="Do not tell me in this browser any more")).to_be_visible()
    assert violations(page) == []
    a_run(a_definition("seen"))
    expect(count_of(page, "/inbox/groups/")).to_have_text("1")  # so it is not told of
    page.evaluate(AWAY, True)
    claimed_by(bob)
    run = a_run()
    page.wait_for_function("() => window.told.length")
    assert page.evaluate("window.told") == [["New task", "It request"]]
    for _ in range(6):
        a_run()
    page.wait_for_function("() => window.told.length > 1")
    page.evaluate("window.last.onclick()")
    page.wait_for_url("**/inbox/groups/")
    assert run.id.hex in page.content()
