"""The count of a list, its length and what the API lists are one number, whoever looks and whatever there is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from inbox import boxes
from inbox.boxes import BOXES, Tab
from inbox.counts import counts_for
from tests.cast import a_definition, a_run
from tests.domain.strategies import looking_at
from tests.domain.test_search import taken_back
from tests.inbox.pages import rows_of, signed_in
from usertasks.actors import Actor
from usertasks.models import GroupLead, SavedFilter, Snooze, Status, Substitution, UserTaskDef, UserTaskRun

ME = "alice"
PEOPLE, GROUPS, NAMES = (ME, "bob", "carol"), ("finance", "it", "Rücklage & co"), ("leave", "trip")
WORDS = ("lightsaber", "Naboo", "50%", "it's")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
AGES, FAR = (0, 0, 1, 2, 3), timedelta(days=4000)
DUE = (None, -FAR, timedelta(seconds=-1), timedelta(hours=1), FAR)
"""Some of it is due today."""

type Queries = Sequence[Mapping[str, str]]
API_OF: Mapping[str, Callable[[User], Queries]] = {
    "mine": lambda me: [{"status": "ASSIGNED", "user_id": ME, "snoozed": "false"}],
    "groups": lambda me: [
        {"status": "UNASSIGNED", "user_group": group.name, "snoozed": "false"} for group in me.groups.all()
    ],
    "overdue": lambda me: [{"overdue": "true", "snoozed": "false"}],
    "snoozed": lambda me: [{"snoozed": "true"}],
    "standing-in": lambda me: [
        {"status": "ASSIGNED", "user_id": absent.user_id, "snoozed": "false"}
        for absent in Substitution.objects.filter(substitute_id=ME)
    ],
    "done": lambda me: [{"status": "DONE", "user_id": ME}],
    "all": lambda me: [{}],
}
"""Which queries of the API list, together, what lies in a box: no filter of the API says "one of mine"."""

some = st.sampled_from
runs = st.lists(
    st.fixed_dictionaries(
        {
            "status": some(Status.values),
            "user_id": some(PEOPLE),
            "user_group": some([None, *GROUPS]),
            "user_task_def_name": some(NAMES),
            "age": some(AGES),
            "due": some(DUE),
            "priority": some([10, 50, 90]),
            "notes": some(["", *WORDS, "Naboo 50%"]),
            "answer": some([None, *WORDS]),
            "excluded_user_ids": some([[], [ME]]),
            "snoozed": some([None, None, -1, 1]),
        }
    ),
    min_size=10,
    max_size=14,
)
people = st.fixed_dictionaries(
    {
        "groups": some([(), GROUPS[:1], GROUPS[1:], GROUPS]),
        "leads": some([(), GROUPS[:1], GROUPS[1:]]),
        "stands_in_for": some([(), PEOPLE[1:2], PEOPLE[1:]]),
        "permissions": some([(), ("lead_usertaskrun",), ("view_usertaskrun",)]),
    }
)
FILTERS: Mapping[str, Sequence[str]] = {
    "status": Status.values,
    "user_task_def_name": NAMES,
    "user_id": PEOPLE,
    "user_group": GROUPS,
    "overdue": ("true", "false"),
    "snoozed": ("true", "false"),
    "text": (*WORDS, "nab", "naboo 50%", "' | %"),
    "earliest_start": ("2026-11-21T11:00:00Z",),
    "sort": ("newest", "oldest", "due", "priority"),
}


@st.composite
def looks(draw: Any) -> tuple[str, str]:
    """A box, and filters that it has."""
    name = draw(some(list(BOXES)))
    offered = sorted(set(FILTERS) - set(BOXES[name].criteria(Actor(ME))))
    chosen = draw(st.lists(some(offered), min_size=1, max_size=3, unique=True))
    return name, urlencode([(filter_name, draw(some(FILTERS[filter_name]))) for filter_name in chosen])


def write_run(facts: dict[str, Any], number: int, definition: UserTaskDef, now: datetime) -> UserTaskRun:
    is_unassigned = facts["status"] == Status.UNASSIGNED
    return UserTaskRun(
        id=uuid.UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128),
        definition=definition,
        user_task_def_version=0,
        wf_run_id="wf",
        user_id=None if is_unassigned else facts["user_id"],
        user_group=(facts["user_group"] or "it") if is_unassigned else facts["user_group"],
        scheduled_time=NOON - timedelta(hours=facts["age"]),
        due_at=facts["due"] and now + facts["due"],
        completed_at=NOON if facts["status"] == Status.DONE else None,
        results={"answer": facts["answer"]} if facts["answer"] else {},
        **{name: facts[name] for name in ("status", "user_task_def_name", "priority", "notes", "excluded_user_ids")},
    )


def write_world(world: dict[str, Any], me: User, now: datetime) -> None:
    definition, person = a_definition(), world["me"]
    made = UserTaskRun.objects.bulk_create(
        write_run(facts, n, definition, now) for n, facts in enumerate(world["runs"], 1)
    )
    put_off = [(run, facts["snoozed"]) for run, facts in zip(made, world["runs"], strict=True) if facts["snoozed"]]
    Snooze.objects.bulk_create(Snooze(run=run, user_id=ME, until=now + days * FAR) for run, days in put_off)
    Snooze.objects.bulk_create(Snooze(run=run, user_id="bob", until=now + FAR) for run in made[:3])
    me.groups.set(Group.objects.get_or_create(name=name)[0] for name in person["groups"])
    me.user_permissions.set(Permission.objects.filter(codename__in=person["permissions"]))
    GroupLead.objects.bulk_create(GroupLead(user_id=ME, user_group=group) for group in person["leads"])
    Substitution.objects.bulk_create(
        Substitution(user_id=absent, substitute_id=ME, starts_at=now - FAR, ends_at=now + FAR, named_by=absent)
        for absent in person["stands_in_for"]
    )
    (my_box, my_query), (box, query) = world["mine"], world["shared_by_bob"]
    SavedFilter.objects.create(user_id=ME, name="mine", box=my_box, query=my_query)
    SavedFilter.objects.create(user_id="bob", user_group=GROUPS[0], name="shared", box=box, query=query)


def pages_of(client: Client, tab: Tab) -> Iterator[Any]:
    """Every page of a list, as the links lead from one to the next."""
    url: str | None = tab.url
    while url:
        page = client.get(url)
        assert page.status_code == 200
        yield page
        url = page.context.get("later") and tab.url.partition("?")[0] + page.context["later"]


def listed_by_the_api(client: Client, tab: Tab, me: User) -> list[list[str]]:
    """The ids that each of the queries of `API_OF` lists, the filters of the tab added, over all pages."""
    assert tab.box
    given = dict(parse_qsl(tab.query))
    together = []
    for query in API_OF[tab.box.name](me):
        if any(given.get(name, value) != value for name, value in query.items()):
            continue  # of another group, or another person
        url: str | None = "/api/v1/user-task-runs/?" + urlencode(
            {"sort": tab.box.order.name, "limit": "7", **query, **given}
        )
        ids: list[str] = []
        while url:
            page = client.get(url).json()
            ids += [row["id"] for row in page["results"]]
            url = page["next"]
        together.append(ids)
    return together


worlds = st.fixed_dictionaries(
    {"runs": runs, "me": people, "mine": looks(), "shared_by_bob": looks(), "not_saved": looks()}
)


@pytest.mark.django_db
@settings(looking_at(12), phases=(Phase.generate,))  # to look for a smaller failure would take minutes
@given(world=worlds)
def test_count_and_length_and_api_are_one_number(
    world: dict[str, Any], alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "PAGE_SIZE", 8)
    with taken_back():
        write_world(world, alice, timezone.now())
        client = signed_in(alice)
        tabs = [tab for tab in client.get("/inbox/").context["tabs"] if tab.box]
        for tab in [*tabs, not_saved(client, *world["not_saved"])]:
            hold(client, tab, alice)


def not_saved(client: Client, name: str, query: str) -> Tab:
    """A list that nothing in the navigation leads to: how long it is, its heading says."""
    url = BOXES[name].address(query)
    return Tab("", url, BOXES[name], client.get(url).context["total"], query=query)


def hold(client: Client, tab: Tab, me: User) -> None:
    """Fail unless a list is as long as its place in the navigation and its heading say, and what the API lists."""
    pages = list(pages_of(client, tab))
    rows = [run_id.hex for page in pages for run_id in rows_of(page)]
    by_the_api = listed_by_the_api(client, tab, me)
    assert {page.context["total"] for page in pages} == {len(rows)} == {len(set(rows))}
    assert tab.count == len(rows)
    assert sorted(rows) == sorted({run_id for ids in by_the_api for run_id in ids})
    assert len(by_the_api) != 1 or rows == by_the_api[0], "one query is in the same order"


MIDNIGHT, MOMENT = datetime(2026, 11, 21, tzinfo=UTC), timedelta(microseconds=1)


@pytest.mark.parametrize("permissions", [(), ("view_usertaskrun",)], ids=["a member", "who sees everything"])
def test_what_is_due_is_overdue_in_the_next_moment_whatever_the_hour(
    permissions: tuple[str, ...], alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = Actor(ME, groups=frozenset({GROUPS[0]}), permissions=frozenset(permissions))
    moments = [MIDNIGHT - 2 * MOMENT, MIDNIGHT, NOON, MIDNIGHT + timedelta(days=1)]
    for due in moments:
        a_run(user_group=GROUPS[0], due_at=due)
    for number, due in enumerate(moments):
        for now, expected in ((due - MOMENT, number), (due, number), (due + MOMENT, number + 1)):
            monkeypatch.setattr(timezone, "now", lambda now=now: now)
            assert counts_for(by, now).boxes["overdue"] == expected
            assert BOXES["overdue"].search(by).count() == expected
