"""How time is taken: both sides of a ratio in turns, so that the noise of the machine hits them alike."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

type Act = Callable[[], object]
type Times = list[float]


def milliseconds(act: Act) -> float:
    start = perf_counter()
    act()
    return (perf_counter() - start) * 1000


def in_turns(pairs: Sequence[tuple[Act, Act]], count: int) -> tuple[Times, Times]:
    """Milliseconds of the left and of the right acts, `count` of each, going through `pairs` again and again.

    Who goes first changes with every pass: the second finds the pages of the database warmer.
    """
    left, right = [], []
    for number in range(count):
        one, other = pairs[number % len(pairs)]
        if number // len(pairs) % 2:
            right.append(milliseconds(other))
            left.append(milliseconds(one))
        else:
            left.append(milliseconds(one))
            right.append(milliseconds(other))
    return left, right


def p50(times: Times) -> float:
    return statistics.median(times)


def percentile(times: Times, part: float) -> float:
    """The time that this part of all does not exceed, 0.5 or 0.95."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def p95(times: Times) -> float:
    return percentile(times, 0.95)


def per_second[W, T](workers: Sequence[W], tasks: Sequence[T], act: Callable[[W, T], Any]) -> float:
    """How many tasks a second the workers get done, each in a thread of its own, each with its share."""
    ready = threading.Barrier(len(workers) + 1)

    def work(number: int) -> None:
        ready.wait()
        for task in tasks[number :: len(workers)]:
            act(workers[number], task)

    with ThreadPoolExecutor(len(workers)) as pool:
        shares = [pool.submit(work, number) for number in range(len(workers))]
        ready.wait()
        start = perf_counter()
        for share in shares:
            share.result()
        return len(tasks) / (perf_counter() - start)
