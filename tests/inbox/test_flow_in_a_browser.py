"""One task after the other in a real browser, with scripts and without."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.barriers import violations
from tests.cast import a_definition, a_run
from tests.inbox.test_in_a_browser import anyhow, let_in  # noqa: F401
from usertasks.models import Snooze, Status, UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def has_scripts(page: Page) -> bool:
    return page.locator("html.is-scripted").count() > 0


def fill(page: Page) -> None:
    page.get_by_label("Requested item").fill("lightsaber")
    page.get_by_label("Justification").fill("lost the old one")


def test_give_me_the_next_one_complete_and_next_and_snooze(anyhow: Page, alice: User, live_server: Any) -> None:  # noqa: F811
    definition, page = a_definition(), anyhow
    for priority in (30, 20, 10):
        a_run(definition, priority=priority)
    let_in(page.context, alice, live_server.url)
    page.goto("/inbox/groups/?sort=priority")
    page.get_by_role("button", name="Give me the next one").click()
    expect(page.get_by_role("status")).to_contain_text("yours now")

    complete = page.get_by_role("button", name="Complete")
    expect(complete).to_have_count(1)
    page.locator("#finish > summary").click()
    expect(complete).to_have_count(2)
    fill(page)
    page.get_by_role("button", name="Complete and next").click()
    expect(page.get_by_role("status")).to_contain_text("Here is the next one.")
    assert UserTaskRun.objects.get(status=Status.DONE).priority == 30
    expect(page.get_by_text("Low 20").first).to_be_visible()
    expect(complete).to_have_count(2)

    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Low 10").first).to_be_visible()
    page.get_by_role("link", name="Previous").click()
    expect(page.get_by_text("Low 20").first).to_be_visible()
    if has_scripts(page):
        page.locator("#finish > summary").click()
        assert violations(page) == []
    else:
        page.get_by_role("button", name="Hide this").click()
        expect(page.locator("button[value=show_next]")).to_have_count(1)  # the page that comes is there
    page.reload()
    expect(complete).to_have_count(1)

    page.get_by_label("Requested item").fill("robe")
    page.locator("#snooze > summary").click()
    page.get_by_role("button", name="In an hour").click()
    expect(page.get_by_role("status")).to_contain_text("Snoozed until")
    page.get_by_role("status").get_by_role("link").click()
    expect(page.get_by_label("Requested item")).to_have_value("robe")
    page.get_by_role("button", name="Wake up").click()
    expect(page.get_by_role("status")).to_contain_text("awake again")
    expect(page.get_by_label("Requested item")).to_have_value("robe")
    assert not Snooze.objects.exists()
