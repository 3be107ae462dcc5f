"""SQL that was written before is what would be written now, for everybody and whatever they ask, at whatever moment."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from inbox.boxes import BOXES
from tests.cast import a_run
from tests.plans import World
from usertasks.actors import Actor
from usertasks.filters import Search
from usertasks.known_conditions import KNOWN
from usertasks.models import Snooze, UserTaskRun
from usertasks.models.orders import ORDERS, Position

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

WORLD = World(
    me="alice",
    others=["bob", "charlie", "mona", "dave"],
    groups=["finance", "it", "legal"],
    other_groups=["sales", "hr", "ops", "lab", "law", "tax"],
    definition="it-request",
    moments=("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
    words=["laptop"],
    workflows=["wf-1"],
    frequent={},
)


@pytest.fixture(autouse=True)
def _nothing_is_known() -> Iterator[None]:
    KNOWN.forget()
    yield
    KNOWN.forget()


def search_for(by: Actor, sort: str = "newest", **given: Any) -> Search:
    lists = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    return Search(MultiValueDict({**lists, "sort": [sort]}), by=by)


def sent(search: Search, **place: Position) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        search.page(limit=50, **place)
    return [query["sql"] for query in queries.captured_queries]


def everything(by: Actor) -> Iterator[Search]:
    """Each filter in each order, every two of them, and the boxes."""
    orders = itertools.cycle(ORDERS)
    for filters, sort in itertools.product(WORLD.alone(), ORDERS):
        yield search_for(by, sort, **filters)
    for filters, sort in zip(WORLD.combinations()[:: 1 if len(by.groups) > 2 else 7], orders, strict=False):
        yield search_for(by, sort, **filters)
    for box in BOXES.values():
        if box.is_for(by):
            yield box.search(by, MultiValueDict({"sort": [next(orders)]}))


@pytest.mark.parametrize("who", WORLD.actors())
def test_it_is_what_would_be_written_now(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    by, now = WORLD.actors()[who], timezone.now()
    for search in everything(by):
        monkeypatch.setattr(timezone, "now", lambda: now + timedelta(0))
        sent(search)
        monkeypatch.setattr(timezone, "now", lambda: now + timedelta(days=40, microseconds=7))
        again = sent(search)
        KNOWN.forget()
        assert again == sent(search), search.given
        KNOWN.forget()


def places(search: Search) -> Iterator[Position]:
    """Some in the list, one of them among what is never due, and one after what is open."""
    for number, (priority, due_at, status) in enumerate(
        [(50, NOW, "UNASSIGNED"), (50, NOW + timedelta(days=1), "ASSIGNED"), (70, None, "ASSIGNED"), (50, None, "DONE")]
    ):
        moment = NOW + timedelta(minutes=number)
        run = UserTaskRun(scheduled_time=moment, due_at=due_at, priority=priority, status=status)
        yield search.order.position_of(run)


@pytest.mark.parametrize("who", WORLD.actors())
def test_so_it_is_at_each_place_in_the_list(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(0))
    by, sides = WORLD.actors()[who], itertools.product(ORDERS, ("after", "before"))
    for (sort, side), filters in itertools.product(sides, WORLD.alone()[::3]):
        search = search_for(by, sort, **filters)
        KNOWN.forget()
        found = list(places(search))
        known = [sent(search, **{side: place}) for place in found]
        for place, sql in zip(found, known, strict=True):
            KNOWN.forget()
            assert sql == sent(search, **{side: place}), (search.given, side)


def test_it_is_written_once_for_the_same_search_and_not_for_another() -> None:
    by = Actor("alice", groups=frozenset({"finance"}))
    one = search_for(by, status=["DONE", "CANCELLED"])
    others = [
        search_for(by, status=["DONE"]),
        search_for(by, status=["DONE", "CANCELLED"], user_id="alice"),
        search_for(by, "due", status=["DONE", "CANCELLED"]),
        search_for(replace(by, user_id="bob"), status=["DONE", "CANCELLED"]),
        search_for(replace(by, groups=frozenset({"finance", "it"})), status=["DONE", "CANCELLED"]),
        search_for(replace(by, permissions=frozenset({"view_usertaskrun"})), status=["DONE", "CANCELLED"]),
    ]
    sent(one)
    [first] = KNOWN.keys()
    sent(search_for(by, status=["DONE", "CANCELLED"]))
    assert KNOWN.keys() == [first]
    for number, other in enumerate(others, start=2):
        sent(other)
        assert len(KNOWN.keys()) == number, other.given


def test_who_left_a_group_does_not_see_what_they_saw() -> None:
    run = a_run(user_group="finance")
    by = Actor("alice", groups=frozenset({"finance"}))
    assert [row.id for row in search_for(by).page(limit=5).rows] == [run.id]
    assert search_for(replace(by, groups=frozenset())).page(limit=5).rows == []
    assert [row.id for row in search_for(by).page(limit=5).rows] == [run.id]


def test_what_becomes_overdue_and_what_comes_back_is_found_by_a_search_that_was_made_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    late = a_run(user_group="finance", due_at=now + timedelta(hours=1))
    put_off = a_run(user_group="finance")
    Snooze.objects.create(run=put_off, user_id="alice", until=now + timedelta(hours=2))
    by = Actor("alice", groups=frozenset({"finance"}))
    asked = [search_for(by, overdue="true"), search_for(by, snoozed="false")]
    assert [[row.id for row in search.page(limit=5).rows] for search in asked] == [[], [late.id]]
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=3))
    assert [[row.id for row in search.page(limit=5).rows] for search in asked] == [[late.id], [put_off.id, late.id]]


def test_what_is_long_is_not_kept() -> None:
    search_for(Actor("alice"), wf_run_id="x" * 5000, user_id="y" * 9000).page(limit=5)
    sent(search_for(Actor("alice"), user_id="y" * 9000))
    assert KNOWN.keys() == []


def test_a_page_further_on_is_written_once_and_found_by_its_place() -> None:
    runs = [a_run(user_group="finance") for _ in range(5)]
    search = search_for(Actor("alice", groups=frozenset({"finance"})))
    pages, place = [], None
    for _ in runs:
        [row] = search.page(limit=1, after=place).rows
        place = search.order.position_of(row)
        pages.append(row.id)
    assert pages == [run.id for run in reversed(runs)]
    assert len(KNOWN.keys()) == 2
    [before] = search.page(limit=1, before=place).rows
    assert before.id == runs[1].id


def test_a_longer_page_is_as_long_as_it_was_asked_for() -> None:
    runs = {a_run(user_group=group).id for group in ("finance", "it", "finance", "it", "finance")}
    by = Actor("alice", groups=frozenset({"finance", "it"}))
    assert len(search_for(by).page(limit=1).rows) == 1
    assert {row.id for row in search_for(by).page(limit=50).rows} == runs


def test_what_one_has_put_off_another_who_sees_everything_still_finds() -> None:
    run = a_run(user_group="finance")
    Snooze.objects.create(run=run, user_id="alice", until=timezone.now() + timedelta(hours=2))
    alice, bob = (Actor(name, permissions=frozenset({"view_usertaskrun"})) for name in ("alice", "bob"))
    assert [row.id for row in search_for(alice, snoozed="false").page(limit=5).rows] == []
    assert [row.id for row in search_for(bob, snoozed="false").page(limit=5).rows] == [run.id]
