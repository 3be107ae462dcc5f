"""The page on which people name their substitutes, and the box of those who stand in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.barriers import violations
from tests.cast import a_run, claimed_by
from tests.inbox.pages import rows_of, signed_in, task_url
from tests.inbox.test_in_a_browser import let_in
from usertasks.leads import appoint
from usertasks.models import Substitution

URL = "/inbox/substitutes/"
BOX = "/inbox/standing-in/"
DAY = timedelta(days=1)


def a_form(substitute: str = "bob", first: int = 0, last: int = 6) -> dict[str, str]:
    """Days are counted from today."""
    today = timezone.localdate()
    days = {"first_day": today + first * DAY, "last_day": today + last * DAY}
    return {"substitute_id": substitute, **{name: day.isoformat() for name, day in days.items()}}


def substitution(user: str, substitute: str, begins: timedelta = -DAY) -> Substitution:
    now = timezone.now()
    period = {"starts_at": now + begins, "ends_at": now + begins + 7 * DAY}
    return Substitution.objects.create(user_id=user, substitute_id=substitute, named_by=user, **period)


def counts(response: Any) -> dict[str, int | None]:
    return {tab.box.name: tab.count for tab in response.context["tabs"]}


@pytest.mark.django_db
def test_a_person_names_a_substitute_for_whole_days(alice: User, bob: User) -> None:
    response = signed_in(alice).post(URL, a_form(), follow=True)
    assert response.redirect_chain == [(URL, 302)]
    row = Substitution.objects.get()
    assert (row.user_id, row.substitute_id, row.named_by) == ("alice", "bob", "alice")
    assert timezone.localtime(row.ends_at).date() == timezone.localdate() + 7 * DAY
    (period,) = response.context["mine"]
    assert (period.is_in_force, period.last_day) == (True, timezone.localdate() + 6 * DAY)


@pytest.mark.django_db
def test_a_period_is_planned_ahead(alice: User, bob: User) -> None:
    (period,) = signed_in(alice).post(URL, a_form(first=3), follow=True).context["mine"]
    assert not period.is_in_force
    assert "standing-in" not in counts(signed_in(bob).get("/inbox/"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "field"),
    [
        (a_form("alice"), "substitute_id"),
        (a_form("nobody"), "substitute_id"),
        (a_form(""), "substitute_id"),
        (a_form(first=3, last=2), "last_day"),
        (a_form(first=-3, last=-1), "last_day"),
        (a_form(last=400), "last_day"),
        ({**a_form(), "last_day": "9999-12-31"}, "last_day"),
        ({**a_form(), "first_day": "0001-01-01", "last_day": "soon"}, "last_day"),
        ({**a_form(), "first_day": ""}, "first_day"),
    ],
)
def test_a_mistake_is_said_beside_its_field(alice: User, bob: User, form: dict[str, str], field: str) -> None:
    response = signed_in(alice).post(URL, form)
    assert (response.status_code, list(response.context["form"].errors)) == (400, [field])
    assert response.context["form"]["substitute_id"].value() == form["substitute_id"]
    assert not Substitution.objects.exists()


@pytest.mark.django_db
def test_both_sides_see_it_and_the_one_who_is_away_ends_it(alice: User, bob: User, charlie: User) -> None:
    row = substitution("alice", "bob")
    end = f"{URL}{row.pk}/end/"
    assert [period.row for period in signed_in(bob).get(URL).context["theirs"]] == [row]
    assert signed_in(charlie).post(end).status_code == 404
    assert signed_in(alice).get(end)["Location"] == URL
    assert Substitution.objects.not_over(timezone.now()).exists()
    assert signed_in(bob).post(end).status_code == 403
    assert signed_in(alice).post(end)["Location"] == URL
    page = signed_in(bob).get(URL)
    assert (page.context["mine"], page.context["theirs"]) == ([], [])


@pytest.mark.django_db
def test_the_box_holds_what_the_absent_own_and_its_count_says_so(alice: User, bob: User, charlie: User) -> None:
    theirs = claimed_by(alice)
    claimed_by(bob), a_run(), a_run(user_id="dora"), claimed_by(charlie, user_group="it")
    substitution("alice", "charlie")
    box = signed_in(charlie).get(BOX)
    assert rows_of(box) == [theirs.id]
    assert counts(box)["standing-in"] == 1
    assert signed_in(charlie).get(task_url(theirs)).status_code == 200
    assert theirs.id in rows_of(signed_in(charlie).get("/inbox/all/"))
    assert theirs.id not in rows_of(signed_in(charlie).get("/inbox/"))


@pytest.mark.django_db
def test_one_of_several_absent_people_can_be_chosen(alice: User, bob: User, charlie: User) -> None:
    claimed_by(alice)
    wanted = claimed_by(bob)
    substitution("alice", "charlie"), substitution("bob", "charlie")
    client = signed_in(charlie)
    assert counts(client.get(BOX))["standing-in"] == 2
    assert rows_of(client.get(f"{BOX}?user_id=bob")) == [wanted.id]
    assert rows_of(client.get(f"{BOX}?user_id=charlie")) == []


@pytest.mark.django_db
def test_the_box_is_only_there_while_one_stands_in(alice: User, bob: User, mona: User) -> None:
    claimed_by(alice)
    assert "standing-in" not in counts(signed_in(bob).get("/inbox/"))
    for user in (bob, mona):  # who may see everything stands in for nobody all the same
        response = signed_in(user).get(BOX)
        assert (response.status_code, rows_of(response)) == (200, [])


@pytest.mark.django_db
def test_my_groups_hold_nothing_that_one_only_leads(charlie: User) -> None:
    a_run()
    appoint("charlie", "finance")
    assert rows_of(signed_in(charlie).get("/inbox/groups/")) == []


@pytest.mark.django_db
def test_colleagues_are_suggested_and_strangers_are_not(alice: User, bob: User, charlie: User) -> None:
    assert signed_in(alice).get(URL).context["colleagues"] == ["bob"]


@pytest.mark.django_db
def test_the_page_is_for_people_who_are_signed_in(client: Any, alice: User, bob: User) -> None:
    assert client.get(URL)["Location"].startswith("/sign-in/")
    assert client.post(URL, a_form()).status_code == 302
    assert not Substitution.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_person_names_a_substitute_and_ends_it_without_scripts(
    browser: Any, alice: User, bob: User, live_server: Any
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    let_in(context, alice, live_server.url)
    page = context.new_page()
    page.goto(URL)
    page.get_by_label("Substitute", exact=True).fill("bob")
    page.get_by_label("Last day").fill((timezone.localdate() + DAY).isoformat())
    page.get_by_role("button", name="Name the substitute").click()
    expect(page.get_by_role("status")).to_contain_text("bob")
    page.get_by_role("button", name="End now: bob").click()
    expect(page.get_by_text("Nobody. Your tasks wait for you.")).to_be_visible()
    assert not Substitution.objects.not_over(timezone.now()).exists()
    context.close()


@pytest.fixture
def people(alice: User, bob: User) -> tuple[User, User]:
    return alice, bob


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("theme", "width"), [("dark", 360), ("light", 1200)])
def test_the_pages_have_no_accessibility_violations(
    page: Page, people: tuple[User, User], live_server: Any, theme: Any, width: int
) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 740})
    alice, bob = people
    claimed_by(bob)
    substitution("alice", "bob", begins=DAY), substitution("bob", "alice")
    let_in(page.context, alice, live_server.url)
    for path in (URL, BOX):
        page.goto(live_server.url + path)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.goto(live_server.url + URL)
    page.get_by_label("Substitute", exact=True).fill("nobody")
    page.get_by_label("Last day").fill((timezone.localdate() + DAY).isoformat())
    page.get_by_role("button", name="Name the substitute").click()
    expect(page.get_by_text("must be the name of somebody with an account")).to_be_visible()
    assert violations(page) == []
