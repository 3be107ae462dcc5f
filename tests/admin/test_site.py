"""The admin as a whole."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.pages import DEFINITIONS, LEADS, RUNS, SUBSTITUTIONS, TOKENS, signed_in, url
from tests.cast import a_run


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def test_the_admin_says_what_it_is_and_leads_back_to_the_inbox(client: Client) -> None:
    response = client.get(url("admin:index"))
    assert response.context["site_header"] == "usertasks"
    assert '<a href="/">View site</a>' in response.content.decode()


def test_what_belongs_to_runs_and_to_machines_has_no_page_of_its_own(client: Client) -> None:
    apps = client.get(url("admin:index")).context["app_list"]
    models = {model["object_name"] for app in apps for model in app["models"]}
    assert models >= {"UserTaskDef", "UserTaskRun", "ApiToken", "GroupLead", "Substitution", "User", "Group"}
    assert models.isdisjoint(
        {"UserTaskField", "UserTaskComment", "ArmedHook", "Draft", "Upload", "BulkChange", "FeedHead"}
    )


def pages(run: Any) -> list[str]:
    definition = run.definition_id
    return [
        url("admin:index"),
        *[url(f"{prefix}changelist") for prefix in (RUNS, DEFINITIONS, TOKENS, LEADS, SUBSTITUTIONS)],
        *[url(f"{DEFINITIONS}{page}", definition) for page in ("change", "preview", "delete")],
        *[url(f"{prefix}add") for prefix in (DEFINITIONS, TOKENS, LEADS, SUBSTITUTIONS)],
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
