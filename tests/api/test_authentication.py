"""Who may call at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from tests.api.conftest import API, Caller
from tests.cast import PASSWORD, a_run, token_of
from usertasks.models import ApiToken

As = Callable[[User], Caller]


def test_a_call_without_a_token_is_not_signed_in(nobody: Caller) -> None:
    answer = nobody.get("user-task-runs/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_signed_in"
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Bearer \xff", "Basic YTpi", "bearer ut_x y"])
def test_a_token_that_was_never_issued_is_not_signed_in(nobody: Caller, header: str) -> None:
    assert nobody.get("user-task-runs/", Authorization=header).status_code == 401


def test_the_scheme_is_not_case_sensitive(nobody: Caller, alice: User) -> None:
    assert nobody.get("user-task-runs/", Authorization=f"bearer {token_of(alice)}").status_code == 200


def test_the_token_of_someone_who_left_is_worth_nothing(as_: As, alice: User) -> None:
    caller = as_(alice)
    alice.is_active = False
    alice.save()
    assert caller.get("user-task-runs/").status_code == 401


def test_a_deleted_token_is_worth_nothing(as_: As, alice: User) -> None:
    caller = as_(alice)
    ApiToken.objects.all().delete()
    assert caller.get("user-task-runs/").status_code == 401


def test_the_database_does_not_know_the_token(alice: User) -> None:
    token = token_of(alice)
    assert not ApiToken.objects.filter(digest__contains=token).exists()
    assert token not in str(ApiToken.objects.values().get())


def test_the_command_prints_a_token_that_works_and_nothing_else(
    nobody: Caller, alice: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_api_token", "alice")
    token, rest = capsys.readouterr().out.split("\n", 1)
    assert rest == ""
    assert nobody.get("user-task-runs/", Authorization=f"Bearer {token}").status_code == 200


def test_the_command_refuses_a_stranger(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_token", "nobody")


def test_a_browser_reads_with_its_session(alice: User) -> None:
    browser = Client()
    browser.login(username="alice", password=PASSWORD)
    assert browser.get(f"{API}user-task-runs/").status_code == 200


def test_a_browser_writes_only_with_the_csrf_token(alice: User) -> None:
    run = a_run()
    browser = Client(enforce_csrf_checks=True)
    browser.login(username="alice", password=PASSWORD)
    path = f"{API}user-task-runs/{run.id.hex}/claim/"
    refused = browser.post(path, "{}", content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    browser.get("/inbox/")
    token = browser.cookies["csrftoken"].value
    assert browser.post(path, "{}", content_type="application/json", headers={"X-CSRFToken": token}).status_code == 200


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])
@pytest.mark.parametrize("body", ["a=b", "{", "csrfmiddlewaretoken=x"])
def test_a_session_without_the_csrf_header_is_refused_whatever_the_body_is(alice: User, kind: str, body: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    path = f"{API}user-task-runs/{a_run().id.hex}/claim/"
    for headers in ({}, {"X-CSRFToken": "wrong"}):
        answer = client.generic("POST", path, body, content_type=kind, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
