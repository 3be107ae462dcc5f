"""Many tasks at once, as whoever has a browser meets them: with scripts, and without."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from tests.barriers import violations
from tests.cast import ENGINE, FINANCE, a_definition, a_run, done_by
from tests.inbox.pages import signed_in
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import Status, UserTaskRun
from usertasks.operations import RunRequest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def let_in(page: Page, user: User, url: str) -> None:
    page.context.add_cookies([{"name": "sessionid", "value": signed_in(user).cookies["sessionid"].value, "url": url}])


def with_bob() -> int:
    return UserTaskRun.objects.filter(user_id="bob").count()


def fill_finance(number: int) -> None:
    requests = [RunRequest(user_task_def_name=a_definition().name, user_group=FINANCE) for _ in range(number)]
    operations.create_many(requests, by=ENGINE, atomic=True)


def test_two_hundred_are_reassigned_of_which_three_fail_and_all_is_undone(
    page: Page, alice: User, bob: User, mona: User, live_server: Any
) -> None:
    excluding, moved = a_run(excluded_user_ids=["bob"]), a_run()
    done_by(alice)
    fill_finance(197)
    let_in(page, mona, live_server.url)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{live_server.url}/inbox/all/")
    deeds = page.get_by_role("button", name="Reassign selected")
    expect(deeds).to_be_hidden()
    rows = page.get_by_role("checkbox", name="Select It request")
    rows.nth(1).check()
    rows.nth(4).click(modifiers=["Shift"])
    expect(page.get_by_text("4 selected")).to_be_visible()
    whole = page.get_by_label("Select this page")
    assert whole.evaluate("box => box.indeterminate")
    whole.check()
    expect(page.get_by_text("25 selected")).to_be_visible()
    page.get_by_label("All 200 that match").check()
    expect(page.get_by_text("200 selected")).to_be_visible()
    rows.nth(2).uncheck()
    expect(page.get_by_label("All 200 that match")).not_to_be_checked()
    page.get_by_label("All 200 that match").check()
    assert violations(page) == []
    deeds.click()
    expect(page.get_by_role("heading", name="Reassign 200 tasks")).to_be_visible()
    page.get_by_label("Person to do them").fill("bob")
    page.get_by_label("Group in which they wait").fill(FINANCE)
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_text("198 tasks would be reassigned.")).to_be_visible()
    expect(page.get_by_text("2 would fail.")).to_be_visible()
    assert violations(page) == []
    assert with_bob() == 0
    operations.claim(moved.id, by=actor_for(alice))
    page.get_by_role("button", name="Do it for the 198").click()
    expect(page.get_by_text("197 tasks are reassigned.")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("3 have failed.")).to_be_visible()
    assert with_bob() == 197
    expect(page.get_by_text("3 selected")).to_be_visible()
    for why in ("It is done", "It must be done by somebody else", "It has changed in the meantime"):
        expect(page.get_by_role("region", name=why).get_by_role("checkbox")).to_be_checked()
    assert violations(page) == []
    page.reload()
    assert with_bob() == 197
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("197 tasks are back with whom they were.")).to_be_visible(timeout=30_000)
    assert with_bob() == 0
    assert UserTaskRun.objects.filter(status=Status.UNASSIGNED, user_group=FINANCE).count() == 198
    excluding.refresh_from_db()
    assert excluding.version == 1


def test_all_of_it_works_without_scripts_on_a_phone(browser: Browser, mona: User, live_server: Any) -> None:
    a_run(), a_run(), a_run()
    phone = {"width": 360, "height": 740}
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, viewport=phone)  # type: ignore[arg-type]
    page = context.new_page()
    let_in(page, mona, live_server.url)
    page.goto("/inbox/all/")
    for number in (0, 2):
        page.get_by_role("checkbox", name="Select It request").nth(number).check()
    page.get_by_role("button", name="Cancel selected").click()
    expect(page.get_by_role("heading", name="Cancel 2 tasks")).to_be_visible()
    page.get_by_role("button", name="Do it for the 2").click()
    expect(page.get_by_role("alert")).to_contain_text("Tick that these tasks are to end without an answer.")
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Do it for the 2").click()
    expect(page.get_by_text("2 tasks are cancelled.")).to_be_visible()
    page.get_by_text("The 2 that worked").click()
    expect(page.get_by_role("link", name="It request")).to_have_count(2)
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(f"{live_server.url}/inbox/all/")
    assert UserTaskRun.objects.filter(status=Status.CANCELLED).count() == 2
    context.close()
