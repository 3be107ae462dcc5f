"""The lists on a phone and without JavaScript: the boxes behind their button, searching, keeping a filter."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Browser, expect

from tests.barriers import violations
from tests.cast import a_run
from tests.inbox.test_in_a_browser import let_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_phone_without_javascript_finds_and_keeps(browser: Browser, alice: User, live_server: Any) -> None:
    alice.groups.add(Group.objects.get_or_create(name="Rechnungswesen-und-Finanzbuchhaltung-Süd")[0])
    wanted = a_run(notes="Two knights to Naboo")
    a_run(notes="Kamino"), a_run(user_group="Rechnungswesen-und-Finanzbuchhaltung-Süd")
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 360, "height": 740}
    )
    let_in(context, alice, live_server.url)
    page = context.new_page()
    page.goto("/inbox/")
    boxes = page.get_by_role("navigation", name="Boxes")
    expect(boxes.get_by_role("link")).to_have_count(0)
    boxes.get_by_text("Boxes: My tasks").click()
    boxes.get_by_role("link", name="finance 2", exact=True).click()
    expect(page.get_by_role("heading", name="finance")).to_be_visible()
    page.get_by_role("searchbox").fill("naboo")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_text("Save this filter").click()
    page.get_by_label("Name").fill("To Naboo")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("status")).to_contain_text("To Naboo")
    expect(page.get_by_role("heading", name="To Naboo")).to_be_visible()
    page.get_by_role("link", name="It request").click()
    page.get_by_role("link", name="Back to the list").click()
    assert page.locator(".row").get_attribute("data-run") == wanted.id.hex
    page.get_by_role("link", name="Search: naboo").click()
    expect(page.locator(".row")).to_have_count(2)
    context.close()


def test_lists_are_accessible_and_never_scroll_sideways(browser: Browser, alice: User, live_server: Any) -> None:
    alice.groups.set(Group.objects.create(name=f"Rechnungswesen-und-Finanzbuchhaltung-{n}") for n in range(10))
    a_run(user_id="alice", user_group="Rechnungswesen-und-Finanzbuchhaltung-1", notes="x" * 300, priority=90)
    problems: list[Any] = []
    looks: Any = ((360, "dark"), (1280, "light"))
    for width, theme in looks:
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 740}, color_scheme=theme, locale="de"
        )
        let_in(context, alice, live_server.url)
        page = context.new_page()
        for path in ("/inbox/all/?status=ASSIGNED&text=it&sort=due", "/inbox/all/?overdue=x", "/inbox/filters/"):
            page.goto(path)
            for summary in page.locator("main summary:visible, .boxes-button > summary:visible").all():
                summary.click()
            is_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            problems += [(width, path, "scrolls")] if is_wide else []
            problems += [(width, path, found) for found in violations(page)]
        context.close()
    assert problems == []
