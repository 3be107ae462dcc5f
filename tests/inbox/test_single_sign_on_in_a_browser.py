"""Signing in and out in Chromium, against a provider on another origin: the policy of our pages lets it through."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import ConsoleMessage, Page, expect
from pytest_django import Settings

from tests.inbox.provider import CLIENT_ID, running_provider

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def groups_of(username: str) -> set[str]:
    return set(User.objects.get(username=username).groups.values_list("name", flat=True))


def test_in_by_the_provider_with_its_groups_and_out_again(page: Page, live_server: Any, settings: Settings) -> None:
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and message.location["url"].startswith(live_server.url):
            complaints.append(message.text)

    page.on("console", note)
    with running_provider() as provider:
        settings.OIDC_SERVER_URL, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = (
            provider.url,
            CLIENT_ID,
            "secret",
        )
        settings.OIDC_NAME, settings.OIDC_ROLES, settings.LOCAL_PASSWORDS = "Acme", {"chiefs": "manager"}, False
        provider.knows("a-1", preferred_username="alice", groups=["finance", "chiefs"])
        come_in(page, f"{live_server.url}/inbox/groups/")
        expect(page).to_have_url(f"{live_server.url}/inbox/groups/")
        assert groups_of("alice") == {"finance", "chiefs", "manager"}
        go_out(page)
        provider.knows("a-1", preferred_username="alice", groups=["finance"])
        come_in(page, f"{live_server.url}/inbox/")
        expect(page.get_by_title("Signed in as alice")).to_be_visible()
        assert groups_of("alice") == {"finance"}
    assert complaints == []


def come_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Continue with Acme").click()
    page.locator("input[name=sub]").fill("a-1")
    page.get_by_role("button", name="Authorize", exact=True).click()


def go_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("button", name="Continue with Acme")).to_be_visible()
