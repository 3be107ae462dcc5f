"""What every answer says to a browser: pages, the API, the admin, files, and every kind of refusal."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.cast import a_run, claimed_by, token_of
from tests.security.addresses import addresses
from tests.security.conftest import HOST, Browser
from usertasks import limits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("deployed")]

POLICY = {
    "default-src 'none'",
    "style-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "connect-src 'self'",
}
EXACT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "Server": "usertasks",
}


def flaws_of(response: Any) -> list[str]:
    """What is missing in the headers of an answer."""
    flaws = [f"{name}: {response.get(name)}" for name, value in EXACT.items() if response.get(name) != value]
    policy = response.get("Content-Security-Policy", "")
    if "sandbox" not in policy and not {part.strip() for part in policy.split(";")} >= POLICY:
        flaws.append(f"Content-Security-Policy: {policy}")
    if "unsafe" in policy or "*" in policy or "http:" in policy:
        flaws.append(f"Content-Security-Policy: {policy}")
    if "Access-Control-Allow-Origin" in response:
        flaws.append("Access-Control-Allow-Origin")
    if "camera=()" not in response.get("Permissions-Policy", ""):
        flaws.append("Permissions-Policy")
    return flaws


def is_kept_to_one_person(response: Any, path: str) -> bool:
    """Whether no cache between us and the browser keeps it; of the API, the browser neither."""
    told = {part.strip() for part in response.get("Cache-Control", "").split(",")}
    return told >= ({"private", "no-store"} if path.startswith("/api/") else {"private", "no-cache"}) or told >= {
        "private",
        "no-store",
    }


def test_every_address_answers_with_every_header(admin: User) -> None:
    found = addresses(claimed_by(admin, user_group=None, user_id="admin"))
    signed_in = Browser(raise_request_exception=False)
    signed_in.force_login(admin)
    flaws: dict[str, Any] = {}
    for client in (signed_in, Browser(raise_request_exception=False)):
        for path in found:
            response = client.get(path)
            if not is_kept_to_one_person(response, path):
                flaws[path] = response.get("Cache-Control")
            if response.status_code >= 500 or flaws_of(response):
                flaws[path] = (response.status_code, flaws_of(response))
    assert len(found) > 60
    assert flaws == {}


def test_a_file_of_ours_has_them_and_may_be_kept() -> None:
    sheet, nothing = (Browser().get(f"/static/{name}") for name in ("inbox/inbox.css", "nowhere/"))
    assert (sheet.status_code, nothing.status_code) == (200, 404)
    assert flaws_of(sheet) == flaws_of(nothing) == []
    assert "max-age" in sheet["Cache-Control"]
    sheet.close()


def test_every_kind_of_refusal_has_them(alice: User) -> None:
    page = f"/inbox/tasks/{a_run().id.hex}/"
    client = Browser(enforce_csrf_checks=True)
    client.force_login(alice)
    bearer = {"Authorization": f"Bearer {token_of(alice)}"}
    runs, definitions, form = "/api/v1/user-task-runs/", "/api/v1/user-task-defs/", "application/x-www-form-urlencoded"
    a_definition = '{"name": "mine", "fields": []}'
    answers = {
        "400 malformed": client.post(runs, "{", content_type="application/json", headers=bearer),
        "400 form": client.post(page, "a=b", content_type=f"{form}; charset=utf-16"),
        "400 host": client.get("/inbox/", headers={"host": "evil.example"}),
        "400 host of the API": client.get(runs, headers={"host": "evil.example"}),
        "401": Browser().get(runs),
        "403 CSRF": client.post(page),
        "403": client.post(definitions, a_definition, content_type="application/json", headers=bearer),
        "404": client.get("/inbox/nowhere/"),
        "404 of the API": client.get("/api/nowhere", headers=bearer),
        "405": client.get(f"{page}draft/"),
        "405 of the API": client.delete(runs, headers=bearer),
        "413": client.post(page, "a=" + "b" * 11_000_000, content_type=form),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == {name: int(name[:3]) for name in answers}
    assert {name: flaws for name, answer in answers.items() if (flaws := flaws_of(answer))} == {}


def test_who_calls_too_often_gets_them(alice: User, settings: Any) -> None:
    settings.API_RATE, settings.API_BURST = 0.01, 1
    limits.forget_everything()
    bearer = {"Authorization": f"Bearer {token_of(alice)}"}
    answers = [Browser().get("/api/v1/user-task-runs/", headers=bearer) for _ in range(2)]
    limits.forget_everything()
    assert [answer.status_code for answer in answers] == [200, 429]
    assert flaws_of(answers[1]) == []
    assert int(answers[1]["Retry-After"]) > 0


def test_a_defect_has_them_and_tells_nothing(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.security.broken"
    for path in ("/broken/", "/api/broken/"):
        response = Browser(raise_request_exception=False).get(path)
        assert response.status_code == 500
        assert flaws_of(response) == []
        assert b"secret" not in response.content


def test_plain_http_leads_to_tls_and_sets_no_cookie(alice: User) -> None:
    client = Client(headers={"host": HOST})
    client.force_login(alice)
    for path in ("/inbox/", "/sign-in/", "/api/v1/user-task-runs/", "/admin/"):
        response = client.get(path)
        assert (response.status_code, response["Location"]) == (301, f"https://{HOST}{path}")
        assert not response.cookies
    assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def test_signing_out_has_the_browser_forget_the_pages(alice: User) -> None:
    client = Browser()
    client.force_login(alice)
    assert client.post("/sign-out/")["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in client.get("/sign-in/")
