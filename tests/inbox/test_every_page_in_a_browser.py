"""What holds for every page: no barrier, nothing cut off, little to load, and nothing from anybody else."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, Response

from inbox import urls
from tests.barriers import violations
from tests.cast import a_definition, a_run, a_user, claimed_by, done_by
from tests.inbox.pages import every_field, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.leads import appoint
from usertasks.models import UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE, ZOOMED, DESKTOP = 360, 640, 1280
"""Widths in CSS pixels; a desktop at 200 % is half as wide."""
MOST_BYTES = 150_000
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
TIMERS = [
    {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 86400, "reassign": {"user_group": "finance"}},
    {"hook": "ON_ARRIVAL", "delay_seconds": 259200, "cancel": {}},
]

LISTS = ("mine", "groups", "overdue", "snoozed", "standing-in", "done", "all")
SETTINGS = ("notifications", "substitutes", "tokens", "preferences", "filters")
OF_A_TASK = ("task",)
NO_PAGES = {
    "file", "draft", "bring-back", "upload", "snooze", "wake", "next", "live", "counts", "arrivals", "words",
    "end-substitution", "revoke-token", "save-filter", "forget-filter", "do-many", "undo-many",
}  # fmt: skip
"""Addresses that answer scripts and buttons: what they lead to is one of the others."""
OTHERS = {"team", "many", "done-many"}


@pytest.fixture
def lead(alice: User) -> User:
    """Somebody who has every box and page, and something in each."""
    operations.add_comment(
        claimed_by(alice, definition=a_definition("every", every_field(required=True)), actions=TIMERS).id,
        "Mine",
        by=actor_for(alice),
    )
    a_user("dora")
    appoint("alice", "finance")
    a_run(due_at=timezone.now() - timedelta(days=3), notes="A word " * 40)
    a_run(user_id="dora"), done_by(alice, actions=TIMERS)
    return alice


def pages_of(user: User) -> Iterator[str]:
    yield from (reverse(f"inbox:{name}") for name in (*LISTS, *SETTINGS, "team"))
    yield from map(task_url, UserTaskRun.objects.order_by("id"))
    yield "/inbox/nowhere/"
    yield "/inbox/groups/?earliest_start=x&user_group=finance&sort=due&text=word"


def test_every_address_of_the_inbox_is_known_here() -> None:
    known = {*LISTS, *SETTINGS, *OF_A_TASK, *OTHERS} | NO_PAGES
    assert {pattern.name for pattern in urls.pages} <= known


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_barrier_or_is_cut_off(page: Page, lead: User, live_server: Any, theme: Any) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    problems = {}
    for path in ["/sign-in/", *pages_of(lead)]:
        if path != "/sign-in/":
            let_in(page, lead, live_server.url)
        page.set_viewport_size({"width": DESKTOP, "height": 900})
        page.goto(live_server.url + path)
        for width in (DESKTOP, ZOOMED, PHONE):
            page.set_viewport_size({"width": width, "height": 900})
            problems[path, width] = [*cut_off(page), *(violations(page, RULES) if width != ZOOMED else [])]
    assert {place: found for place, found in problems.items() if found} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_changing_many_has_no_barrier_and_is_not_cut_off(page: Page, lead: User, live_server: Any, theme: Any) -> None:
    """The question to whom, what would happen and what has happened: pages that a button leads to."""
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    let_in(page, lead, live_server.url)
    page.set_viewport_size({"width": DESKTOP, "height": 900})
    page.goto(f"{live_server.url}/inbox/groups/")
    page.locator("[name=run]").first.check()
    problems = {"ticked": at_every_width(page)}
    page.get_by_role("button", name="Reassign selected").click()
    problems["to whom"] = at_every_width(page)
    page.get_by_label("Person to do them").fill("alice")
    page.get_by_label("Group in which they wait").fill("finance")
    page.get_by_role("button", name="See what would happen").click()
    page.get_by_role("button", name="Do it for the 1").wait_for()
    problems["dry run"] = at_every_width(page)
    page.get_by_role("button", name="Do it for the 1").click()
    page.get_by_role("button", name="Undo").wait_for()
    problems["results"] = at_every_width(page)
    assert {step: found for step, found in problems.items() if found} == {}


def at_every_width(page: Page) -> list[str]:
    page.wait_for_load_state()
    problems = []
    for width in (PHONE, ZOOMED, DESKTOP):
        page.set_viewport_size({"width": width, "height": 900})
        problems += [f"{width}: {problem}" for problem in [*cut_off(page), *violations(page, RULES)]]
    return problems


def test_no_page_is_heavy_or_asks_anybody_else(browser: Browser, lead: User, live_server: Any) -> None:
    weights, hosts = {}, set()
    sizes: dict[str, int] = {}
    for path in ["/sign-in/", *pages_of(lead)]:
        context = browser.new_context(base_url=live_server.url)
        page = context.new_page()
        if path != "/sign-in/":
            let_in(page, lead, live_server.url)
        bodies = opened(page, path)
        for response in bodies:
            if response.status == 200 and response.url not in sizes:  # what many pages share is weighed once
                sizes[response.url] = len(gzip.compress(response.body()))
        weights[path] = sum(sizes[response.url] for response in bodies if response.status == 200)
        hosts |= {urlsplit(response.url).netloc for response in bodies if not response.url.startswith("data:")}
        context.close()
    assert {path: weight for path, weight in weights.items() if weight > MOST_BYTES} == {}
    assert hosts == {urlsplit(live_server.url).netloc}


def opened(page: Page, path: str) -> list[Response]:
    """Everything that a page asks for until it stands."""
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))  # noqa: PLW0108 (playwright marks what it calls)
    page.goto(path, wait_until="load")
    return responses


def let_in(page: Page, user: User, url: str) -> None:
    page.context.add_cookies([{"name": "sessionid", "value": signed_in(user).cookies["sessionid"].value, "url": url}])


def cut_off(page: Page) -> list[str]:
    """What makes the page scroll sideways."""
    if page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"):
        return []
    wide: Callable[[], list[str]] = lambda: page.evaluate(  # noqa: E731
        "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 80)).slice(0, 3)"
    )
    return [f"wider than the window: {wide()}"]
