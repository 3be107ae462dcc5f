"""The page of a team: for whom it is, what it shows and asks, and the way from stuck work to moving it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from playwright.sync_api import Browser, ViewportSize

from inbox import team as team_page
from inbox.team import in_words
from tests.barriers import violations
from tests.cast import FINANCE, a_definition, a_run, a_user, claimed_by, done_by
from tests.inbox.pages import signed_in
from usertasks import workload
from usertasks.leads import appoint
from usertasks.models import UserTaskRun
from usertasks.stuck import Snag

TEAM = "/inbox/team/"
SIZES = "words => words.map(word => parseFloat(getComputedStyle(word).fontSize) * word.getScreenCTM().a)"
"""How large words are on the screen, in pixels."""


@pytest.fixture
def lena(db: None) -> User:
    """Leads finance, and is not in it."""
    lena = a_user("lena")
    appoint("lena", FINANCE)
    return lena


def overdue(**more: Any) -> UserTaskRun:
    return a_run(due_at=timezone.now() - timedelta(days=2), **more)


def open_in(response: Any) -> int:
    total: int = response.context["page"].open.total.total
    return total


def stuck_in(response: Any) -> dict[str, list[Any]]:
    return {found.stuck.snag: [row.run.id for row in found.rows] for found in response.context["page"].stuck_lists}


def test_who_has_no_team_finds_no_page(alice: User) -> None:
    client = signed_in(alice)
    nowhere = client.get("/inbox/nowhere/").templates[0].name
    for address in (TEAM, f"{TEAM}?user_group={FINANCE}", f"{TEAM}?period=x"):
        assert client.get(address).status_code == 404
        assert client.get(address).templates[0].name == nowhere


def test_a_lead_sees_the_work_of_their_groups_and_a_holder_all(lena: User, mona: User) -> None:
    a_run(), a_run(user_group="it"), a_run(user_id="zoe", user_group=None)
    assert open_in(signed_in(lena).get(TEAM)) == 1
    assert open_in(signed_in(mona).get(TEAM)) == 3
    assert open_in(signed_in(mona).get(f"{TEAM}?user_group=it")) == 1
    assert b"zoe" not in signed_in(lena).get(TEAM).content


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("period=8", "period"),
        ("period=7&period=30", "period"),
        ("user_group=it", "user_group"),
        ("user_group=%00", "user_group"),
        ("user_group=%ed%a0%80", "user_group"),
        (f"user_group={'x' * 300}", "user_group"),
        ("user_group=finance&user_group=finance", "user_group"),
        ("colour=red", "__all__"),
    ],
)
def test_a_filter_that_cannot_be_answered_is_said_beside_its_field(lena: User, query: str, field: str) -> None:
    response = signed_in(lena).get(f"{TEAM}?{query}")
    assert response.status_code == 400
    assert list(response.context["form"].errors) == [field]
    assert response.context["page"] is None


@pytest.mark.parametrize(
    ("query", "days"), [("", 30), ("?period=", 30), ("?period=7&user_group=", 7), ("?period=90", 90)]
)
def test_the_period_is_a_month_unless_one_asks_for_another(lena: User, query: str, days: int) -> None:
    assert len(signed_in(lena).get(f"{TEAM}{query}").context["page"].flow.days) == days


def test_it_only_shows(lena: User) -> None:
    assert signed_in(lena).post(TEAM).status_code == 405


def test_every_plot_has_a_name_and_a_table_of_the_same_numbers(mona: User, alice: User) -> None:
    a_run(), claimed_by(alice), done_by(alice), a_run(a_definition("loan"), user_group="it")
    page = signed_in(mona).get(TEAM).content.decode()
    assert page.count('<svg class="plot-drawn" role="img"') == page.count("<figure") == page.count("<desc ") == 5
    for key in ("groups", "definitions", "ages", "people", "days"):
        assert f'aria-labelledby="{key}-title {key}-said"' in page
        assert f'<title id="{key}-title">' in page
    plots = {plot.key: plot for plot in signed_in(mona).get(TEAM).context["page"].plots}
    assert [(line.name, line.numbers) for line in plots["groups"].table] == [
        (FINANCE, ["1", "1", "2"]),
        ("it", ["1", "0", "1"]),
    ]
    assert [bar.label for bar in plots["groups"].drawn.bars] == ["1 + 1 = 2", "1 + 0 = 1"]
    assert [line.name for line in plots["definitions"].table] == ["It request", "Loan"]
    assert plots["days"].table[0].numbers == ["4", "1"]
    assert " style=" not in page.split("<main")[1]


def test_no_language_writes_a_decimal_comma_into_a_plot(mona: User) -> None:
    a_run(), a_run(), a_run(user_group="it")
    client = signed_in(mona, headers={"accept-language": "de"})
    with translation.override("de"):
        page = client.get(TEAM).content.decode()
    assert 'width="50.00%"' in page
    assert not [number for number in page.split('"') if number.endswith("%") and "," in number]


def test_stuck_work_can_be_chosen_for_moving(lena: User, alice: User) -> None:
    late, gone = overdue(), a_run(user_id="zoe")
    a_run(user_id="alice")
    response = signed_in(lena).get(f"{TEAM}?period=7")
    assert stuck_in(response) == {Snag.OWNER_GONE: [gone.id], Snag.OVERDUE: [late.id]}
    page = response.content.decode()
    assert f'name="run" value="{late.id.hex}">' in page
    assert 'name="back" value="/inbox/team/?period=7"' in page
    assert f'href="/inbox/tasks/{gone.id.hex}/?back=%2Finbox%2Fteam%2F%3Fperiod%3D7"' in page
    assert page.count('name="action" value="assign"') == page.count('name="action" value="cancel"') == 2


def test_what_was_chosen_is_what_would_be_moved_and_the_way_leads_back(lena: User, alice: User) -> None:
    late, other = overdue(), overdue()
    form = {"run": late.id.hex, "action": "cancel", "back": f"{TEAM}?period=7"}
    response = signed_in(lena).post("/inbox/many/", form)
    assert response.status_code == 200
    assert late.id.hex in response.content.decode()
    assert other.id.hex not in response.content.decode()
    assert f'href="{TEAM}?period=7"' in response.content.decode()


def test_all_of_a_list_can_be_ticked_without_a_script(lena: User, alice: User) -> None:
    late = [overdue() for _ in range(3)]
    a_run(user_id="zoe")
    client = signed_in(lena)
    assert "checked>" not in client.get(TEAM).content.decode()
    assert f"{TEAM}?tick=overdue#overdue" in client.get(TEAM).content.decode()
    ticked = client.get(f"{TEAM}?tick=overdue").content.decode()
    assert ticked.count(" checked>") == len(late)
    assert 'name="back" value="/inbox/team/"' in ticked


def test_who_may_only_look_has_nothing_to_choose(alice: User) -> None:
    viewer = a_user("vera", permissions=["view_usertaskrun"])
    overdue()
    page = signed_in(viewer).get(TEAM).content.decode()
    assert "Overdue by 2" in page.replace("\xa0", " ")
    assert 'name="run"' not in page
    assert 'name="action"' not in page


def test_who_may_only_cancel_can_only_cancel(alice: User) -> None:
    canceller = a_user("carl", permissions=["view_usertaskrun", "cancel_usertaskrun"])
    late = overdue()
    page = signed_in(canceller).get(TEAM).content.decode()
    assert f'value="{late.id.hex}"' in page
    assert 'name="action" value="cancel"' in page
    assert 'name="action" value="assign"' not in page


def test_a_team_without_work_is_told_so(lena: User) -> None:
    response = signed_in(lena).get(TEAM)
    assert response.context["page"].is_empty
    assert b"plot-drawn" not in response.content
    assert response.context["page"].stuck_lists == []


def test_names_are_never_markup(mona: User) -> None:
    Group.objects.create(name="<b>group</b>")
    a_run(user_id="<i>person</i>", user_group="<b>group</b>", notes="<script>alert(1)</script>")
    page = signed_in(mona).get(f"{TEAM}?user_group=%3Cb%3Egroup%3C%2Fb%3E").content.decode()
    assert "&lt;b&gt;group" in page
    assert not any(markup in page for markup in ("<b>", "<i>", "<script>alert"))


def test_where_figures_leave_something_out_the_page_says_so(mona: User, monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(), a_run(), a_run(user_group="it")
    client = signed_in(mona)
    assert "newest" not in client.get(TEAM).content.decode()
    for most in ("MOST_TIMED", "MOST_NAMED"):
        monkeypatch.setattr(workload, most, 1)
    page = client.get(TEAM).content.decode()
    assert "the newest 1 tasks of the period" in page
    assert "All others" in page


def test_durations_are_said_in_words() -> None:
    assert in_words(timedelta(seconds=59)) == "under a minute"
    assert in_words(timedelta(days=2, hours=3, minutes=5)).replace("\xa0", " ") == "2 days, 3 hours"
    assert len(team_page.AGES) == len(workload.AGES) + 1


def test_the_number_of_queries_does_not_grow_with_the_work(mona: User, alice: User) -> None:
    client = signed_in(mona)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(TEAM)
        return len(captured)

    overdue(user_group=FINANCE)
    few = queries()
    for number in range(30):
        overdue(user_group=f"group-{number}")
        claimed_by(alice)
    assert queries() == few


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_it_reads_on_a_phone_in_both_themes(browser: Browser, live_server: Any, mona: User, alice: User) -> None:
    wordy = a_definition("a-definition-with-a-name-that-is-far-too-long-for-any-phone-there-is", [])
    for number in range(14):
        overdue(user_group=f"the-group-of-everybody-who-works-on-floor-{number}")
    overdue(definition=wordy, user_group=FINANCE), claimed_by(alice), done_by(alice)
    session = signed_in(mona).cookies["sessionid"].value
    looks: list[tuple[Literal["light", "dark"], int]] = [("light", 360), ("dark", 1280)]
    said: list[str] = []
    for scheme, width in looks:
        size: ViewportSize = {"width": width, "height": 800}
        with browser.new_context(base_url=live_server.url, color_scheme=scheme, viewport=size) as context:
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
            page = context.new_page()
            page.on("console", lambda message: said.append(message.text))
            page.goto(f"{TEAM}?tick=overdue")
            page.get_by_text("As a table").first.click()
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert min(page.eval_on_selector_all(".plot-drawn text", SIZES)) >= 11
            page.get_by_role("link", name="It request").first.click()
            page.get_by_text("Move this task").wait_for()
    assert said == []  # nothing that the policy for content forbids
