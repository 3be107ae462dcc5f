"""Buckets: as many at once as they hold, then as many as drip into them; for each key, and not for ever more keys."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from usertasks.errors import Throttled
from usertasks.limits import Buckets, Known, Pace, count_failure, forget_everything, require_few_failures

PACE = Pace(per_second=2, burst=5)


class Clock:
    moment = 0.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def buckets(clock: Clock) -> Buckets:
    return Buckets(clock=clock)


def let_in(buckets: Buckets, key: str, tries: int) -> int:
    return sum(buckets.take(key, PACE) == 0 for _ in range(tries))


def test_a_burst_is_let_in_and_then_a_steady_stream(buckets: Buckets, clock: Clock) -> None:
    assert let_in(buckets, "alice", 20) == 5
    clock.moment = 1
    assert let_in(buckets, "alice", 20) == 2
    clock.moment = 1000
    assert let_in(buckets, "alice", 20) == 5


def test_who_is_refused_learns_when_to_come_again(buckets: Buckets, clock: Clock) -> None:
    let_in(buckets, "alice", 5)
    assert buckets.take("alice", PACE) == pytest.approx(0.5)
    clock.moment = 0.4
    assert buckets.take("alice", PACE) == pytest.approx(0.1)
    clock.moment = 0.5
    assert buckets.take("alice", PACE) == 0


def test_everybody_has_a_bucket_of_their_own(buckets: Buckets) -> None:
    assert let_in(buckets, "alice", 20) == 5
    assert let_in(buckets, "bob", 20) == 5


def test_looking_takes_nothing(buckets: Buckets) -> None:
    assert all(buckets.look("alice", PACE) == 0 for _ in range(20))
    assert len(buckets) == 0
    let_in(buckets, "alice", 5)
    assert buckets.look("alice", PACE) == pytest.approx(0.5)


def test_whoever_was_away_the_longest_is_forgotten(clock: Clock) -> None:
    buckets = Buckets(most=3, clock=clock)
    for name in ("alice", "bob", "charlie"):
        let_in(buckets, name, 5)
    clock.moment = 0.5
    assert let_in(buckets, "alice", 1) == 1
    assert let_in(buckets, "mona", 5) == 5
    assert len(buckets) == 3
    assert let_in(buckets, "alice", 5) == 0
    assert let_in(buckets, "bob", 5) == 5


def test_threads_together_get_no_more_than_one(clock: Clock) -> None:
    buckets, everybody_is_here = Buckets(clock=clock), threading.Barrier(8)

    def take(_: int) -> int:
        everybody_is_here.wait()
        return sum(buckets.take("alice", Pace(1, 1000)) == 0 for _ in range(500))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(8))) == 1000


def test_tokens_that_were_valid_are_remembered_by_their_digests_and_not_for_ever() -> None:
    known = Known(most=2)
    for token in ("first", "second", "first", "third"):
        known.add(token)
    assert ["first" in known, "second" in known, "third" in known] == [True, False, True]
    assert "first" not in str(vars(known))


@pytest.mark.parametrize(
    ("address", "neighbour", "counts_as_one"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        (None, None, True),
    ],
)
def test_failures_count_for_an_address_or_the_network_of_ipv6(
    settings: Any, address: str | None, neighbour: str | None, counts_as_one: bool
) -> None:
    forget_everything()
    settings.API_FAILED_RATE = 1
    count_failure(address)
    is_let_in = False
    with suppress(Throttled):
        require_few_failures(neighbour, "token")
        is_let_in = True
    assert is_let_in != counts_as_one
    forget_everything()
