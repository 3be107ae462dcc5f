"""Every refusal of a change is written down once, whichever door it came through and however early it was refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, reverse

from tests.audit.histories import report
from tests.cast import a_run, a_user, claimed_by, token_of
from usertasks.actors import Scope
from usertasks.api.urls import urlpatterns
from usertasks.models import ApiToken, Refusal

pytestmark = pytest.mark.django_db

CHANGING = {"post": "POST", "patch": "PATCH", "put": "PUT", "delete": "DELETE"}
UNKNOWN = "0" * 32
ARGUMENTS = {"pk": UNKNOWN, "name": "nothing", "version": "0", "number": "1"}


def changes() -> Iterator[tuple[str, str]]:
    """Every method of every path of the API that changes something."""
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        for name, value in ARGUMENTS.items():
            for converter in ("guid", "definition_name", "int", "str"):
                route = route.replace(f"<{converter}:{name}>", value)
        for method in getattr(pattern.callback, "actions", {}):
            if method in CHANGING:
                yield CHANGING[method], f"/api/v1/{route}"


def ask(method: str, path: str, token: str, body: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return Client().generic(method, path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize(("method", "path"), list(changes()))
def test_each_change_of_the_api_that_is_refused_is_noted_once(method: str, path: str, charlie: User) -> None:
    response = ask(method, path, token_of(charlie), "{")
    assert 400 <= response.status_code < 500
    noted = Refusal.objects.get()
    assert (noted.code, noted.actor, noted.door) == (response.json()["code"], "charlie", "rest")
    assert noted.address == "127.0.0.1"
    assert (noted.run_id is not None) == ("user-task-runs/0" in path)


def test_the_verbs_are_called_the_same_however_early_they_are_refused(charlie: User) -> None:
    token = token_of(charlie)
    for body in ("{", "{}"):
        ask("POST", f"/api/v1/user-task-runs/{UNKNOWN}/comments/", token, body)
        ask("POST", f"/api/v1/user-task-runs/{UNKNOWN}/save-progress/", token, body)
    ask("POST", f"/api/v1/user-task-runs/{UNKNOWN}/comments/", token, json.dumps({"comment": "x"}))
    assert set(Refusal.objects.values_list("action", flat=True)) == {"add_comment", "save_progress"}


def test_a_token_that_is_for_something_else_is_noted(alice: User) -> None:
    run = a_run()
    token = ApiToken.objects.issue(alice, scopes=[Scope.DEFS_WRITE])
    assert ask("POST", f"/api/v1/user-task-runs/{run.id}/claim/", token, "{}").status_code == 403
    noted = Refusal.objects.get()
    assert (noted.action, noted.code, noted.run_id) == ("claim", "not_allowed", run.id)


def test_reading_and_knocking_without_a_name_are_not_noted(charlie: User) -> None:
    run = a_run()
    assert ask("GET", f"/api/v1/user-task-runs/{run.id}/", token_of(charlie)).status_code == 404
    assert ask("POST", f"/api/v1/user-task-runs/{run.id}/claim/", "ut_wrong", "{}").status_code == 401
    assert Client().post(f"/api/v1/user-task-runs/{run.id}/claim/", {}).status_code == 401
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(charlie)
    assert browser.post(f"/api/v1/user-task-runs/{run.id}/claim/", {}).status_code == 403
    assert not Refusal.objects.exists()


def test_of_many_each_refusal_is_noted(admin: User, charlie: User) -> None:
    batch = {"runs": [{"user_task_def": {"name": "nothing"}, "user_group": "it"}, {"user_group": 1}], "atomic": True}
    assert ask("POST", "/api/v1/user-task-runs/batch/", token_of(admin), json.dumps(batch)).status_code == 400
    assert sorted(Refusal.objects.values_list("action", "code")) == [
        ("create", "invalid_argument"),
        ("create", "not_found"),
    ]
    Refusal.objects.all().delete()
    ids = [a_run().id.hex for _ in range(2)]
    for is_dry_run, count in ((True, 0), (False, 2)):
        bulk = {"action": "claim", "ids": ids, "arguments": {}, "dry_run": is_dry_run}
        ask("POST", "/api/v1/user-task-runs/bulk/", token_of(charlie), json.dumps(bulk))
        assert Refusal.objects.count() == count
    assert {run_id.hex for run_id in Refusal.objects.values_list("run_id", flat=True) if run_id} == set(ids)


@pytest.mark.parametrize("button", ["claim", "release", "save_progress", "complete", "add_comment"])
def test_a_button_of_a_task_that_one_may_not_see_is_noted(button: str, alice: User, charlie: User) -> None:
    run = claimed_by(alice)
    browser = Client()
    browser.force_login(charlie)
    browser.post(f"/inbox/tasks/{run.id}/", {"action": button, "username": "charlie", "run_id": run.id.hex})
    noted = Refusal.objects.get()
    assert (noted.action, noted.code, noted.actor, noted.run_id) == (button, "not_found", "charlie", run.id)
    assert (noted.door, noted.address) == ("page", "127.0.0.1")
    assert report().is_intact


PAGES_OF_THE_ADMIN: dict[str, list[Any]] = {
    "usertasks_apitoken_add": [],
    "usertasks_usertaskrun_reassign": [],
    "usertasks_usertaskrun_undo": [UUID(UNKNOWN)],
    "usertasks_usertaskdef_add": [],
    "auth_user_add": [],
}


@pytest.mark.parametrize("page", PAGES_OF_THE_ADMIN)
def test_what_the_admin_refuses_is_noted_and_reading_it_is_not(page: str) -> None:
    browser = Client()
    browser.force_login(a_user("rita", permissions=["view_apitoken"], is_staff=True))
    address = reverse(f"admin:{page}", args=PAGES_OF_THE_ADMIN[page])
    browser.get(address)
    assert not Refusal.objects.exists()
    assert browser.post(address, {}).status_code == 403
    noted = Refusal.objects.get()
    assert (noted.action, noted.code, noted.actor, noted.door) == (page, "not_allowed", "rita", "admin")
    assert noted.address == "127.0.0.1"
    assert report().is_intact
