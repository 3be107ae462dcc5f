"""Signing in and out, and what holds for every page."""

from __future__ import annotations

import gzip
import re

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from pytest_django import Settings

from inbox.middleware import RefusalMiddleware
from inbox.views import bad_request
from tests.cast import PASSWORD, a_run
from tests.inbox.pages import signed_in, task_url
from usertasks.errors import NotAllowed, NotFound, Refused, Stale, TooLarge, WrongState


def test_every_page_asks_to_sign_in_first(alice: User) -> None:
    for path in (
        "/",
        "/inbox/",
        "/inbox/groups/",
        "/inbox/done/",
        "/inbox/all/",
        task_url(a_run()),
        "/inbox/tasks/" + "0" * 32 + "/",
    ):
        response = Client().get(path)
        assert (response.status_code, response["Location"]) == (302, f"/sign-in/?next={path}")


def test_signing_in_leads_to_where_one_wanted_to_go(alice: User) -> None:
    form = {"username": "alice", "password": PASSWORD}
    assert Client().post("/sign-in/", form)["Location"] == "/inbox/"
    assert Client().post("/sign-in/", {**form, "next": "/inbox/done/"})["Location"] == "/inbox/done/"
    assert Client().post("/sign-in/", {**form, "next": "https://evil.example/"})["Location"] == "/inbox/"


def test_the_sign_in_form_has_the_names_people_rely_on() -> None:
    html = Client().get("/sign-in/").content.decode()
    assert re.search(r"<label[^>]*>Username</label>", html)
    assert re.search(r"<label[^>]*>Password</label>", html)
    assert re.search(r"<button[^>]*>Sign in</button>", html)


def test_a_wrong_password_is_said(alice: User) -> None:
    response = Client().post("/sign-in/", {"username": "alice", "password": "wrong"})
    assert response.context["form"].errors
    assert "errorlist" in response.content.decode()


def test_the_admin_lets_staff_in_by_the_same_rules(alice: User, admin: User, settings: Settings) -> None:
    settings.SIGN_IN_FAILURES = 2
    form = {"username": "admin", "password": PASSWORD, "next": "/admin/"}
    assert Client().post("/admin/login/", {**form, "username": "alice"}).status_code == 200
    assert Client().post("/admin/login/", form)["Location"] == "/admin/"
    for _ in range(2):
        Client().post("/admin/login/", {**form, "password": "wrong"})
    refused = Client().post("/admin/login/", form)
    assert (refused.status_code, int(refused["Retry-After"]) > 0) == (429, True)
    assert signed_in(alice).get("/admin/", follow=True).status_code == 403
    assert signed_in(admin).get("/admin/login/?next=https://evil.example/")["Location"] == "/admin/"
    assert signed_in(admin).post("/admin/logout/")["Location"] == "/sign-in/"


def test_where_a_provider_vouches_for_people_the_admin_sends_them_to_our_page(settings: Settings) -> None:
    settings.OIDC_SERVER_URL = "https://id.example.com"
    assert Client().get("/admin/login/?next=/admin/usertasks/")["Location"] == "/sign-in/?next=%2Fadmin%2Fusertasks%2F"
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0] == "/sign-in/?next=%2Fadmin%2F"


def test_where_passwords_are_off_nobody_comes_in_with_one(admin: User, settings: Settings) -> None:
    settings.LOCAL_PASSWORDS, settings.OIDC_SERVER_URL, settings.OIDC_NAME = False, "https://id.example", "Acme"
    client = Client()
    html = client.get("/sign-in/").content.decode()
    assert ("Password" in html, "Continue with Acme" in html) == (False, True)
    for path in ("/sign-in/", "/admin/login/"):
        response = client.post(path, {"username": "admin", "password": PASSWORD}, follow=True)
        assert not response.context["user"].is_authenticated
    assert client.post("/sign-in/", {"username": "admin", "password": PASSWORD}).status_code == 403


def test_signing_out_takes_a_post(alice: User) -> None:
    client = signed_in(alice)
    assert client.get("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/sign-in/")["Location"] == "/inbox/"
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/inbox/").status_code == 302


def test_a_part_of_a_page_is_not_replaced_by_the_sign_in_page(alice: User) -> None:
    response = Client().get("/inbox/", headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == "/sign-in/?next=/inbox/"


@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_address_has_our_own_page(alice: User, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        for client in (Client(), signed_in(alice)):
            response = client.get("/no/such/page/")
            assert response.status_code == 404
            assert "404.html" in [template.name for template in response.templates]


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(NotFound, 404), (NotAllowed, 403), (WrongState, 409), (Stale, 412), (TooLarge, 413)],
)
def test_a_refusal_is_a_page_with_its_status(refusal: type[Refused], status: int, rf: RequestFactory) -> None:
    middleware = RefusalMiddleware(lambda request: None)  # type: ignore[arg-type]
    response = middleware.process_exception(rf.get("/inbox/"), refusal("Because."))
    assert response is not None
    assert response.status_code == status
    assert middleware.process_exception(rf.get("/api/v1/"), refusal("Because.")) is None
    assert middleware.process_exception(rf.get("/inbox/"), ValueError()) is None


def test_a_body_that_is_too_large_has_its_own_page(rf: RequestFactory) -> None:
    request: HttpRequest = rf.post("/inbox/")
    assert bad_request(request, RequestDataTooBig()).status_code == 413
    assert bad_request(request, ValueError()).status_code == 400


def test_pages_hold_to_the_strict_policy(alice: User) -> None:
    client = signed_in(alice)
    for path in ("/sign-in/", "/inbox/", task_url(a_run())):
        response = client.get(path)
        assert "form-action 'self';" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]
        html = response.content.decode()
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", html)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)


def test_a_page_with_all_it_loads_is_small(alice: User) -> None:
    html = signed_in(alice).get(task_url(a_run())).content
    loaded = re.findall(r'(?:src|href)="/static/([^"]+)"', html.decode())
    assert len(loaded) >= 4
    sizes = [len(gzip.compress(html))]
    for name in loaded:
        path = finders.find(name)
        assert path, name
        with open(path, "rb") as file:
            sizes.append(len(gzip.compress(file.read())))
    assert sum(sizes) < 150_000
