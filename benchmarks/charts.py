"""A picture of the goals for whoever would rather look than read: how far each ratio is from its bound."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from pathlib import Path

from .goals import GOALS, NO, Finding

WIDTH, LINE, TOP, NAMES = 860, 34, 56, 420
REACH = 4
"""The ends of the scale: so many times better or worse than the bound."""
STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2933 } .small { font-size: 12px } .axis { stroke: #52606d }
.met { fill: #1d6fb8 } .missed { fill: #b4500f } .ground { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb } .axis { stroke: #9aa5b1 } .ground { fill: #14181d }
  .met { fill: #6cb2f0 } .missed { fill: #f0a35e }
}
"""


def draw(findings: Iterable[Finding], folder: Path) -> None:
    """`goals.svg`, in the colours of whoever looks, light or dark."""
    order = list(GOALS)
    found = sorted(findings, key=lambda finding: order.index(finding.goal))
    (folder / "goals.svg").write_text(picture(found))


def picture(findings: list[Finding]) -> str:
    """A bar for each goal, from its bound to the left where it is met and to the right where it is missed."""
    height = TOP + LINE * len(findings) + 12
    middle = NAMES + (WIDTH - NAMES) / 2
    marks = [
        f'<text class="small" x="{middle - 8}" y="34" text-anchor="end">better than its goal</text>',
        f'<text class="small" x="{middle + 8}" y="34">worse</text>',
        *(line for place, finding in enumerate(findings) for line in _bar(finding, TOP + LINE * place, middle)),
        f'<line class="axis" x1="{middle}" x2="{middle}" y1="42" y2="{height - 8}"/>',
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
            ' aria-labelledby="title">',
            '<title id="title">Every goal, and how far what was measured is from it</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}" rx="8"/>',
            *marks,
            "</svg>\n",
        ]
    )


def _bar(finding: Finding, y: float, middle: float) -> list[str]:
    """How many times as good as asked for, on a scale on which twice as good is as long as twice as bad."""
    goal = GOALS[finding.goal]
    good = finding.judged / goal.bound if goal.is_least else goal.bound / finding.judged
    length = (WIDTH - NAMES) / 2 * 0.72 * min(1.0, abs(math.log(good)) / math.log(REACH))
    is_met = finding.verdict != NO
    x = middle - length if is_met else middle
    told = f"{goal.told(finding.judged)} ({goal.asked})"
    beside = f'x="{middle + 8}"' if is_met else f'x="{middle - 8}" text-anchor="end"'
    return [
        f'<text x="16" y="{y + 17}">{escape(goal.title)}</text>',
        f'<rect class="{"met" if is_met else "missed"}" x="{x:.1f}" y="{y + 4}" width="{max(length, 2):.1f}"'
        ' height="18" rx="3"/>',
        f'<text class="small" {beside} y="{y + 17}">{escape(told)}</text>',
    ]
