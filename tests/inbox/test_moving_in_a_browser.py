"""Moving a task, and asking who may do what with it, as a manager with a browser meets them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.barriers import violations
from tests.cast import claimed_by
from tests.inbox.pages import signed_in, task_url
from usertasks.models import UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_enter_moves_the_task_and_what_was_typed_stays(
    page: Page, alice: User, bob: User, mona: User, live_server: Any
) -> None:
    run = claimed_by(alice)
    session = signed_in(mona).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto(live_server.url + task_url(run))
    page.get_by_text("Who may do what").click()
    expect(page.get_by_label("What mona may do")).to_contain_text("with the right to do what others have")
    page.get_by_label("Requested item").fill("lightsaber")
    page.get_by_text("Move this task").click()
    assert violations(page) == []
    page.get_by_label("Person to do it").fill("bob")
    page.get_by_label("Person to do it").press("Enter")
    expect(page.get_by_role("status").filter(has_text="bob")).to_have_text("The task is with bob now.")
    expect(page.get_by_label("Requested item")).to_have_value("lightsaber")
    assert UserTaskRun.objects.get().user_id == "bob"
    page.get_by_text("Who may do what").click()
    expect(page.get_by_label("What mona may do")).to_be_visible()
    page.get_by_label("Requested item").fill("a blue one")
    page.get_by_label("Whom to ask about").fill("ghost")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("There is no account ghost.")).to_be_visible()
    expect(page.get_by_label("Requested item")).to_have_value("a blue one")
    page.get_by_text("Move this task").click()
    page.get_by_label("End it without an answer").check()
    page.get_by_label("Requested item").fill("a green one")
    page.get_by_role("button", name="Cancel task").click()
    expect(page.get_by_text("What you typed was not saved")).to_be_visible()
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('draft:'))")
    expect(page.locator("#draft-elsewhere")).to_be_hidden()
