"""The forecast: what will happen to all runs by themselves until some time, in order. Nothing is written.

Runs are read in chunks, in the order in which something happens to them first. What is known to happen later than that
waits in memory until it is its turn; the runs whose timers are over are forgotten.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import count

from django.db.models import Exists, OuterRef, Q

from .hooks import Foreseen, foresee
from .models import ArmedHook, UserTaskRun

RUNS_AT_ONCE = 500
"""Runs that are read with two queries."""


def forecast(*, now: datetime, until: datetime) -> Iterator[Foreseen]:
    """What will be settled until then if nobody does anything, the earliest first; see `hooks.foresee`."""
    numbers = count()
    waiting: list[tuple[datetime, int, Foreseen]] = []
    for runs, next_at in _chunks(until):
        for run in runs:
            armed = sorted(run.armed_hooks.all(), key=lambda hook: hook.pk)
            for foreseen in foresee(run, armed, now=now, until=until):
                heapq.heappush(waiting, (foreseen.at, next(numbers), foreseen))
        while waiting and waiting[0][0] <= next_at:
            yield heapq.heappop(waiting)[-1]
    while waiting:
        yield heapq.heappop(waiting)[-1]


def _chunks(until: datetime) -> Iterator[tuple[list[UserTaskRun], datetime]]:
    """Some runs with all their hooks, and the moment before which nothing happens to those still to come."""
    earlier = ArmedHook.objects.armed().filter(
        Q(next_attempt_at__lt=OuterRef("next_attempt_at"))
        | Q(next_attempt_at=OuterRef("next_attempt_at"), id__lt=OuterRef("id")),
        run=OuterRef("run"),
    )
    firsts = ArmedHook.objects.due(until).filter(~Exists(earlier))
    firsts = firsts.select_related("run").defer("run__results", "run__notes").prefetch_related("run__armed_hooks")
    chunk = list(firsts[:RUNS_AT_ONCE])
    while chunk:
        last = chunk[-1]
        yield [first.run for first in chunk], last.next_attempt_at
        later = Q(next_attempt_at__gt=last.next_attempt_at) | Q(next_attempt_at=last.next_attempt_at, id__gt=last.pk)
        chunk = list(firsts.filter(later)[:RUNS_AT_ONCE]) if len(chunk) == RUNS_AT_ONCE else []
