"""All chains verified: what was read, and what is not as it was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import starmap
from uuid import UUID

from ..models import FeedHead, PurgedEvent, Refusal, UserTaskEvent, UserTaskRun
from ..models.feed import ONLY
from .comments import named
from .findings import CHANGED, Finding, Report, merged
from .histories import followed
from .positions import placed, refused
from .rows import PositionRow, events_of, one_moment, refusals_of, streamed
from .sealing import seal

MOST_KEPT = 100_000
"""So many findings are kept; the others are as many more that nobody would read."""

Tell = Callable[[int], object]
"""Is told of each so many rows that were read."""
TELLING = 500

LOST = "the chain does not go through the anchor any more"
ANCHOR = re.compile(r"([0-9]{1,18}):([0-9a-f]*),([0-9]{1,18}):([0-9a-f]*)")


def verify(now: datetime, *, run_id: UUID | None = None, anchor: str = "", tell: Tell = lambda rows: None) -> Report:
    """Verify everything, or the history of one run; what is committed and has no place yet gets it first.

    `anchor` is that of an earlier report: whether the chains still go through where they ended then. Raises
    `LookupError` for a run that is not there, `ValueError` for an anchor that is none.
    """
    if run_id is not None and not UserTaskRun.objects.filter(pk=run_id).exists():
        raise LookupError(f"There is no run {run_id.hex}.")
    if not _lacks_head():
        seal(now)
    with one_moment():
        return _Verification(tell).of_run(run_id) if run_id else _Verification(tell).of_everything(anchor)


def rows_to_read(run_id: UUID | None = None) -> int:
    """About how many rows a verification reads."""
    events = UserTaskEvent.objects.all()
    if run_id:
        return events.filter(run=run_id).count()
    return 2 * events.count() + PurgedEvent.objects.count() + Refusal.objects.count()


def _lacks_head() -> bool:
    """Whether there are places and nothing that says which is the newest: sealing would begin anew."""
    if FeedHead.objects.filter(pk=ONLY).exists():
        return False
    has_events = UserTaskEvent.objects.filter(position__isnull=False).exists()
    return has_events or Refusal.objects.filter(position__isnull=False).exists()


@dataclass
class _Verification:
    """One walk through the chains."""

    tell: Tell
    findings: list[Finding] = field(default_factory=list)

    def of_everything(self, anchor: str) -> Report:
        head = FeedHead.objects.filter(pk=ONLY).first() or FeedHead()
        histories = followed(
            streamed(UserTaskRun.objects.order_by("id"), "id", "version"),
            events_of(UserTaskEvent.objects.all()),
            head.position,
        )
        events = self._read(histories)
        self._read(placed(_published(), _purged(), head))
        sealed = Refusal.objects.filter(position__gt=head.refusals_begin_after)
        refusals = self._read(refused(refusals_of(sealed), head))
        self._note(_lost_anchors(anchor, head))
        broken = sum(finding.what == CHANGED for finding in self.findings)
        return Report(
            events=events,
            runs=UserTaskRun.objects.count(),
            refusals=refusals,
            findings=named(merged(self.findings)),
            anchor=f"{head.position}:{head.link},{head.refusal_position}:{head.refusal_link}",
            is_key_unknown=broken > 1 and broken >= events + refusals,
        )

    def of_run(self, run_id: UUID) -> Report:
        versions = UserTaskRun.objects.filter(pk=run_id).values_list("id", "version")
        newest = FeedHead.objects.filter(pk=ONLY).values_list("position", flat=True).first() or 0
        events = self._read(followed(versions, events_of(UserTaskEvent.objects.filter(run=run_id)), newest))
        broken = sum(finding.what == CHANGED for finding in self.findings)
        return Report(events, 1, 0, merged(self.findings), is_key_unknown=broken > 1 and broken >= events)

    def _read(self, walk: Iterable[Finding | None]) -> int:
        """Go through with it; how many rows there were."""
        rows = 0
        for found in walk:
            if found is not None:
                self._note([found])
                continue
            rows += 1
            if rows % TELLING == 0:
                self.tell(TELLING)
        self.tell(rows % TELLING)
        return rows

    def _note(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if len(self.findings) < MOST_KEPT:
                self.findings.append(finding)


def _published() -> Iterator[PositionRow]:
    events = UserTaskEvent.objects.filter(position__isnull=False).order_by("position")
    return starmap(PositionRow, streamed(events, "position", "link", "feed_link", "run_id", "number"))


def _purged() -> Iterator[PositionRow]:
    for position, link, feed_link, by_right in streamed(
        PurgedEvent.objects.order_by("position"), "position", "link", "feed_link", "seal"
    ):
        yield PositionRow(position, link, feed_link, seal=by_right)


def _lost_anchors(anchor: str, head: FeedHead) -> Iterator[Finding]:
    """Where the chains do not go through the ends any more that an earlier report told."""
    if not anchor:
        return
    (position, link), (refusal, refusal_link) = ends_of(anchor)
    if position and link not in _links_at(position):
        yield Finding(LOST, position=position)
    if refusal == head.refusals_begin_after and refusal:
        links = [head.refusals_begin_link]
    else:
        links = list(Refusal.objects.filter(position=refusal).values_list("link", flat=True))
    if refusal >= max(1, head.refusals_begin_after) and refusal_link not in links:
        yield Finding(LOST, refusal=refusal)


def _links_at(position: int) -> list[str]:
    found = [rows.filter(position=position) for rows in (UserTaskEvent.objects.all(), PurgedEvent.objects.all())]
    return [link for rows in found for link in rows.values_list("feed_link", flat=True)]


def ends_of(anchor: str) -> list[tuple[int, str]]:
    """The ends of the feed and of the refusals that an anchor tells. Raises `ValueError`."""
    found = ANCHOR.fullmatch(anchor)
    if found is None:
        raise ValueError(f"{anchor!r} is no anchor: the summary of a verification says one")
    return [(int(found[1]), found[2]), (int(found[3]), found[4])]
