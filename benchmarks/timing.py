"""How time is taken: both sides of a ratio in turns, so that the noise of the machine hits them alike."""

from __future__ import annotations

import statistics
import subprocess
import sys
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


def percentile(times: Times, part: float) -> float:
    """The time that this part of all does not exceed, 0.5 or 0.95."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def p50(times: Times) -> float:
    return percentile(times, 0.5)


def p95(times: Times) -> float:
    return percentile(times, 0.95)


def judged(times: Times, pairs: Sequence[object], part: float) -> float:
    """What is held to a goal of the times that these pairs took in turns: this part of them, or for 0 the least of each
    pair, which is what a machine that is busy with something else hardly changes."""
    return percentile(times, part) if part else statistics.mean(min(times[n :: len(pairs)]) for n in range(len(pairs)))


SPIN = """
from time import perf_counter, process_time
begin, used = perf_counter(), process_time()
while perf_counter() < begin + 0.5: pass
print((process_time() - used) / (perf_counter() - begin))
"""


def free_share() -> float:
    """Which part of two cores two processes get, a caller's and a server's: 1.0 where nothing else is to be done, a
    fifth where four others want each of them."""
    processes = [
        subprocess.Popen([sys.executable, "-I", "-c", SPIN], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    return statistics.mean(float(process.communicate()[0]) for process in processes)


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
