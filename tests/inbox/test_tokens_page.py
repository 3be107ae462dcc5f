"""The page on which people make API tokens for themselves, and revoke them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.barriers import violations
from tests.cast import token_of
from tests.inbox.pages import signed_in
from tests.inbox.test_in_a_browser import let_in
from usertasks.actors import Scope, actor_for
from usertasks.bearers import bearer_of
from usertasks.errors import NotSignedIn
from usertasks.models import ApiToken
from usertasks.tokens import MAX_LIVE, revoke_token

URL = "/inbox/tokens/"
FORM = {"name": "report", "scopes": ["runs:read"], "expires_in": "90"}


def shown_in(response: Any) -> set[str]:
    return set(re.findall(r"ut_[\w-]{43}", response.content.decode()))


def revoke(client: Any, token: ApiToken) -> Any:
    return client.post(f"{URL}{token.pk}/revoke/")


@pytest.mark.django_db
def test_a_new_token_is_shown_once_and_works(alice: User) -> None:
    client = signed_in(alice)
    response = client.post(URL, FORM)
    assert response.status_code == 200
    (text,) = shown_in(response)
    bearer = bearer_of(text)
    assert (bearer.user, set(bearer.scopes)) == (alice, {Scope.RUNS_READ})
    row = ApiToken.objects.get()
    assert row.expires_at is not None
    assert abs(row.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    assert "no-store" in response["Cache-Control"]
    assert shown_in(client.get(URL)) == set()
    kept = [str(dict(client.session)), str(client.cookies)]
    assert not any(text in place for place in kept)


@pytest.mark.django_db
def test_sending_the_form_again_makes_no_second_token(alice: User) -> None:
    client = signed_in(alice)
    client.post(URL, FORM)
    again = client.post(URL, FORM)
    assert (again.status_code, list(again.context["form"].errors)) == (400, ["name"])
    assert shown_in(again) == set()
    assert ApiToken.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": ["runs:act-on-behalf"]}, "scopes"),  # which alice may not
        ({"expires_in": ""}, "expires_in"),
        ({"expires_in": "never"}, "expires_in"),
    ],
)
def test_a_mistake_is_said_beside_its_field(alice: User, change: dict[str, Any], field: str) -> None:
    response = signed_in(alice).post(URL, {**FORM, **change})
    assert (response.status_code, list(response.context["form"].errors)) == (400, [field])
    assert not ApiToken.objects.exists()


@pytest.mark.django_db
def test_too_many_tokens_are_refused_in_words(alice: User) -> None:
    for _ in range(MAX_LIVE):
        token_of(alice)
    response = signed_in(alice).post(URL, FORM)
    assert response.status_code == 400
    assert response.context["form"].non_field_errors()


@pytest.mark.django_db
def test_a_token_is_revoked_and_stays_in_the_list(alice: User) -> None:
    text, client = token_of(alice), signed_in(alice)
    assert revoke(client, ApiToken.objects.get())["Location"] == URL
    with pytest.raises(NotSignedIn):
        bearer_of(text)
    (line,) = client.get(URL).context["lines"]
    assert not line.is_live


@pytest.mark.django_db
def test_nobody_sees_or_revokes_the_tokens_of_somebody_else(alice: User, bob: User, admin: User) -> None:
    token_of(alice)
    row = ApiToken.objects.get()
    for user in (bob, admin):
        assert signed_in(user).get(URL).context["lines"] == []
    assert revoke(signed_in(bob), row).status_code == 404
    assert signed_in(alice).get(f"{URL}{row.pk}/revoke/")["Location"] == URL
    assert signed_in(bob).post(f"{URL}{10**30}/revoke/").status_code == 404
    row.refresh_from_db()
    assert row.revoked_at is None


@pytest.mark.django_db
def test_the_page_is_for_people_who_are_signed_in(client: Any, alice: User) -> None:
    token_of(alice)
    assert client.get(URL)["Location"].startswith("/sign-in/")
    assert client.post(URL, FORM).status_code == 302
    assert revoke(client, ApiToken.objects.get()).status_code == 302
    assert ApiToken.objects.get().revoked_at is None


@pytest.mark.django_db(transaction=True)
def test_a_person_makes_a_token_and_revokes_it_without_scripts(browser: Any, alice: User, live_server: Any) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    let_in(context, alice, live_server.url)
    page = context.new_page()
    page.goto("/inbox/")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="API tokens").click()
    page.get_by_label("Name").fill("report")
    page.get_by_role("button", name="Make the token").click()
    text = page.get_by_label("Token", exact=True).input_value()
    expect(page.get_by_label("Try it in a terminal")).to_have_value(re.compile(text))
    assert bearer_of(text).user == alice
    page.get_by_text("Revoke report").click()
    page.get_by_role("button", name="Yes, revoke it").click()
    expect(page.get_by_role("status")).to_contain_text("report")
    assert not ApiToken.objects.live(timezone.now()).exists()
    context.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("theme", "width"), [("light", 360), ("dark", 1200)])
def test_the_page_has_no_accessibility_violations(
    page: Page, alice: User, live_server: Any, theme: Any, width: int
) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 740})
    token_of(alice)
    revoke_token(ApiToken.objects.get().pk, by=actor_for(alice), now=timezone.now())
    let_in(page.context, alice, live_server.url)
    page.goto(live_server.url + URL)
    page.get_by_label("Name").fill("report")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_label("Token", exact=True)).to_be_focused()
    page.get_by_text("Revoke report").click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_label("Name").fill("report")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("Is the name of another token.")).to_be_visible()
    assert violations(page) == []
