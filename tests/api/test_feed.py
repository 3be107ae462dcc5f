"""The change feed over HTTP: every event that the caller may see, in one order. No test waits: the clock moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.api.conftest import Caller, MovingClock
from tests.cast import a_definition, a_run, a_user, claimed_by, done_by
from usertasks import feed, operations
from usertasks.actors import actor_for
from usertasks.api import feed_shapes
from usertasks.api.waiting import LONGEST_PAUSE
from usertasks.models import FeedHead, UserTaskEvent
from usertasks.models.feed import ONLY

As = Callable[[User], Caller]
BIGGEST = 2**63 - 1


def read(caller: Caller, query: str = "") -> Any:
    answer = caller.get(f"events/{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def pages(caller: Caller, limit: int) -> Iterator[list[dict[str, Any]]]:
    """Every page until the first empty one."""
    after = 0
    while (page := read(caller, f"?after={after}&limit={limit}"))["results"]:
        yield page["results"]
        after = page["next_after"]


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def test_an_event_is_in_the_feed_as_soon_as_it_is_committed_without_a_worker(as_: As, alice: User) -> None:
    run = done_by(alice, wf_run_id="flow-1")
    page = read(as_(alice))
    assert types(page["results"]) == ["created", "assigned", "completed"]
    completed = page["results"][-1]
    event = run.events.get(type="completed")
    assert completed.pop("time").endswith("Z")
    assert completed == {
        "position": page["next_after"],
        "run_id": run.id.hex,
        "wf_run_id": "flow-1",
        "number": 3,
        "type": "completed",
        "actor": "alice",
        "data": event.data,
    }


def test_events_have_the_keys_that_are_described(as_: As, alice: User) -> None:
    a_run()
    page = read(as_(alice))
    assert list(page) == list(feed_shapes.FeedPage().fields)
    assert list(page["results"][0]) == list(feed_shapes.FeedEvent().fields)


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_following_the_positions_meets_every_event_once_and_in_order(
    as_: As, mona: User, alice: User, limit: int
) -> None:
    for _ in range(3):
        done_by(alice)
    met = [event for page in pages(as_(mona), limit) for event in page]
    positions = [event["position"] for event in met]
    assert positions == sorted(set(positions))
    assert len(met) == UserTaskEvent.objects.count() == 9
    for run_id in {event["run_id"] for event in met}:
        assert [event["number"] for event in met if event["run_id"] == run_id] == [1, 2, 3]


def test_an_empty_feed_stays_at_the_beginning(as_: As, alice: User) -> None:
    answer = as_(alice).get("events/")
    assert answer.json() == {"results": [], "next_after": 0}
    assert answer["Retry-After"] == "1"


def test_at_the_end_the_position_stays_where_it_is(as_: As, mona: User) -> None:
    a_run()
    end = read(as_(mona))["next_after"]
    assert read(as_(mona), f"?after={end}") == {"results": [], "next_after": end}
    a_run()
    assert types(read(as_(mona), f"?after={end}")["results"]) == ["created"]


@pytest.mark.parametrize("after", [10_000, BIGGEST])
def test_beyond_the_end_there_is_nothing_and_the_position_is_kept(as_: As, mona: User, after: int) -> None:
    a_run()
    assert read(as_(mona), f"?after={after}") == {"results": [], "next_after": after}


def test_the_events_of_runs_that_one_may_not_see_are_left_out(
    as_: As, alice: User, bob: User, charlie: User, mona: User
) -> None:
    shared, of_alice = a_run(), a_run(user_id="alice", user_group=None)
    of_it = a_run(user_group="it")
    seen = {
        user.username: {event["run_id"] for event in read(as_(user))["results"]}
        for user in (alice, bob, charlie, mona, a_user("stranger"))
    }
    everything = {shared.id.hex, of_alice.id.hex, of_it.id.hex}
    assert seen == {
        "alice": {shared.id.hex, of_alice.id.hex},
        "bob": {shared.id.hex},
        "charlie": {of_it.id.hex},
        "mona": everything,
        "stranger": set(),
    }


def test_who_sees_nothing_of_it_passes_by(as_: As, alice: User, charlie: User) -> None:
    done_by(alice)
    assert read(as_(charlie)) == {"results": [], "next_after": FeedHead.objects.get(pk=ONLY).position}


def test_a_page_is_gathered_from_far_apart(
    as_: As, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SCANNED", 2)
    wanted = []
    for _ in range(3):
        done_by(alice)
        wanted.append(a_run(user_group="it").id.hex)
    assert [event["run_id"] for event in read(as_(charlie))["results"]] == wanted


def test_who_sees_little_is_led_on_when_there_is_too_much_to_look_at(
    as_: As, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty page is then not the end: `next_after` has moved, and a reader simply follows it."""
    monkeypatch.setattr(feed, "SCANNED", 2)
    monkeypatch.setattr(feed, "SCANS", 2)
    done_by(alice)
    done_by(alice)
    wanted = a_run(user_group="it")
    first = read(as_(charlie))
    assert (first["results"], first["next_after"]) == ([], 4)
    second = read(as_(charlie), f"?after={first['next_after']}")
    assert [event["run_id"] for event in second["results"]] == [wanted.id.hex]


