"""The boxes: what lies in each, how many, in which order, and how one looks through them."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.cast import a_definition, a_run, claimed_by, done_by
from tests.inbox.pages import rows_of, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import GroupLead, SavedFilter, UserTaskRun

ASKED_FOR_A_LIST = 5
"""Queries: session, user, preferences, rights, saved filters, groups, the other counts, definitions, rows."""


def test_the_root_leads_to_my_tasks(alice: User) -> None:
    assert signed_in(alice).get("/", follow=True).redirect_chain == [("/inbox/", 302)]


def test_my_tasks_are_those_assigned_to_me(alice: User, bob: User) -> None:
    mine, given = claimed_by(alice), a_run(user_id="alice", user_group=None)
    claimed_by(bob), a_run(), done_by(alice)
    assert set(rows_of(signed_in(alice).get("/inbox/"))) == {mine.id, given.id}


def test_my_groups_hold_what_waits_there(alice: User, charlie: User) -> None:
    waiting = a_run()
    a_run(user_group="it"), claimed_by(alice)
    assert rows_of(signed_in(alice).get("/inbox/groups/")) == [waiting.id]


def test_my_groups_are_mine_even_for_who_may_see_everything(mona: User) -> None:
    a_run()
    assert rows_of(signed_in(mona).get("/inbox/groups/")) == []


def test_done_is_what_i_completed(alice: User, bob: User) -> None:
    mine = done_by(alice)
    done_by(bob), claimed_by(alice)
    assert rows_of(signed_in(alice).get("/inbox/done/")) == [mine.id]


def test_all_is_what_i_may_see_and_no_more(alice: User, mona: User) -> None:
    ours, theirs = a_run(), a_run(user_group="it")
    assert rows_of(signed_in(alice).get("/inbox/all/")) == [ours.id]
    assert set(rows_of(signed_in(mona).get("/inbox/all/"))) == {ours.id, theirs.id}


def test_the_counts_equal_the_lists(alice: User) -> None:
    claimed_by(alice), claimed_by(alice), a_run(), done_by(alice), a_run(user_group="it")
    client = signed_in(alice)
    counts = {tab.box.name: tab.count for tab in client.get("/inbox/").context["tabs"] if tab.count is not None}
    assert counts == {"mine": 2, "groups": 1, "overdue": 0, "snoozed": 0, "done": 1, "all": 4}
    assert counts == {name: len(rows_of(client.get(reverse(f"inbox:{name}")))) for name in counts}


def test_the_newest_comes_first_and_pages_neither_lose_nor_repeat(alice: User) -> None:
    runs = [a_run(user_id="alice").id for _ in range(60)]
    client, seen, url = signed_in(alice), [], "/inbox/"
    for length in (25, 25, 10):
        response = client.get(url)
        seen += rows_of(response)
        assert len(rows_of(response)) == length
        url = "/inbox/" + response.context.get("later", "")
    assert seen == list(UserTaskRun.objects.newest_first().values_list("id", flat=True))
    assert set(seen) == set(runs)
    back = client.get("/inbox/" + response.context["earlier"])
    assert rows_of(back) == seen[25:50]
    assert rows_of(client.get("/inbox/" + back.context["earlier"])) == seen[:25]


def test_going_newer_than_the_top_shows_a_full_page(alice: User) -> None:
    for _ in range(30):
        a_run(user_id="alice")
    client = signed_in(alice)
    second = client.get("/inbox/" + client.get("/inbox/").context["later"])
    a_run(user_id="alice")
    first = client.get("/inbox/" + second.context["earlier"])
    newest = client.get("/inbox/" + first.context["earlier"]) if "earlier" in first.context else first
    assert len(rows_of(newest)) == 25


@pytest.mark.parametrize(
    "cursor", ["nonsense", "2026-01-01_", "_", "2026-01-01T00:00:00_" + "0" * 32, "%00", "x" * 5000]
)
def test_a_cursor_that_cannot_be_read_shows_the_top(alice: User, cursor: str) -> None:
    run = claimed_by(alice)
    for parameter in ("after", "before"):
        assert rows_of(signed_in(alice).get(f"/inbox/?{parameter}={cursor}")) == [run.id]


def asked(captured: CaptureQueriesContext) -> list[str]:
    """What was asked of the database for a page; how far the feed is, is remembered for a second."""
    statements = [query["sql"] for query in captured]
    return [sql for sql in statements if not sql.startswith(("PRAGMA", "SELECT set_config")) and "feedhead" not in sql]


@pytest.mark.parametrize("path", ["/inbox/", "/inbox/groups/", "/inbox/done/", "/inbox/all/"])
def test_a_list_takes_as_many_queries_for_a_page_as_for_a_row(alice: User, path: str) -> None:
    client = signed_in(alice)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(path).status_code == 200
        return len(asked(captured))

    a_run(), a_run(user_id="alice"), done_by(alice)
    few = queries()
    for _ in range(24):
        a_run(), a_run(user_id="alice"), done_by(alice)
    assert queries() == few == ASKED_FOR_A_LIST


@pytest.mark.parametrize("number", [1, 20])
def test_the_boxes_take_as_many_queries_for_twenty_groups_and_filters_as_for_one(alice: User, number: int) -> None:
    alice.groups.set(Group.objects.create(name=f"group {n:02}") for n in range(number))
    SavedFilter.objects.bulk_create(
        SavedFilter(user_id="alice", name=f"{n}", box="all", query=f"text=word{n}") for n in range(number)
    )
    client = signed_in(alice)
    with CaptureQueriesContext(connection) as captured:
        response = client.get("/inbox/done/")
    assert len([tab for tab in response.context["tabs"] if tab.within == "group"]) == (number if number > 1 else 0)
    assert len(asked(captured)) == ASKED_FOR_A_LIST + (2 if number else 0), "the filters, and what they find"


def test_each_of_my_groups_has_its_count_and_its_list(alice: User) -> None:
    alice.groups.add(*(Group.objects.get_or_create(name=name)[0] for name in ("Rücklage & co", "it", "lead")))
    one, other = a_run(user_group="Rücklage & co"), a_run(user_group="it")
    client = signed_in(alice)
    tabs = {tab.title: tab for tab in client.get("/inbox/").context["tabs"] if tab.within == "group"}
    counts = {name: tab.count for name, tab in tabs.items()}
    assert counts == {"finance": 0, "it": 1, "Rücklage & co": 1}, "lead is a role, and nothing waits for it"
    assert list(counts) == ["finance", "it", "Rücklage & co"]
    for name, run in (("Rücklage & co", one), ("it", other)):
        page = client.get(tabs[name].url)
        assert rows_of(page) == [run.id]
        assert page.context["current"] == tabs[name]
        assert page.context["total"] == 1


def test_a_role_in_which_work_waits_is_a_group_like_any_other(alice: User) -> None:
    alice.groups.add(Group.objects.get_or_create(name="lead")[0])
    run = a_run(user_group="lead")
    page = signed_in(alice).get("/inbox/groups/")
    assert rows_of(page) == [run.id]
    assert [(tab.title, tab.count) for tab in page.context["tabs"] if tab.within == "group"] == [
        ("finance", 0),
        ("lead", 1),
    ]


def test_the_team_is_for_leads_and_for_who_sees_everything(alice: User, mona: User) -> None:
    def has_team(user: User) -> bool:
        return any(tab.within == "team" for tab in signed_in(user).get("/inbox/").context["tabs"])

    assert (has_team(alice), has_team(mona)) == (False, True)
    GroupLead.objects.create(user_id="alice", user_group="finance")
    alice.user_permissions.add(Permission.objects.get(codename="lead_usertaskrun"))
    assert has_team(User.objects.get(username="alice"))


def test_a_list_is_sorted_as_asked_and_its_pages_too(alice: User) -> None:
    now = timezone.now()
    dues = [None, *(now + timedelta(hours=hours) for hours in range(-5, 24))]
    for number, due_at in enumerate(dues):
        a_run(due_at=due_at, priority=number * 3, notes="x" * number)
    client = signed_in(alice)

    def listed(sort: str) -> list[Any]:
        seen: list[Any] = []
        url: Any = f"/inbox/groups/?text=it&sort={sort}"
        while url:
            page = client.get(url)
            seen += [row.run for row in page.context["found"].rows]
            url = page.context.get("later") and "/inbox/groups/" + page.context["later"]
        return seen

    assert [run.due_at for run in listed("due")] == [*dues[1:], None]
    assert [run.priority for run in listed("priority")] == [number * 3 for number in reversed(range(30))]
    assert [len(run.notes) for run in listed("oldest")] == list(range(30))
    assert [len(run.notes) for run in listed("newest")] == list(reversed(range(30)))


@pytest.mark.parametrize(
    ("sort", "names"),
    [("newest", ("Newer", "Older")), ("oldest", ("Older", "Newer")), ("due", ("Previous page", "Next page"))],
)
def test_the_links_between_pages_say_what_lies_there(alice: User, sort: str, names: tuple[str, str]) -> None:
    for _ in range(52):
        a_run()
    client = signed_in(alice)
    second = client.get("/inbox/groups/" + client.get(f"/inbox/groups/?sort={sort}").context["later"])
    paging = second.content.decode().split('class="paging"')[1]
    assert paging.index(names[0]) < paging.index(names[1])


def test_a_box_is_as_usual_until_one_asks_for_another_order(alice: User) -> None:
    client = signed_in(alice)
    usual = client.get("/inbox/overdue/")
    assert (usual.context["order"], usual.context["search"].form["sort"].value()) == ("due", "due")
    assert "Due first (as usual)" in usual.content.decode()
    assert client.get("/inbox/overdue/?sort=due").context["query"] == ""
    assert client.get("/inbox/overdue/?sort=oldest").context["query"] == "sort=oldest"
    assert client.get("/inbox/overdue/?sort=upwards").context["search"].form.errors.keys() == {"sort"}


def test_words_are_found_in_notes_definition_and_answers(alice: User) -> None:
    noted, defined = a_run(notes="Two knights to Naboo"), a_run(a_definition("naboo-trip"))
    answered, other = claimed_by(alice), a_run(notes="Kamino")
    operations.save_progress(answered.id, {"requestedItem": "a map of Naboo"}, by=actor_for(alice))
    page = signed_in(alice).get("/inbox/all/?text=naboo")
    assert set(rows_of(page)) == {noted.id, defined.id, answered.id}
    assert page.context["total"] == 3
    assert {tab.name: tab.count for tab in page.context["tabs"]}["all"] == 4
    assert other.id not in rows_of(page)


def test_each_filter_that_is_on_is_said_and_can_be_taken_away(alice: User) -> None:
    query = "status=DONE&status=CANCELLED&text=a+b&overdue=false&earliest_start=2026-01-02T10:00&sort=due"
    page = signed_in(alice).get(f"/inbox/all/?{query}")
    chips = {f"{chip.label}: {chip.value}": chip.without for chip in page.context["search"].chips}
    assert list(chips) == [
        "Status: Done",
        "Status: Cancelled",
        "Search: a b",
        "Due: Not overdue",
        "Created from: 2 Jan 2026, 10:00",
    ]
    assert parse_qsl(chips["Status: Done"]) == [pair for pair in parse_qsl(query) if pair != ("status", "DONE")]
    assert page.context["search"].form.number_inside == 3
    assert page.context["search"].form["status"].value() == ["DONE", "CANCELLED"]


def test_the_address_of_a_list_names_what_counts_and_leads_back_there(alice: User) -> None:
    run = a_run()
    client = signed_in(alice)
    sent = "/inbox/groups/?text=it&sort=newest&user_id=&user_group=finance&status="
    page = client.get(sent, headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert page.headers["HX-Push-Url"] == page.context["here"] == "/inbox/groups/?text=it&user_group=finance"
    assert parse_qsl(page.context["back"]) == [("back", page.context["here"])]
    assert page.context["back"] in unescape(page.content.decode())
    assert client.get(task_url(run, back=page.context["here"])).context["back"] == page.context["here"]


def test_filters_narrow_a_list_and_stay_in_the_address(alice: User) -> None:
    wanted = a_run(a_definition("approve-invoice"))
    a_run()
    for _ in range(26):
        a_run(a_definition("approve-invoice"))
    client = signed_in(alice)
    response = client.get("/inbox/groups/?user_task_def_name=approve-invoice&user_group=&overdue=")
    assert response.status_code == 200
    assert "user_task_def_name=approve-invoice" in response.context["later"]
    older = client.get("/inbox/groups/" + response.context["later"])
    assert wanted.id in rows_of(older)
    assert len(rows_of(response)) + len(rows_of(older)) == 27
    assert response.context["search"].form["user_task_def_name"].value() == "approve-invoice"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("earliest_start=yesterday", "earliest_start"),
        ("latest_start=0001-01-01T00:00:00%2B14:00", "latest_start"),
        ("overdue=perhaps", "overdue"),
        ("user_group=%00", "user_group"),
        ("user_group=a&user_group=b", "user_group"),
        ("colour=red", "__all__"),
        ("status=DONE", "__all__"),
    ],
)
def test_a_malformed_filter_is_said_beside_its_field(alice: User, query: str, field: str) -> None:
    a_run()
    response = signed_in(alice).get(f"/inbox/groups/?{query}")
    assert response.status_code == 400
    assert list(response.context["search"].form.errors) == [field]
    assert rows_of(response) == []


def test_overdue_is_said_in_words(alice: User) -> None:
    a_run(due_at=timezone.now() - timedelta(days=2))
    assert "Overdue by 2" in signed_in(alice).get("/inbox/groups/").content.decode().replace("\xa0", " ")


def test_an_empty_box_says_what_to_do_next(alice: User, charlie: User) -> None:
    client = signed_in(alice)
    assert 'href="/inbox/groups/"' in client.get("/inbox/").content.decode().split("<main")[1]
    assert "finance" in client.get("/inbox/groups/").content.decode()


def test_names_and_notes_are_never_markup(alice: User) -> None:
    a_run(user_group="finance", notes="<script>alert(1)</script>", wf_run_id="<b>")
    assert "<script>alert" not in signed_in(alice).get("/inbox/groups/").content.decode()


def test_a_row_leads_to_its_task_and_the_task_back_to_the_filtered_list(alice: User) -> None:
    run = a_run()
    client = signed_in(alice)
    page = client.get("/inbox/groups/?user_group=finance").content.decode()
    assert f"/inbox/tasks/{run.id.hex}/?back=" in page
    url = task_url(run, back="/inbox/groups/?user_group=finance")
    assert client.get(url).context["back"] == "/inbox/groups/?user_group=finance"


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/inbox/", "/inbox/\\\\evil.example", "javascript:alert(1)"]
)
def test_the_way_back_never_leads_elsewhere(alice: User, back: str) -> None:
    response = signed_in(alice).get(task_url(claimed_by(alice), back=back))
    assert response.context["back"].startswith("/inbox/")
    assert "evil.example" not in response.context["back"] or response.context["back"].startswith("/inbox/\\")


def test_a_run_that_was_released_leaves_my_tasks(alice: User) -> None:
    run = claimed_by(alice)
    operations.release(run.id, by=actor_for(alice))
    client: Any = signed_in(alice)
    assert rows_of(client.get("/inbox/")) == []
    assert isinstance(client, Client)
