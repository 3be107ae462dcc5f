"""What the figures are held to: every goal, what was found of it, and whether it is met."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PERCENT, TIMES = "%", "times"
YES, NOT_ALL, NO, UNKNOWN = "yes", "yes, but for the worst", "no", "not measured"


@dataclass(frozen=True)
class Goal:
    """A bound for a ratio of two figures of one run.

    `checked` is the bound of `--check`, for what that measures on small tables, where SQL takes next to nothing: a
    good part beyond what there is. None: not checked.
    """

    title: str
    bound: float
    is_least: bool = False
    """Whether the ratio must be as large as the bound, and not as small."""
    needs_all: bool = False
    """Whether the worst of what was measured is held to it; else the median."""
    unit: str = TIMES
    checked: float | None = None

    def holds(self, ratio: float, bound: float) -> bool:
        return ratio >= bound if self.is_least else ratio <= bound

    def told(self, ratio: float) -> str:
        return f"{ratio:.0%}" if self.unit == PERCENT else f"{ratio:.2f}"

    @property
    def asked(self) -> str:
        return (
            f"at {'least' if self.is_least else 'most'} {f'{self.bound:.0%}' if self.unit == PERCENT else self.bound}"
        )


GOALS: Mapping[str, Goal] = {
    "inbox at scale": Goal("an inbox page, p95, against the small database", 1.3, checked=1.6),
    "search at scale": Goal("an API search, p95, against the small database", 1.3, checked=1.6),
    "deep page": Goal("a page deep down by cursor, p95, against page 1", 1.1, checked=1.5),
    "search": Goal("an API search of 50, against its floor in SQL plus JSON", 2.5, checked=4.0),
    "operations alone": Goal(
        "operations a second, one client, against the floor",
        0.4,
        is_least=True,
        needs_all=True,
        unit=PERCENT,
        checked=0.28,
    ),
    "operations": Goal(
        "operations a second, several clients, against the floor",
        0.4,
        is_least=True,
        needs_all=True,
        unit=PERCENT,
    ),
    "pages beside": Goal("inbox and queue, against Viewflow", 5, is_least=True, needs_all=True),
    "actions beside": Goal("claim and complete, against Viewflow", 3, is_least=True, needs_all=True),
    "counts": Goal("exact counts of all boxes, against the rest of a list page", 1, needs_all=True, checked=1.2),
    "memory": Goal("memory of a web worker, against after 1,000 requests", 1.1, needs_all=True),
    "batch": Goal(
        "runs created a second by the batch, against one by one", 10, is_least=True, needs_all=True, checked=6.0
    ),
}


@dataclass(frozen=True)
class Finding:
    """The ratios that were measured for a goal, each under the name of what it is of."""

    goal: str
    ratios: Mapping[str, float]

    @property
    def median(self) -> float:
        return statistics.median(self.ratios.values())

    @property
    def worst(self) -> str:
        """Whose ratio is farthest from what is wanted."""
        choose = min if GOALS[self.goal].is_least else max
        return choose(self.ratios, key=lambda name: self.ratios[name])

    @property
    def judged(self) -> float:
        """What the goal is held to."""
        return self.ratios[self.worst] if GOALS[self.goal].needs_all else self.median

    @property
    def verdict(self) -> str:
        goal = GOALS[self.goal]
        if not goal.holds(self.judged, goal.bound):
            return NO
        return YES if goal.holds(self.ratios[self.worst], goal.bound) else NOT_ALL


GOAL_COLUMNS = ("goal", "bound", "measured", "the worst", "met")


def goal_rows(findings: Iterable[Finding]) -> Sequence[Sequence[str]]:
    """A row for every goal, whether it was measured or not."""
    found = {finding.goal: finding for finding in findings}
    rows = []
    for name, goal in GOALS.items():
        if (finding := found.get(name)) is None:
            rows.append((goal.title, goal.asked, "", "", UNKNOWN))
            continue
        worst = f"{finding.worst}: {goal.told(finding.ratios[finding.worst])}" if len(finding.ratios) > 1 else ""
        rows.append((goal.title, goal.asked, goal.told(finding.judged), worst, finding.verdict))
    return rows
