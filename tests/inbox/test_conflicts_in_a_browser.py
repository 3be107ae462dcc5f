"""Two people on one task, in two browsers: the slower one chooses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from tests.barriers import violations
from tests.cast import PASSWORD, a_run
from tests.inbox.pages import task_url

pytestmark = pytest.mark.django_db(transaction=True)


def opened_by(user: User, url: str, browser: Browser, **more: Any) -> Page:
    """The page of a task in a browser of this person's own."""
    page = browser.new_context(**more).new_page()
    page.goto(url)
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


LOOKS = [
    {"viewport": {"width": width, "height": 800}, "color_scheme": theme}
    for width in (360, 1280)
    for theme in ("light", "dark")
]


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_slower_one_sees_both_and_chooses(
    alice: User, bob: User, live_server: Any, browser: Browser, look: Any
) -> None:
    run = a_run()
    url = live_server.url + task_url(run)
    quick, slow = opened_by(bob, url, browser), opened_by(alice, url, browser, **look)
    quick.get_by_label("Requested item").fill("blaster")
    slow.get_by_label("Requested item").fill("lightsaber")
    slow.get_by_label("Justification").fill("lost the old one")
    quick.get_by_role("button", name="Save progress").click()
    expect(quick.get_by_text("Your progress is saved")).to_be_visible()
    slow.get_by_role("button", name="Complete").click()
    expect(slow.get_by_role("heading", name="Somebody else has answered in the meantime")).to_be_visible()
    assert violations(slow) == []
    slow.get_by_role("radio", name=re.compile("Theirs")).check()
    slow.get_by_role("button", name="Complete").click()
    expect(slow.get_by_text("Completed")).to_be_visible()
    run.refresh_from_db()
    assert run.results == {"requestedItem": "blaster", "justification": "lost the old one"}
    assert [(event.type, event.actor) for event in run.events.filter(type__in=["saved", "completed"])] == [
        ("saved", "bob"),
        ("completed", "alice"),
    ]
    for page in (quick, slow):
        page.context.close()
