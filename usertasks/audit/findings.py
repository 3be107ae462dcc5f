"""What a verification finds, and what it says of it all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

MISSING = "it is missing"
CHANGED = "it is not as it was written"
UNREADABLE = "it cannot be read: somebody has put there what was never written"
MOST_MATCHED = 10_000
"""So many missing rows are told one by one; of more than that, nobody needs to know each place."""


@dataclass(frozen=True)
class Finding:
    """A row that is not as it was written, or is gone.

    An event is named by its run and `number`, or by its `position` in the feed where nothing tells of which run it was;
    a refusal by its `refusal`, its position among the refusals. `until` is the last number or position of several that
    are missing in a row. `after` and `before` are the positions of the feed between which a missing event had its own.
    `row` is a row of a table, of which nothing else can be told.
    """

    what: str
    run_id: UUID | None = None
    number: int | None = None
    position: int | None = None
    refusal: int | None = None
    until: int | None = None
    after: int | None = None
    before: int | None = None
    row: str = ""

    def __str__(self) -> str:
        until = f" (and so on until {self.until})" if self.until else ""
        return f"{self.name}: {self.what}{until}"

    @property
    def name(self) -> str:
        """Of which row it tells."""
        if self.row:
            return f"run {self.run_id.hex}, {self.row}" if self.run_id else self.row
        if self.run_id and self.number:
            return f"run {self.run_id.hex}, event {self.number}"
        if self.run_id:
            return f"run {self.run_id.hex}"
        if self.refusal:
            return f"refusal {self.refusal}"
        return f"position {self.position} of the feed" if self.position else "the heads of the chains"

    @property
    def age(self) -> tuple[bool, float]:
        """The oldest first, as far as the feed tells; refusals last, which have an order of their own."""
        if self.refusal:
            return (True, self.refusal)
        if self.position is not None:
            return (False, self.position)
        return (False, self.after + 0.5 if self.after is not None else float("inf"))


@dataclass(frozen=True)
class Report:
    """What was read, and what was found in it, the oldest first. `anchor` says where the chains end."""

    events: int
    runs: int
    refusals: int
    findings: Sequence[Finding] = ()
    anchor: str = ""
    is_key_unknown: bool = field(default=False)
    """Whether not one of the links could be verified."""

    @property
    def is_intact(self) -> bool:
        return not self.findings


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each row, the oldest first: a gap in the numbers of a run and one in the positions of the feed
    are the same event where one lies within the other."""
    gaps: list[Finding] = []
    others: dict[str, Finding] = {}
    for finding in findings:
        if finding.what == MISSING and finding.run_id is None and finding.refusal is None:
            gaps.append(finding)
        else:
            others.setdefault(finding.name, finding)
    positions = _positions(gaps)
    if positions is None:
        return sorted([*others.values(), *gaps], key=lambda finding: finding.age)
    placed = [_placed(finding, positions) for finding in sorted(others.values(), key=lambda finding: finding.age)]
    left = [Finding(MISSING, position=position) for position in positions]
    return sorted([*placed, *left], key=lambda finding: finding.age)


def _positions(gaps: Iterable[Finding]) -> list[int] | None:
    """The positions that are missing, in order; None where there are too many."""
    positions: list[int] = []
    for gap in gaps:
        assert gap.position is not None
        last = gap.until or gap.position
        if len(positions) + last - gap.position >= MOST_MATCHED:
            return None
        positions.extend(range(gap.position, last + 1))
    return sorted(positions)


def _placed(finding: Finding, positions: list[int]) -> Finding:
    """A missing event with the position that it had; what is known of it is taken from `positions`."""
    if finding.what != MISSING or finding.number is None or finding.after is None:
        return finding
    first = bisect_right(positions, finding.after)
    count = (finding.until or finding.number) - finding.number + 1
    fitting = [position for position in positions[first : first + count] if position < (finding.before or float("inf"))]
    if not fitting:
        return finding
    del positions[first : first + len(fitting)]
    return replace(finding, position=fitting[0])
