"""Filters that people keep: saved from a list, counted beside the boxes, shared with a group, deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.cast import a_definition, a_run, a_user, claimed_by
from tests.inbox.pages import rows_of, signed_in
from usertasks.actors import actor_for
from usertasks.errors import AlreadyExists, InvalidArgument, NotFound
from usertasks.models import SavedFilter
from usertasks.saved_filters import MOST, forget_filter, save_filter, saved_for


def keep(client: Client, name: str = "Invoices", **more: str) -> Any:
    """Send the form that stands on a filtered list."""
    given = {"name": name, "user_group": "", "box": "groups", "query": "user_task_def_name=approve-invoice", **more}
    return client.post("/inbox/filters/", {f"saved-{name}": value for name, value in given.items()})


def saved_tabs(response: Any) -> dict[str, int | None]:
    return {str(tab.title): tab.count for tab in response.context["tabs"] if tab.saved}


def test_a_filtered_list_offers_to_be_saved_and_a_plain_one_does_not(alice: User) -> None:
    client = signed_in(alice)
    assert client.get("/inbox/groups/").context["save"] is None
    assert client.get("/inbox/groups/?overdue=perhaps").context["save"] is None
    form = client.get("/inbox/groups/?text=invoice&sort=due").context["save"]
    assert form.initial == {"box": "groups", "query": "text=invoice&sort=due"}
    assert client.get("/inbox/groups/?sort=newest").context["save"] is None, "that is its order anyhow"


def test_a_saved_filter_stands_beside_the_boxes_with_the_count_of_its_list(alice: User) -> None:
    wanted = a_run(a_definition("approve-invoice"))
    a_run()
    client = signed_in(alice)
    response = keep(client)
    assert (response.status_code, response.url) == (302, "/inbox/groups/?user_task_def_name=approve-invoice")
    opened = client.get(response.url)
    assert rows_of(opened) == [wanted.id]
    assert saved_tabs(opened) == {"Invoices": 1}
    assert opened.context["current"].title == "Invoices"
    assert opened.context["save"] is None, "it is kept already"


def test_what_is_saved_names_no_blank_filter_no_page_and_no_usual_order(alice: User) -> None:
    keep(signed_in(alice), query="text=a+b&user_id=&after=2026_x&sort=newest&status=")
    assert SavedFilter.objects.get().query == "text=a+b"


def test_a_filter_that_is_shared_is_seen_by_the_group_and_by_nobody_else(alice: User, bob: User, charlie: User) -> None:
    keep(signed_in(alice), "Ours", user_group="finance")
    keep(signed_in(alice), "Mine")
    a_run(a_definition("approve-invoice"))
    assert saved_tabs(signed_in(bob).get("/inbox/")) == {"Ours": 1}
    assert saved_tabs(signed_in(charlie).get("/inbox/")) == {}
    page = signed_in(bob).get("/inbox/filters/").content.decode()
    assert "Shared by alice with finance" in page
    assert "Delete" not in page


def test_a_lead_shares_with_a_group_that_they_are_not_in(alice: User, db: None) -> None:
    lead = actor_for(a_user("lena"))
    lead = type(lead)(lead.user_id, leads=frozenset({"finance"}))
    save_filter("Late", box="all", query="overdue=true", user_group="finance", by=lead)
    assert saved_tabs(signed_in(alice).get("/inbox/")) == {"Late": 0}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "\u200b\u202e\u00ad"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "\0"}, "name"),
        ({"name": "Taken"}, "name"),
        ({"user_group": "it"}, "user_group"),
        ({"box": "nowhere"}, "__all__"),
        ({"query": "colour=red"}, "__all__"),
        ({"query": "status=DONE"}, "__all__"),
        ({"query": "overdue=perhaps"}, "__all__"),
        ({"query": "sort=newest"}, "__all__"),
        ({"query": "&".join(f"x{n}=1" for n in range(5000))}, "__all__"),
        ({"query": "wf_run_id=" + "x" * 2000}, "__all__"),
    ],
)
def test_a_filter_that_cannot_be_kept_says_why_and_loses_nothing_typed(
    alice: User, given: dict[str, str], field: str
) -> None:
    client = signed_in(alice)
    keep(client, "Taken")
    response = keep(client, **{"name": "Kept text", **given})
    assert response.status_code == 400
    assert field in response.context["form"].errors
    assert SavedFilter.objects.count() == 1
    if "name" not in given:
        assert 'value="Kept text"' in response.content.decode()


@pytest.mark.parametrize(
    "form",
    [{}, {"saved-name": "x"}, {"saved-name": ["a", "b"], "saved-query": "a=\ud800".encode("utf-8", "surrogatepass")}],
)
def test_a_form_that_nobody_was_shown_is_refused(alice: User, form: dict[str, Any]) -> None:
    assert signed_in(alice).post("/inbox/filters/", form).status_code == 400
    assert not SavedFilter.objects.exists()


def test_one_deletes_ones_own_and_no_other(alice: User, bob: User) -> None:
    keep(signed_in(alice), user_group="finance")
    kept = SavedFilter.objects.get()
    assert signed_in(bob).post(f"/inbox/filters/{kept.pk}/forget/").status_code == 404
    looked: Any = signed_in(alice).get(f"/inbox/filters/{kept.pk}/forget/")
    assert looked.url == "/inbox/filters/"
    assert SavedFilter.objects.exists(), "looking deletes nothing"
    assert signed_in(alice).post(f"/inbox/filters/{kept.pk}/forget/").status_code == 302
    assert not SavedFilter.objects.exists()


def test_a_filter_that_can_no_longer_be_asked_for_has_no_count_and_says_why(alice: User) -> None:
    SavedFilter.objects.create(user_id="alice", name="Old", box="groups", query="colour=red")
    SavedFilter.objects.create(user_id="alice", name="Odd", box="groups", query="status=DONE")
    SavedFilter.objects.create(user_id="alice", name="Gone", box="a-box-of-before", query="text=a")
    client = signed_in(alice)
    assert saved_tabs(client.get("/inbox/")) == {"Odd": None, "Old": None}
    assert client.get("/inbox/filters/").status_code == 200
    opened = client.get("/inbox/groups/?colour=red")
    assert opened.status_code == 400
    assert "colour" in opened.content.decode()


def test_a_filter_of_a_group_that_one_has_left_finds_nothing_and_counts_so(alice: User) -> None:
    a_run()
    client = signed_in(alice)
    keep(client, query="user_group=finance")
    assert saved_tabs(client.get("/inbox/")) == {"Invoices": 1}
    alice.groups.remove(Group.objects.get(name="finance"))
    response = client.get("/inbox/groups/?user_group=finance")
    assert response.status_code == 200
    assert (rows_of(response), saved_tabs(response)) == ([], {"Invoices": 0})


def test_the_page_lists_what_each_looks_for(alice: User) -> None:
    claimed_by(alice)
    client = signed_in(alice)
    assert "No filter is saved" in client.get("/inbox/filters/").content.decode()
    keep(client, "Requests", box="mine", query="user_task_def_name=it-request&sort=due")
    (line,) = client.get("/inbox/filters/").context["lines"]
    assert [(str(chip.label), chip.value) for chip in line.chips] == [("Definition", "it-request")]
    assert (str(line.order), line.tab.count, line.is_mine) == ("Due first", 1, True)


def test_everybody_keeps_so_many_and_sees_their_own_before_those_of_others(alice: User, bob: User) -> None:
    by, other = actor_for(alice), actor_for(bob)
    rows = [SavedFilter(user_id="alice", name=f"z{n}", box="all", query="text=a") for n in range(MOST)]
    SavedFilter.objects.bulk_create(rows)
    with pytest.raises(InvalidArgument) as refusal:
        save_filter("one more", box="all", query="text=a", user_group=None, by=by)
    assert refusal.value.faults["name"][0].code == "out_of_range"
    save_filter("a", box="all", query="text=a", user_group="finance", by=other)
    assert [kept.name for kept in saved_for(by)][-1] == "a"
    assert len(saved_for(by)) == MOST + 1


def test_a_name_is_given_once_by_each_person(alice: User, bob: User) -> None:
    save_filter("Late", box="all", query="overdue=true", user_group=None, by=actor_for(bob))
    save_filter(" Late ", box="all", query="overdue=true", user_group=None, by=actor_for(alice))
    with pytest.raises(AlreadyExists):
        save_filter("Late", box="mine", query="text=a", user_group=None, by=actor_for(alice))
    with pytest.raises(NotFound):
        forget_filter(SavedFilter.objects.get(user_id="bob").pk, by=actor_for(alice))


def test_as_many_filters_as_one_can_have_are_all_counted_on_every_page(alice: User, bob: User) -> None:
    late = a_run(due_at=timezone.now() - timedelta(hours=1))
    words = " ".join(map(chr, range(ord("A"), ord("A") + 100)))
    queries = {"late": "overdue=true&sort=due", "wordy": urlencode({"text": words})}
    kept = [
        SavedFilter(user_id=name, user_group="finance", name=f"{kind} {number}", box="all", query=query)
        for name, kind, query in (("alice", "late", queries["late"]), ("bob", "wordy", queries["wordy"]))
        for number in range(MOST)
    ] + [
        SavedFilter(user_id="bob", user_group="finance", name=f"late {number}", box="all", query=queries["late"])
        for number in range(MOST)
    ]
    SavedFilter.objects.bulk_create(kept)
    client = signed_in(alice)
    with CaptureQueriesContext(connection) as captured:
        page = client.get("/inbox/all/")
    assert len(captured) < 16, "as many as for one filter, and two for what no single statement counts"
    assert rows_of(page) == [late.id]
    counts = saved_tabs(page)
    assert len([tab for tab in page.context["tabs"] if tab.saved]) == 2 * MOST
    assert set(counts.values()) == {1}, "the shared ones come after one's own, and by name"
    SavedFilter.objects.filter(name__startswith="late", user_id="bob").delete()
    counts = saved_tabs(client.get("/inbox/all/"))
    assert {count for name, count in counts.items() if name.startswith("wordy")} == {0}
    assert len(counts) == 2 * MOST
