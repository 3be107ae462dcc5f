"""What a stranger's page could try with the browser of somebody who is signed in."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import User

from tests.cast import PASSWORD, a_run, claimed_by
from tests.security.addresses import addresses
from tests.security.conftest import HOST, Browser, settings_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("deployed")]

ELSEWHERE = [
    "https://evil.example/",
    "http://tasks.example.com/inbox/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "///evil.example",
    "javascript:alert(1)",
    "https:evil.example",
    f"https://{HOST}@evil.example/",
    f"https://{HOST}.evil.example/",
    "/%0d%0aSet-Cookie:x=y",
    "\thttps://evil.example/",
]


def test_nothing_is_changed_by_a_post_without_the_token_of_the_form(admin: User) -> None:
    client = Browser(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(admin)
    found = addresses(claimed_by(admin, user_group=None, user_id="admin"))
    taken: dict[str, int] = {}
    for path in found:
        how = {"content_type": "application/json"} if path.startswith("/api/") else {}
        for method, origin in (("post", HOST), ("post", "evil.example"), ("delete", HOST)):
            response = getattr(client, method)(path, headers={"origin": f"https://{origin}"}, **how)
            is_refused = response.status_code in ((403, 404, 405) if how else (403,))
            # What was typed into a page of ours that is older than the session is shown again, and not done.
            if not is_refused and not (origin == HOST and response.get("Location") == path):
                taken[f"{method} {path}"] = response.status_code
    assert taken == {}
    assert client.get("/inbox/").status_code == 200


@pytest.mark.parametrize("address", ELSEWHERE)
def test_signing_in_and_out_never_lead_elsewhere(alice: User, address: str) -> None:
    form = {"username": "alice", "password": PASSWORD, "next": address}
    client = Browser()
    first = client.post("/sign-in/", form)
    again = client.get("/sign-in/", {"next": address})
    out = client.post("/sign-out/", {"next": address})
    assert {first["Location"], again["Location"]} <= {"/inbox/", "/%0d%0aSet-Cookie:x=y"}
    assert urlsplit(out["Location"]).netloc == ""


@pytest.mark.parametrize("address", ELSEWHERE)
def test_the_way_back_to_the_list_never_leads_elsewhere(alice: User, address: str) -> None:
    client = Browser()
    client.force_login(alice)
    page = client.get(f"/inbox/tasks/{claimed_by(alice).id.hex}/", {"back": address})
    assert page.status_code == 200
    assert page.context["back"].startswith("/inbox/")


@pytest.mark.parametrize(
    "address", ["//[", "http://[::1", "//\u2100", "/inbox/tasks/?back=//[", "/inbox/?text=" + "\u4e00" * 3000]
)
def test_what_is_no_address_to_go_back_to_leads_to_the_inbox(alice: User, address: str) -> None:
    client = Browser()
    client.force_login(alice)
    run = a_run()
    back = urlencode({"back": address})
    page = client.get(f"/inbox/tasks/{run.id.hex}/?{back}")
    assert page.status_code == 200
    assert page.context["back"] == "/inbox/"
    answer = client.post("/inbox/next/", {"back": address})
    assert (answer.status_code, answer["Location"]) == (302, f"/inbox/tasks/{run.id.hex}/?back=%2Finbox%2F")
    assert client.post("/inbox/next/", {"back": address})["Location"] == "/inbox/"
    release = {"action": "release", "run": run.id.hex, "back": address}
    assert client.post("/inbox/many/do/", release).status_code == 302


@pytest.mark.parametrize("referrer", ["https://[", "//\u2100", "https://tasks.example.com:99999999/"])
def test_a_form_that_comes_from_no_address_at_all_is_refused_like_any_other(alice: User, referrer: str) -> None:
    client = Browser(enforce_csrf_checks=True)
    client.force_login(alice)
    for path in ("/inbox/next/", "/sign-in/", f"/inbox/tasks/{claimed_by(alice).id.hex}/"):
        assert client.post(path, headers={"referer": referrer}).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "tasks.example.com.evil.example", "tasks.example.com:80@evil.example"]
)
def test_under_another_name_nothing_is_answered(alice: User, host: str) -> None:
    client = Browser()
    client.force_login(alice)
    for path in ("/inbox/", "/sign-in/", "/api/v1/user-task-runs/", "/admin/", "/healthz", "/nowhere/"):
        response = client.get(path, headers={"host": host})
        assert response.status_code == 400
        assert b"evil" not in response.content
    forwarded = client.get("/inbox/", headers={"X-Forwarded-Host": host})
    assert forwarded.status_code == 200
    assert b"evil" not in forwarded.content


def test_the_cookies_are_for_this_host_over_tls_alone(alice: User) -> None:
    client = Browser()
    client.get("/sign-in/")
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    session, token = client.cookies["__Host-sessionid"], client.cookies["__Host-csrftoken"]
    for cookie in (session, token):
        assert (cookie["secure"], cookie["path"], cookie["domain"], cookie["samesite"]) == (True, "/", "", "Lax")
    assert session["httponly"]
    assert session["max-age"] == 12 * 3600
    plain = settings_of({"COOKIE_SECURE": "false"})
    assert "SESSION_COOKIE_NAME" not in plain  # a browser would not take the name
    assert not plain["SESSION_COOKIE_SECURE"]


def test_signing_in_makes_a_new_session_and_signing_out_ends_it(alice: User) -> None:
    client = Browser()
    client.get("/sign-in/")
    before = client.cookies["__Host-csrftoken"].value
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    first = client.cookies["__Host-sessionid"].value
    assert client.cookies["__Host-csrftoken"].value != before
    client.post("/sign-out/")
    stolen = Browser()
    stolen.cookies["__Host-sessionid"] = first
    assert stolen.get("/inbox/").status_code == 302
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    assert client.cookies["__Host-sessionid"].value != first


def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(alice: User) -> None:
    planted = "a" * 32
    client = Browser()
    client.cookies["__Host-sessionid"] = planted
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    assert client.cookies["__Host-sessionid"].value != planted


def test_a_changed_password_ends_every_session(alice: User) -> None:
    client = Browser()
    client.force_login(alice)
    assert client.get("/inbox/").status_code == 200
    alice.set_password("another horse")
    alice.save()
    assert client.get("/inbox/").status_code == 302
