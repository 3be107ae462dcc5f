"""API tokens in the admin."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.admin.pages import TOKENS, Page, signed_in, url
from tests.cast import a_user, token_of
from usertasks.bearers import bearer_of
from usertasks.errors import NotSignedIn
from usertasks.models import ApiToken

FORM = {"user_id": "alice", "name": "report", "scopes": ["runs:read"], "expires_in": "30"}


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def make(client: Client, **changes: Any) -> Any:
    return client.post(url(f"{TOKENS}add"), {**FORM, **changes})


def revoke(client: Client, row: ApiToken) -> Any:
    return client.post(url(f"{TOKENS}changelist"), {"action": "revoke", "_selected_action": [row.pk]}, follow=True)


def test_a_token_is_made_for_somebody_and_shown_exactly_once(client: Client, alice: User) -> None:
    response = make(client)
    (text,) = set(re.findall(r"ut_[\w-]{43}", response.content.decode()))
    assert bearer_of(text).user == alice
    assert "no-store" in response["Cache-Control"]
    row = ApiToken.objects.get()
    assert (row.made_by, row.name, row.scopes) == ("admin", "report", ["runs:read"])
    for address in (url(f"{TOKENS}changelist"), url(f"{TOKENS}change", row.pk)):
        page = client.get(address)
        assert text not in page.content.decode()
        assert row.hint in Page(page).text
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.object_id, entry.action_flag) == ("admin", str(row.pk), 1)


def test_here_a_token_may_last_for_ever(client: Client, alice: User) -> None:
    make(client, expires_in="")
    assert ApiToken.objects.get().expires_at is None


@pytest.mark.parametrize("changes", [{"user_id": "nobody"}, {"scopes": []}, {"scopes": ["all"]}, {"expires_in": "1"}])
def test_a_mistake_is_said_and_makes_nothing(client: Client, alice: User, changes: dict[str, Any]) -> None:
    response = make(client, **changes)
    assert list(response.context["form"].errors) == list(changes)
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked(client: Client, alice: User) -> None:
    text = token_of(alice)
    assert "1 token revoked." in Page(revoke(client, ApiToken.objects.get())).text
    with pytest.raises(NotSignedIn):
        bearer_of(text)
    assert not ApiToken.objects.live(timezone.now()).exists()


def test_tokens_are_found_by_what_has_become_of_them(client: Client, alice: User) -> None:
    now = timezone.now()
    for name, more in {"live": {}, "expired": {"expires_at": now}, "revoked": {"revoked_at": now}}.items():
        token_of(alice)
        ApiToken.objects.filter(name="").update(name=name, **more)
    for state in ("live", "expired", "revoked"):
        rows = client.get(url(f"{TOKENS}changelist"), {"state": state}).context["cl"].result_list
        assert [row.name for row in rows] == [state]


def test_a_token_cannot_be_changed(client: Client, alice: User) -> None:
    token_of(alice)
    address = url(f"{TOKENS}change", ApiToken.objects.get().pk)
    assert client.post(address, {"name": "other"}).status_code == 403


def test_only_a_superuser_hands_out_the_power_of_one(admin: User, alice: User) -> None:
    clerk = signed_in(a_user("carl", permissions=["add_apitoken"], is_staff=True))
    response = make(clerk, user_id="admin")
    assert response.context["form"].non_field_errors()
    assert not ApiToken.objects.exists()
    make(clerk)
    assert ApiToken.objects.get().user == alice


def test_it_takes_the_permissions(alice: User) -> None:
    token_of(alice)
    reader = signed_in(a_user("rita", permissions=["view_apitoken"], is_staff=True))
    assert make(reader).status_code == 403
    assert revoke(reader, ApiToken.objects.get()).status_code == 200
    assert ApiToken.objects.get().revoked_at is None


@pytest.mark.parametrize("way", ["one", "many"])
def test_only_a_superuser_deletes_a_token(client: Client, alice: User, way: str) -> None:
    token_of(alice)
    row = ApiToken.objects.get()
    powers = ["view_apitoken", "change_apitoken", "delete_apitoken"]
    clerk = signed_in(a_user("carl", permissions=powers, is_staff=True))
    for browser, is_left in ((clerk, True), (client, False)):
        if way == "one":
            browser.post(url(f"{TOKENS}delete", row.pk), {"post": "yes"})
        else:
            chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
            browser.post(url(f"{TOKENS}changelist"), chosen)
        assert ApiToken.objects.exists() is is_left
