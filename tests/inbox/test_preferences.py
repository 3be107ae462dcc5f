"""Language, time zone and keyboard: what somebody has chosen, and what their browser says where they have not."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, expect

from tests.barriers import violations
from tests.cast import a_run, token_of
from tests.inbox.pages import signed_in
from tests.inbox.test_in_a_browser import let_in
from usertasks.models import Preferences

pytestmark = pytest.mark.django_db

URL = "/inbox/preferences/"


def language_of(response: Any) -> str:
    return str(response.headers["Content-Language"])


def zone_of(response: Any) -> str:
    return str(response.context["zone"])


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("pt-BR", "pt"),
        ("fi, ja;q=0.9, en;q=0.1", "ja"),
        ("fi", "en"),
        ("nonsense;;q=x,\x7f", "en"),
        ("", "en"),
    ],
)
def test_a_page_is_in_the_language_of_the_browser(client: Client, header: str, language: str) -> None:
    response = client.get("/sign-in/", headers={"Accept-Language": header})
    assert language_of(response) == language
    assert {"Accept-Language", "Cookie"} <= set(response.headers["Vary"].split(", "))


@pytest.mark.parametrize("path", ["/inbox/", "/admin/", "/inbox/tasks/" + "0" * 32 + "/", "/nowhere/"])
def test_a_choice_counts_more_than_the_browser(admin: User, path: str) -> None:
    client = signed_in(admin)
    assert client.post(URL, {"language": "fr", "time_zone": "", "has_shortcuts": "on"}).status_code == 302
    response = client.get(path, headers={"Accept-Language": "de"})
    assert language_of(response) == "fr"
    assert language_of(signed_in(admin).get(path)) == "fr"


def test_a_choice_that_is_offered_no_more_is_none(alice: User) -> None:
    Preferences.objects.create(user_id="alice", language="tlh", time_zone="Atlantis/Capital")
    response = signed_in(alice).get(URL, headers={"Accept-Language": "es"})
    assert (response.status_code, language_of(response), zone_of(response)) == (200, "es", "UTC")


def test_choices_are_kept_for_one_person_and_shown_again(alice: User, bob: User) -> None:
    client = signed_in(alice)
    for language, zone, has_shortcuts in (("ja", "Asia/Tokyo", False), ("", "America/New_York", True), ("", "", True)):
        given = {"language": language, "time_zone": zone, **({"has_shortcuts": "on"} if has_shortcuts else {})}
        assert client.post(URL, given).status_code == 302
        response = client.get(URL)
        shown = {field.name: field.value() for field in response.context["form"]}
        assert shown == {"language": language, "time_zone": zone, "has_shortcuts": has_shortcuts}
        assert zone_of(response) == (zone or "UTC")
        assert [message.level_tag for message in response.context["messages"]] == ["success"]
    assert Preferences.objects.get().user_id == "alice"
    assert signed_in(bob).get(URL).context["form"]["has_shortcuts"].value()


@pytest.mark.parametrize(
    "given", [{"language": "tlh"}, {"time_zone": "Atlantis/Capital"}, {"time_zone": "../../etc/passwd"}], ids=str
)
def test_what_is_not_offered_is_refused(alice: User, given: dict[str, str]) -> None:
    response = signed_in(alice).post(URL, given)
    assert response.status_code == 400
    assert set(response.context["form"].errors) == set(given)
    assert not Preferences.objects.exists()


def test_the_zone_of_the_browser_holds_until_one_is_chosen(alice: User) -> None:
    client = signed_in(alice)
    client.cookies["time_zone"] = "Asia/Calcutta"
    assert zone_of(client.get(URL)) == "Asia/Calcutta"
    client.post(URL, {"time_zone": "Europe/Lisbon"})
    assert zone_of(client.get(URL)) == "Europe/Lisbon"


@pytest.mark.parametrize("cookie", ["", "nonsense", "../../etc/passwd", "/etc/localtime", "America", "x" * 3000, "ë"])
def test_nonsense_in_the_cookie_is_ignored(alice: User, cookie: str) -> None:
    client = signed_in(alice)
    client.cookies["time_zone"] = cookie
    response = client.get(URL)
    assert (response.status_code, zone_of(response)) == (200, "UTC")


@pytest.mark.parametrize("path", ["/api/v1/user-task-runs/", "/api/v1/nowhere/", "/healthz", "/readyz"])
def test_programs_are_spoken_to_in_english(alice: User, path: str) -> None:
    Preferences.objects.create(user_id="alice", language="de", time_zone="Asia/Tokyo")
    a_run()
    headers = {"Authorization": f"Bearer {token_of(alice)}", "Accept-Language": "de"}
    for client in (Client(headers=headers), signed_in(alice)):
        response = client.get(path, headers={"Accept-Language": "de"})
        assert not response.has_header("Content-Language")
        assert response.content == Client(headers=headers).get(path, headers={"Accept-Language": "en"}).content


def test_what_programs_are_told_stays_english_between_pages_in_german(alice: User) -> None:
    page, program = signed_in(alice), Client(headers={"Authorization": f"Bearer {token_of(alice)}"})
    before = program.post("/api/v1/user-task-runs/", {}, content_type="application/json").json()
    assert language_of(page.get("/inbox/", headers={"Accept-Language": "de"})) == "de"
    assert program.post("/api/v1/user-task-runs/", {}, content_type="application/json").json() == before


def test_the_page_is_for_people_who_are_signed_in(client: Client) -> None:
    assert client.get(URL)["Location"].startswith("/sign-in/")
    assert client.post(URL, {"language": "de"}).status_code == 302
    assert not Preferences.objects.exists()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_person_chooses_a_language_and_a_zone(
    browser: Browser, alice: User, live_server: Any, has_scripts: bool
) -> None:
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=has_scripts, locale="de-DE", timezone_id="Asia/Tokyo"
    )
    let_in(context, alice, live_server.url)
    page = context.new_page()
    page.goto(URL)
    page.goto(URL)  # the first page has told its browser to say where it is
    expect(page.locator("main")).to_contain_text("JST" if has_scripts else "UTC")
    page.get_by_label("English").check()
    page.locator("select[name=time_zone]").select_option("America/New_York")
    page.locator("main [type=submit]").click()
    expect(page.get_by_role("status")).to_have_text("Your choice is saved.")
    expect(page.get_by_text("America/New_York now")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert not has_scripts or violations(page) == []
    assert Preferences.objects.get().language == "en"
    context.close()
