"""Signing in by an OpenID provider: the whole way, and everything that can go wrong on it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from inbox.single_sign_on import is_on
from inbox.typed import kept
from tests.cast import PASSWORD, a_user, claimed_by
from tests.inbox.pages import signed_in, task_url
from tests.inbox.provider import CLIENT_ID, Provider, come_in, running_provider, way_back, way_there

TOKEN, USERINFO, DISCOVERY = "/oauth2/token", "/userinfo", "/.well-known/openid-configuration"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider, settings: Settings) -> Provider:
    """A provider that works, and knows alice, who works in finance."""
    server.instead.clear()
    server.serves(settings)
    server.knows("a-1", preferred_username="alice", groups=["finance"], name="Alice Cooper", email="alice@acme.example")
    return server


def groups_of(username: str) -> set[str]:
    return set(User.objects.get(username=username).groups.values_list("name", flat=True))


def test_one_comes_in_with_name_mail_and_groups_and_goes_where_one_wanted_to(provider: Provider) -> None:
    client = Client()
    assert come_in(client, "a-1", next="/inbox/groups/")["Location"] == "/inbox/groups/"
    assert client.get("/inbox/").context["user"].get_username() == "alice"
    alice = User.objects.get(username="alice")
    assert (alice.email, alice.first_name, alice.last_name) == ("alice@acme.example", "Alice", "Cooper")
    assert (alice.has_usable_password(), alice.is_staff, groups_of("alice")) == (False, False, {"finance"})


def test_a_page_of_somebody_else_is_no_place_to_go_to(provider: Provider) -> None:
    assert come_in(Client(), "a-1", next="https://evil.example/")["Location"] == "/inbox/"


def test_a_group_that_is_gone_at_the_provider_is_gone_at_the_next_sign_in(provider: Provider) -> None:
    provider.knows("a-1", preferred_username="alice", groups=["finance", "it"])
    come_in(Client(), "a-1")
    assert groups_of("alice") == {"finance", "it"}
    provider.knows("a-1", preferred_username="alice", groups=["it"])
    come_in(Client(), "a-1")
    assert groups_of("alice") == {"it"}
    provider.knows("a-1", preferred_username="alice")
    come_in(Client(), "a-1")
    assert groups_of("alice") == set()


def test_the_exchange_is_bound_to_this_browser_and_to_us(provider: Provider) -> None:
    client = Client()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(way_there(client)).query).items()}
    assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT_ID, "code", "S256")
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert (len(asked["state"]) >= 16, len(asked["nonce"]) >= 16) == (True, True)
    address = way_there(client)
    challenge = parse_qs(urlsplit(address).query)["code_challenge"][0]
    client.get(way_back(address, sub="a-1"))
    [verifier] = provider.forms[TOKEN]["code_verifier"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    assert digest.decode() == challenge


def said(response: Any) -> tuple[int, str]:
    """The status of a sign-in page that says what went wrong, and what it says."""
    assert "inbox/sign_in.html" in [template.name for template in response.templates]
    return response.status_code, response.context["trouble"]


def test_a_state_serves_once_and_in_its_own_browser_only(provider: Provider) -> None:
    client = Client()
    back = way_back(way_there(client), sub="a-1")
    assert said(Client().get(back))[0] == 401
    assert client.get(back).status_code == 302
    client.post("/sign-out/")
    assert said(client.get(back)) == (401, "That took too long, or was begun in another browser. Please try again.")
    assert said(client.get("/sign-in/back/"))[0] == 401


def test_whoever_says_no_at_the_provider_is_told_so(provider: Provider) -> None:
    client = Client()
    status, words = said(client.get(way_back(way_there(client), action="deny")))
    assert (status, "Acme" in words) == (401, True)
    assert client.get("/inbox/").status_code == 302


def test_a_provider_that_is_away_is_said_before_one_leaves(provider: Provider, settings: Settings) -> None:
    provider.fails(DISCOVERY)
    assert said(Client().post("/sign-in/elsewhere/"))[0] == 503
    settings.OIDC_SERVER_URL = "http://localhost:1"
    assert said(Client().post("/sign-in/elsewhere/"))[0] == 503


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (TOKEN, "500 Internal Server Error", b"oops"),
        (TOKEN, "400 Bad Request", b'{"error": "invalid_grant"}'),
        (TOKEN, "200 OK", b"<html>"),
        (TOKEN, "200 OK", b'{"access_token": "x"}'),
        (TOKEN, "200 OK", b'{"access_token": "x", "id_token": "no.such.token"}'),
        (TOKEN, "200 OK", b'{"access_token": "x", "id_token": 7}'),
        (USERINFO, "401 Unauthorized", b""),
        (USERINFO, "200 OK", b"[]"),
        (USERINFO, "200 OK", b'{"sub": "somebody-else"}'),
        (USERINFO, "200 OK", b'{"preferred_username": "alice"}'),
        (DISCOVERY, "200 OK", b"{}"),
        (DISCOVERY, "200 OK", b"[]"),
    ],
)
def test_an_answer_that_makes_no_sense_lets_nobody_in(provider: Provider, path: str, status: str, body: bytes) -> None:
    client = Client()
    back = way_back(way_there(client), sub="a-1")
    provider.fails(path, status, body)
    assert said(client.get(back))[0] == 503
    assert client.get("/inbox/").status_code == 302
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another-application"},
        {"iss": "https://evil.example"},
        {"exp": 1_500_000_000},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": ""},
        {"sub": "x" * 192},
        {"sub": 7},
        {"sub": "nul\0"},
    ],
    ids=str,
)
def test_an_id_token_for_somebody_else_lets_nobody_in(provider: Provider, wrong: dict[str, Any]) -> None:
    def forge(tokens: dict[str, Any]) -> dict[str, Any]:
        claims = jwt.decode(tokens["id_token"], options={"verify_signature": False}) | wrong
        return tokens | {"id_token": jwt.encode(claims, "x" * 32, algorithm="HS256")}

    client = Client()
    back = way_back(way_there(client), sub="a-1")
    provider.says(TOKEN, forge)
    provider.says(USERINFO, lambda claims: claims | ({"sub": wrong["sub"]} if "sub" in wrong else {}))
    assert said(client.get(back))[0] == (401 if isinstance(wrong.get("sub"), str) else 503)
    assert not User.objects.exists()


def test_a_provider_without_a_userinfo_endpoint_says_everything_in_its_token(provider: Provider) -> None:
    provider.says(DISCOVERY, lambda found: {name: found[name] for name in found if name != "userinfo_endpoint"})
    come_in(Client(), "a-1")
    assert groups_of("alice") == {"finance"}


@pytest.mark.parametrize("name", [None, "", "  ", "x" * 151, "nul\0", "two\nlines", 7, ["alice"], "usertasks:worker"])
def test_a_name_that_cannot_be_ours_is_said_and_makes_no_account(provider: Provider, name: Any) -> None:
    provider.knows("b-2", **({} if name is None else {"preferred_username": name}))
    status, words = said(come_in(Client(), "b-2"))
    assert (status, "preferred_username" in words) == (401, True)
    assert not User.objects.exists()


def test_another_claim_may_say_who_somebody_is(provider: Provider, settings: Settings) -> None:
    settings.OIDC_USER_ID_CLAIM, settings.OIDC_GROUPS_CLAIM = "upn", "realm_access.roles"
    provider.knows("b-2", upn="bob@acme.example", realm_access={"roles": ["it"]})
    come_in(Client(), "b-2")
    assert groups_of("bob@acme.example") == {"it"}


def test_an_account_with_a_password_of_its_own_is_not_taken_over(provider: Provider, settings: Settings) -> None:
    a_user("alice", groups=["it"])
    client = Client()
    status, words = said(come_in(client, "a-1"))
    assert (status, "alice" in words, groups_of("alice")) == (403, True, {"it"})
    assert client.get("/inbox/").status_code == 302
    settings.LOCAL_PASSWORDS = False
    assert come_in(client, "a-1").status_code == 302
    assert groups_of("alice") == {"finance"}


def test_an_account_without_a_password_is_taken_over(provider: Provider) -> None:
    User.objects.create_user("alice")
    assert come_in(Client(), "a-1").status_code == 302
    assert groups_of("alice") == {"finance"}


def test_an_account_stays_with_its_subject_whatever_they_are_called(provider: Provider) -> None:
    come_in(Client(), "a-1")
    provider.knows("a-1", preferred_username="alicia", groups=["it"])
    provider.knows("b-2", preferred_username="alice", groups=["finance"])
    come_in(Client(), "a-1")
    assert list(User.objects.values_list("username", flat=True)) == ["alice"]
    status, words = said(come_in(Client(), "b-2"))
    assert (status, "alice" in words, groups_of("alice")) == (403, True, {"it"})


def test_an_admin_takes_a_link_away_and_the_next_gets_the_account(provider: Provider, admin: User) -> None:
    come_in(Client(), "a-1")
    provider.knows("b-2", preferred_username="alice", groups=["it"])
    assert said(come_in(Client(), "b-2"))[0] == 403
    desk = signed_in(admin)
    assert "a-1" in desk.get("/admin/socialaccount/socialaccount/").content.decode()
    link = SocialAccount.objects.get().pk
    assert desk.get(f"/admin/socialaccount/socialaccount/{link}/change/").status_code == 200
    assert desk.get("/admin/socialaccount/socialaccount/add/").status_code == 403
    desk.post(f"/admin/socialaccount/socialaccount/{link}/delete/", {"post": "yes"})
    assert come_in(Client(), "b-2").status_code == 302
    assert (User.objects.filter(username="alice").count(), groups_of("alice")) == (1, {"it"})
    assert desk.get("/admin/socialaccount/socialapp/").status_code == 404


def test_the_same_subject_of_another_provider_is_somebody_else(provider: Provider, settings: Settings) -> None:
    come_in(Client(), "a-1")
    SocialAccount.objects.update(provider="https://old.example")
    provider.knows("a-1", preferred_username="bob")
    come_in(Client(), "a-1")
    assert set(User.objects.values_list("username", flat=True)) == {"alice", "bob"}


def test_nobody_comes_into_an_account_that_is_switched_off(provider: Provider) -> None:
    User.objects.create_user("alice", is_active=False)
    assert said(come_in(Client(), "a-1"))[0] == 403
    User.objects.update(is_active=True)
    come_in(Client(), "a-1")
    User.objects.update(is_active=False)
    assert said(come_in(Client(), "a-1"))[0] == 403


def test_what_is_kept_of_the_provider_is_the_subject_alone(provider: Provider) -> None:
    come_in(Client(), "a-1")
    link = SocialAccount.objects.get()
    assert (link.uid, link.provider, link.extra_data) == ("a-1", provider.url, {})


def test_signing_out_here_signs_out_there(provider: Provider, settings: Settings) -> None:
    client = Client()
    come_in(client, "a-1")
    there = urlsplit(client.post("/sign-out/").context["address"])
    said_there = parse_qs(there.query)
    assert (there.path, said_there["post_logout_redirect_uri"]) == (
        "/oauth2/end_session",
        ["http://testserver/sign-in/"],
    )
    assert (said_there["client_id"], "id_token_hint" in said_there) == ([CLIENT_ID], True)
    assert client.get("/inbox/").status_code == 302
    settings.OIDC_SIGN_OUT = False
    come_in(client, "a-1")
    assert client.post("/admin/logout/")["Location"] == "/sign-in/"


def test_signing_out_of_a_password_goes_nowhere_else(provider: Provider, charlie: User) -> None:
    client = Client()
    client.post("/sign-in/", {"username": "charlie", "password": PASSWORD})
    assert client.post("/sign-out/")["Location"] == "/sign-in/"


def test_without_a_provider_there_is_no_trace_of_one(db: None) -> None:
    assert not is_on()
    html = Client().get("/sign-in/").content.decode()
    assert "Continue with" not in html
    assert Client().post("/sign-in/elsewhere/").status_code == 404
    assert Client().get("/sign-in/elsewhere/")["Location"] == "/sign-in/"
    assert Client().get("/sign-in/back/?state=x&code=y").status_code == 404


def test_no_page_of_the_library_is_mounted(provider: Provider) -> None:
    for path in ("signup/", "login/", "password/reset/", "email/", "3rdparty/", "oidc/", "social/signup/"):
        for prefix in ("/accounts/", "/"):
            assert Client().get(prefix + path).status_code == 404


def a_lost_session(run: Any, **answers: str) -> tuple[Client, str, str]:
    """A browser whose session ended while its person typed: it, and what the sign-in page carries along."""
    client = Client()
    form = {
        "username": "alice",
        "version": str(run.version),
        **{f"results-{name}": text for name, text in answers.items()},
    }
    context = client.post(task_url(run), {**form, "action": "save_progress"}).context
    return client, context["typed"].to_text(), context["next"]


def test_what_was_typed_survives_the_way_to_the_provider(provider: Provider) -> None:
    come_in(Client(), "a-1")
    run = claimed_by(User.objects.get(username="alice"))
    client, typed, page = a_lost_session(run, justification="lost the old one")
    assert come_in(client, "a-1", typed=typed, next=page)["Location"] == task_url(run)
    assert "lost the old one" in client.get(task_url(run)).content.decode()


def test_what_was_typed_survives_a_provider_that_fails(provider: Provider) -> None:
    come_in(Client(), "a-1")
    run = claimed_by(User.objects.get(username="alice"))
    client, typed, page = a_lost_session(run, justification="lost the old one")
    response = client.get(way_back(way_there(client, typed=typed, next=page), action="deny"))
    assert (response.context["typed"].to_text(), response.context["next"]) == (typed, task_url(run))
    provider.fails(DISCOVERY)
    response = client.post("/sign-in/elsewhere/", {"typed": typed, "next": page})
    assert (response.context["typed"].to_text(), response.context["next"]) == (typed, task_url(run))


def test_what_was_typed_is_given_to_nobody_else(provider: Provider) -> None:
    provider.knows("b-2", preferred_username="bob", groups=["finance"])
    come_in(Client(), "a-1")
    run = claimed_by(User.objects.get(username="alice"))
    client, typed, page = a_lost_session(run, justification="my secret")
    come_in(client, "b-2", typed=typed, next=page)
    assert "my secret" not in client.get(task_url(run)).content.decode()
    assert (kept(run.id, username="bob"), kept(run.id, username="alice")) == (None, None)
    assert "typed" not in client.session


def test_what_is_too_large_to_wait_stays_on_its_page(provider: Provider) -> None:
    come_in(Client(), "a-1")
    run = claimed_by(User.objects.get(username="alice"))
    client, typed, page = a_lost_session(run, justification="x" * 1_100_000)
    response = client.post("/sign-in/elsewhere/", {"typed": typed, "next": page})
    assert said(response)[0] == 413
    assert response.context["typed"].to_text() == typed
    assert "sessionid" not in client.cookies
    come_in(client, "a-1")
    assert client.post("/sign-in/elsewhere/", {"typed": typed, "next": page})["Location"] == task_url(run)
    assert "x" * 1000 in client.get(task_url(run)).content.decode()


def test_a_page_that_was_opened_before_one_signed_in_again_loses_nothing(provider: Provider) -> None:
    come_in(Client(), "a-1")
    run = claimed_by(User.objects.get(username="alice"))
    _client, typed, page = a_lost_session(run, justification="lost the old one")
    client = Client(enforce_csrf_checks=True)
    stale = {"typed": typed, "next": page, "csrfmiddlewaretoken": "x" * 32}
    response = client.post("/sign-in/elsewhere/", stale, headers={"Origin": "http://testserver"})
    assert (response.status_code, response.context["typed"].to_text()) == (401, typed)
    client.force_login(User.objects.get(username="alice"))
    response = client.post("/sign-in/elsewhere/", stale, headers={"Origin": "http://testserver"})
    assert response.headers["Location"] == task_url(run)
    assert "lost the old one" in client.get(task_url(run)).content.decode()
