"""Comments, as a person in a browser adds and changes them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, expect

from tests.cast import claimed_by
from tests.inbox.pages import task_url
from tests.inbox.test_in_a_browser import let_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_comment_is_said_once_and_can_be_changed(context: BrowserContext, live_server: Any, alice: User) -> None:
    run = claimed_by(alice)
    let_in(context, alice, live_server.url)
    page = context.new_page()
    page.goto(live_server.url + task_url(run))
    page.get_by_label("Justification").fill("typed beside it")
    page.get_by_label("Comment").fill("first!")
    page.get_by_role("button", name="Add comment").click()
    expect(page.get_by_text("first!")).to_be_visible()
    expect(page.get_by_label("Comment")).to_have_value("")
    expect(page.get_by_label("Justification")).to_have_value("typed beside it")
    expect(page.get_by_text("in another tab")).to_be_hidden()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Your words").fill("second thoughts")
    page.get_by_role("button", name="Save comment").click()
    expect(page.get_by_text("second thoughts")).to_be_visible()
    assert [comment.comment for comment in run.comments.all()] == ["second thoughts"]
