"""`--check`: whether ratios and query plans are what they should be. No time is held to anything."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping
from time import perf_counter

from .goals import GOALS
from .plans import complaints
from .report import Table
from .stage import Stage, tell

PARTS = ("search", "paging", "scale", "counts", "operations", "creation")
"""What is measured, the cheap parts first."""
ROUNDS = 3
"""A ratio that is out of bounds is measured so often at most, and the median counts: a machine may hiccup once."""


def check(stage: Stage, measurements: Mapping[str, Callable[[Stage], Table]]) -> int:
    """0 where all is well; what is not goes to stdout."""
    start = perf_counter()
    tell("query plans")
    found = complaints(stage)
    for part in PARTS:
        tell(f"check: {part}, {perf_counter() - start:.0f} s after the first plan")
        found += out_of_bounds(stage, part, measurements[part])
    print("\n".join(found) or "Ratios and query plans are as they should be.", flush=True)
    return 1 if found else 0


def out_of_bounds(stage: Stage, part: str, measure: Callable[[Stage], Table]) -> list[str]:
    """The goals that a part is too far from, whatever it was measured with."""
    ratios: dict[str, list[float]] = defaultdict(list)
    wrong: list[str] = []
    for _ in range(ROUNDS):
        for finding in measure(stage).findings:
            ratios[finding.goal].append(finding.judged)
        wrong = [name for name, measured in ratios.items() if not _is_in_bounds(name, statistics.median(measured))]
        if not wrong:
            break
    for name, measured in ratios.items():
        tell(f"check: {name}: {', '.join(GOALS[name].told(ratio) for ratio in measured)}")
    return [
        f"{part}: {GOALS[name].title}: {GOALS[name].told(statistics.median(ratios[name]))}, bound {GOALS[name].checked}"
        for name in wrong
    ]


def _is_in_bounds(name: str, ratio: float) -> bool:
    bound = GOALS[name].checked
    return bound is None or GOALS[name].holds(ratio, bound)
