"""Whoever follows the feed meets every event once, in whatever order transactions begin, commit and are undone."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Condition, Event

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.cast import CREATING, FINANCE, a_definition, a_run
from tests.races.crowd import at_once
from usertasks import feed, operations
from usertasks.actors import Actor
from usertasks.models import FeedHead, UserTaskEvent, UserTaskRun
from usertasks.operations import RunRequest

pytestmark = pytest.mark.django_db(transaction=True)

MANAGING = frozenset({"view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim"})
MONA = Actor("mona", groups=frozenset({FINANCE}), permissions=MANAGING | frozenset(CREATING))
MEMBER = Actor("alice", groups=frozenset({FINANCE}))
SECONDS = 30
"""After which a test that hangs fails."""


class Undone(Exception):
    """A transaction that is rolled back."""


class Commotion:
    """Writers, and how many of their transactions have ended: so that one can outlast others that began later."""

    def __init__(self, writers: int) -> None:
        self._changed = Condition()
        self._ended = 0
        self._writers = writers

    @property
    def is_over(self) -> bool:
        return self._writers == 0

    def outlast(self, others: int) -> None:
        """Hold the own transaction until so many others have ended, if they do soon."""
        with self._changed:
            target = self._ended + others
            self._changed.wait_for(lambda: self._ended >= target, timeout=0.05)

    def end_one(self) -> None:
        with self._changed:
            self._ended += 1
            self._changed.notify_all()

    def leave(self) -> None:
        with self._changed:
            self._writers -= 1


def writer(commotion: Commotion, shared: list[UserTaskRun], seed: int, rounds: int) -> Callable[[], None]:
    """Comments on runs that all share, reassigns them, and creates others; holds its transactions open, undoes some."""
    luck = random.Random(seed)

    def write() -> None:
        run = luck.choice(shared)
        match luck.randrange(3):
            case 0:
                operations.add_comment(run.id, "Hello", by=MONA)
            case 1:
                operations.assign(
                    run.id, by=MONA, user_id=f"user-{luck.random()}", user_group=FINANCE, override_claim=True
                )
            case _:
                made = operations.create(RunRequest("it-request", user_group=FINANCE), by=MONA).run
                assert made is not None
                operations.claim(made.id, by=MONA)
                operations.add_comment(made.id, "Mine", by=MONA)

    def call() -> None:
        try:
            for _ in range(rounds):
                with suppress(Undone), transaction.atomic():
                    write()
                    if luck.random() < 0.5:
                        commotion.outlast(luck.randrange(1, 4))
                    if luck.random() < 0.2:
                        raise Undone
                commotion.end_one()
        finally:
            commotion.leave()

    return call


def publisher(commotion: Commotion, seed: int) -> Callable[[], None]:
    """Publishes again and again; now and then it dies in the midst of it."""
    luck = random.Random(seed)

    def call() -> None:
        while not commotion.is_over:
            with suppress(Undone), transaction.atomic():
                feed.publish(timezone.now())
                if luck.random() < 0.3:
                    raise Undone

    return call


def following(limit: int, by: Actor, after: int = 0) -> Iterator[list[UserTaskEvent]]:
    """The pages of the feed; an empty one where there is nothing yet."""
    while True:
        page = feed.read(after, limit=limit, by=by, now=timezone.now())
        yield list(page.events)
        after = page.next_after


def reader(commotion: Commotion, limit: int, by: Actor) -> Callable[[], list[UserTaskEvent]]:
    """Follows the feed until nobody writes any more and everything is read."""

    def call() -> list[UserTaskEvent]:
        met: list[UserTaskEvent] = []
        pages = following(limit, by)
        while True:
            is_last = commotion.is_over  # before it looks: what is written in between is still to be met
            page = next(pages)
            if is_last and not page:
                return met
            met += page

    return call


def test_a_reader_meets_what_is_in_the_table_without_gap_or_repetition_and_in_order() -> None:
    writers, rounds = (8, 20) if connection.vendor == "postgresql" else (3, 8)
    commotion = Commotion(writers)
    definition = a_definition()
    shared = [a_run(definition) for _ in range(5)]
    readers = [reader(commotion, 3, MONA), reader(commotion, 7, MEMBER)]
    publishers = [publisher(commotion, seed) for seed in (101, 102)]
    answers = at_once([writer(commotion, shared, n, rounds) for n in range(writers)] + publishers + readers)
    table = set(UserTaskEvent.objects.values_list("id", flat=True))
    for met in answers[-2:]:
        assert len(met) == len(table)
        assert {event.pk for event in met} == table
        assert [event.position for event in met] == list(range(1, len(table) + 1))
        assert_order_within_runs(met)
    assert FeedHead.objects.get().position == len(table)
    if connection.vendor == "postgresql":
        ids = [event.pk for event in answers[-1]]
        assert any(later < earlier for earlier, later in itertools.pairwise(ids)), "nobody overtook anybody"


def assert_order_within_runs(met: list[UserTaskEvent]) -> None:
    by_run = sorted(met, key=lambda event: (event.run_id, event.position))
    for _, events in itertools.groupby(by_run, key=lambda event: event.run_id):
        numbers = [event.number for event in events]
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.postgresql
def test_who_writes_first_and_commits_last_is_met_last() -> None:
    """By the order of their ids, the first event would have been skipped."""
    slow_run, quick_run = a_run(), a_run()
    has_written, may_commit = Event(), Event()
    pages = following(10, MONA)
    next(pages)

    def slow() -> None:
        with transaction.atomic():
            operations.add_comment(slow_run.id, "slow", by=MONA)
            has_written.set()
            assert may_commit.wait(SECONDS)

    def quick() -> None:
        assert has_written.wait(SECONDS)
        operations.add_comment(quick_run.id, "quick", by=MONA)
        met.extend(next(pages))
        may_commit.set()

    met: list[UserTaskEvent] = []
    at_once([slow, quick])
    met.extend(next(pages))
    assert [event.data["comment"] for event in met] == ["quick", "slow"]
    assert met[0].pk > met[1].pk


@pytest.mark.postgresql
def test_a_reader_does_not_wait_long_for_somebody_who_publishes() -> None:
    """It reads what has its place, and the rest the next time."""
    a_run()
    pages = following(10, MONA)
    assert len(next(pages)) == 1
    is_locked, has_read = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            FeedHead.objects.select_for_update().get()
            is_locked.set()
            assert has_read.wait(SECONDS)

    def read() -> tuple[float, int]:
        assert is_locked.wait(SECONDS)
        a_run()
        began = time.monotonic()
        found = len(next(pages))
        has_read.set()
        return time.monotonic() - began, found

    _, (seconds, found) = at_once([hold, read])
    assert found == 0
    assert seconds < 5
    assert len(next(pages)) == 1


def test_the_feed_goes_on_where_it_was_when_its_head_is_lost() -> None:
    a_run()
    feed.publish(timezone.now())
    FeedHead.objects.all().delete()
    a_run()
    at_once([lambda: feed.publish(timezone.now())] * 4)
    assert [event.position for event in UserTaskEvent.objects.order_by("position")] == [1, 2]
