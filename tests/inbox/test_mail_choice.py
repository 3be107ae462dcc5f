"""The page on which a person chooses which mails to get."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.barriers import violations
from tests.inbox.pages import signed_in
from tests.inbox.test_in_a_browser import let_in
from usertasks.models import MailChoice

URL = "/inbox/notifications/"


@pytest.mark.django_db
def test_whoever_has_not_chosen_sees_the_defaults(alice: User) -> None:
    form = signed_in(alice).get(URL).context["form"]
    shown = {field.name: field.value() for field in form}
    assert shown == {"assigned": True, "group": False, "reminder": True, "comment": True}
    assert not MailChoice.objects.exists()


@pytest.mark.django_db
def test_a_choice_is_kept_and_shown_again(alice: User, bob: User) -> None:
    client = signed_in(alice)
    for chosen in ({"group": "on"}, {"group": "on", "comment": "on"}):
        assert client.post(URL, chosen).status_code == 302
        response = client.get(URL)
        assert {field.name for field in response.context["form"] if field.value()} == set(chosen)
        assert [message.level_tag for message in response.context["messages"]] == ["success"]
    assert MailChoice.objects.get().user == alice
    assert MailChoice.of(bob).wants("comment")


@pytest.mark.django_db
def test_the_page_says_where_mails_go_or_that_they_cannot(alice: User) -> None:
    client = signed_in(alice)
    assert "No e-mail address is known" in client.get(URL).content.decode()
    User.objects.filter(pk=alice.pk).update(email="alice@example.com")
    assert "alice@example.com" in client.get(URL).content.decode()


@pytest.mark.django_db
def test_the_page_is_for_people_who_are_signed_in(client: Any) -> None:
    assert client.get(URL)["Location"].startswith("/sign-in/")
    assert client.post(URL, {"group": "on"}).status_code == 302
    assert not MailChoice.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_person_finds_the_page_and_switches_a_kind_off(
    browser: Any, alice: User, live_server: Any, has_scripts: bool
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=has_scripts)
    let_in(context, alice, live_server.url)
    page = context.new_page()
    page.goto("/inbox/")
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Somebody comments on my task").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_label("Somebody comments on my task")).not_to_be_checked()
    expect(page.get_by_label("A task is assigned to me")).to_be_checked()
    assert not MailChoice.objects.get().comment
    context.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_accessibility_violations(page: Page, alice: User, live_server: Any, theme: Any) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    let_in(page.context, alice, live_server.url)
    page.goto(live_server.url + URL)
    assert violations(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert violations(page) == []