def test_a_backlog_is_published_page_by_page(as_: As, mona: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BATCH", 2)
    monkeypatch.setattr(feed, "BATCHES_OF_A_READER", 2)
    definition = a_definition()
    for _ in range(11):
        a_run(definition)
    assert [len(page) for page in pages(as_(mona), 1000)] == [4, 4, 3]


FAULTY = {
    "after": ["-1", "x", "1.0", str(BIGGEST + 1), "+1", " 1", "1" * 5000, "\u0661"],
    "limit": ["0", "1001", "-5", "ten", "1" * 5000],
    "wait": ["-1", "31", "soon"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in FAULTY.items() for text in texts])
def test_a_malformed_parameter_is_refused(as_: As, alice: User, name: str, text: str) -> None:
    answer = as_(alice).client.get("/api/v1/events/", {name: text}, headers=as_(alice).headers)
    assert (answer.status_code, answer.json()["code"], list(answer.json()["errors"])) == (
        400,
        "invalid_argument",
        [name],
    )


@pytest.mark.parametrize("query", ["?since=1", "?after=1&after=2", "?limit=", "?type=created"])
def test_unknown_and_repeated_parameters_are_refused(as_: As, alice: User, query: str) -> None:
    assert as_(alice).get(f"events/{query}").json()["code"] == "invalid_argument"


def test_nobody_reads_without_an_account(nobody: Caller) -> None:
    assert nobody.get("events/").json()["code"] == "not_signed_in"


def test_whoever_waits_is_told_what_happens_next(as_: As, alice: User, mona: User, clock: MovingClock) -> None:
    run = a_run()
    end = read(as_(mona))["next_after"]
    clock.at(4, lambda: operations.claim(run.id, by=actor_for(alice)))
    page = read(as_(mona), f"?after={end}&wait=30")
    assert types(page["results"]) == ["assigned"]
    assert 4 <= clock.moment <= 4 + LONGEST_PAUSE


def test_what_one_may_not_see_does_not_end_the_waiting(as_: As, alice: User, charlie: User, clock: MovingClock) -> None:
    clock.at(2, lambda: done_by(alice))
    clock.at(6, lambda: a_run(user_group="it"))
    page = read(as_(charlie), "?wait=30")
    assert (types(page["results"]), page["next_after"]) == (["created"], 4)
    assert clock.moment >= 6


def test_when_the_time_is_over_the_page_is_empty_and_leads_past_what_was_not_visible(
    as_: As, alice: User, charlie: User, clock: MovingClock
) -> None:
    clock.at(1, lambda: done_by(alice))
    assert read(as_(charlie), "?wait=3") == {"results": [], "next_after": 3}
    assert clock.moment == pytest.approx(3)


def test_rights_that_are_given_or_taken_while_one_waits_count(
    as_: As, charlie: User, alice: User, clock: MovingClock
) -> None:
    clock.at(1, alice.groups.clear)
    clock.at(2, lambda: (a_run(), a_run(user_group="it")))
    clock.at(9, lambda: a_run(user_id="alice", user_group=None))
    page = read(as_(alice), "?wait=30")
    assert [event["data"]["user_id"] for event in page["results"]] == ["alice"]


def test_who_finds_no_place_to_wait_gets_what_there_is(
    as_: As, mona: User, clock: MovingClock, settings: Settings
) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "MAX_WAITERS": 0}
    answer = as_(mona).get("events/?wait=30")
    assert (answer.json(), answer["Retry-After"]) == ({"results": [], "next_after": 0}, "1")
    assert clock.pauses == []


@pytest.mark.parametrize("runs", [1, 30])
def test_a_page_costs_the_same_number_of_queries_however_long_it_is(
    as_: As, mona: User, alice: User, django_assert_num_queries: Any, runs: int
) -> None:
    for _ in range(runs):
        claimed_by(alice)
    caller = as_(mona)
    read(caller)
    with django_assert_num_queries(4):  # the token, whether there is news, the head, the events
        read(caller)
    end = read(caller)["next_after"]
    with django_assert_num_queries(3):  # at the end, no events are asked for
        read(caller, f"?after={end}")
