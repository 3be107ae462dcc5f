"""`--check`: whether ratios and query plans are what they should be. No time is held to anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from .goals import GOALS
from .plans import complaints
from .report import Table
from .stage import Stage, tell
from .timing import free_share

PARTS = ("search", "paging", "scale", "counts", "operations", "creation")
"""What is measured, the cheap parts first."""
ROUNDS = 4
"""What is out of bounds is measured so often at most, and the best counts: whatever else the machine does can only make
a ratio worse, and what got worse by itself stays so."""
ENOUGH = 0.6
"""The part of the cores that others have to leave for a ratio out of bounds to be the fault of the program."""


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


def out_of_bounds(
    stage: Stage, part: str, measure: Callable[[Stage], Table], free_share: Callable[[], float] = free_share
) -> list[str]:
    """The goals that a part is too far from, whatever it was measured with. Where others kept the machine too busy to
    tell, that is told, and none is named."""
    shares: list[float] = []
    ratios: dict[str, list[float]] = defaultdict(list)
    wrong: list[str] = []
    for _ in range(ROUNDS):
        for finding in measure(stage).findings:
            ratios[finding.goal].append(finding.judged)
        wrong = [name for name, measured in ratios.items() if not _is_in_bounds(name, measured)]
        if not wrong:
            break
        shares.append(free_share())
    for name, measured in ratios.items():
        tell(f"check: {name}: {', '.join(GOALS[name].told(ratio) for ratio in measured)}")
    if wrong and min(shares) < ENOUGH:
        tell(f"check: {part} is not judged: others left {min(shares):.0%} of the cores")
        return []
    return [
        f"{part}: {GOALS[name].title}: {GOALS[name].told(_best(name, ratios[name]))}, bound {GOALS[name].checked}"
        for name in wrong
    ]


def _best(name: str, measured: Sequence[float]) -> float:
    return max(measured) if GOALS[name].is_least else min(measured)


def _is_in_bounds(name: str, measured: Sequence[float]) -> bool:
    bound = GOALS[name].checked
    return bound is None or GOALS[name].holds(_best(name, measured), bound)
