"""The admin as a whole, and API tokens in it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.pages import DEFINITIONS, RUNS, TOKENS, Page, signed_in, url
from tests.cast import a_run, a_user, token_of
from usertasks.models import ApiToken


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def test_the_admin_says_what_it_is_and_leads_back_to_the_inbox(client: Client) -> None:
    response = client.get(url("admin:index"))
    assert response.context["site_header"] == "usertasks"
    assert '<a href="/">View site</a>' in response.content.decode()


def test_what_belongs_to_runs_and_to_machines_has_no_page_of_its_own(client: Client) -> None:
    models = {
        model["object_name"] for app in client.get(url("admin:index")).context["app_list"] for model in app["models"]
    }
    assert models == {"UserTaskDef", "UserTaskRun", "ApiToken", "Mail", "WebhookEndpoint", "Delivery", "User", "Group"}


def pages(run: Any) -> list[str]:
    definition = run.definition_id
    return [
        url("admin:index"),
        *[url(f"{prefix}changelist") for prefix in (RUNS, DEFINITIONS, TOKENS)],
        *[url(f"{DEFINITIONS}{page}", definition) for page in ("change", "preview", "delete")],
        url(f"{DEFINITIONS}add"),
        url(f"{TOKENS}add"),
        url(f"{RUNS}change", run.pk),
        *[url(f"{RUNS}{page}") + f"?run={run.pk}" for page in ("reassign", "cancel")],
    ]


def test_no_page_needs_more_than_the_content_security_policy_allows(client: Client) -> None:
    for address in pages(a_run()):
        response = client.get(address)
        html = response.content.decode()
        assert response.status_code == 200, address
        assert "unsafe-" not in response.headers["Content-Security-Policy"]
        assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", html), address
        assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", html), address


def test_a_token_is_shown_exactly_once(client: Client, alice: User) -> None:
    response = client.post(url(f"{TOKENS}add"), {"user": alice.pk}, follow=True)
    shown = re.findall(r"ut_[\w-]{43}", response.content.decode())
    assert len(shown) == 1
    issued = ApiToken.objects.find(shown[0])
    assert issued is not None
    assert issued.user == alice
    assert "ut_" not in Page(client.get(url(f"{TOKENS}changelist"))).text


def test_a_token_is_revoked(client: Client, alice: User) -> None:
    token = token_of(alice)
    row = ApiToken.objects.get()
    assert "alice" in Page(client.get(url(f"{TOKENS}changelist"))).text
    client.post(url(f"{TOKENS}delete", row.pk), {"post": "yes"})
    assert ApiToken.objects.find(token) is None


def test_a_token_cannot_be_changed(client: Client, alice: User) -> None:
    token = token_of(alice)
    address = url(f"{TOKENS}change", ApiToken.objects.get().pk)
    assert client.post(address, {"user": alice.pk}).status_code == 403
    assert token not in client.get(address).content.decode()


def test_only_a_superuser_hands_out_the_power_of_one(admin: User) -> None:
    clerk = signed_in(a_user("carl", permissions=["add_apitoken"], is_staff=True))
    assert clerk.post(url(f"{TOKENS}add"), {"user": admin.pk}).status_code == 200
    assert not ApiToken.objects.exists()
