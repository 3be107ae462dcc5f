"""All chains verified: what was read, and what is not as it was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ..models import FeedHead, PurgedEvent, Refusal, UserTaskEvent, UserTaskRun
from ..models.feed import ONLY
from .comments import named
from .findings import CHANGED, UNREADABLE, Finding, Report, merged
from .histories import followed
from .positions import placed, refused
from .rows import (
    events_of,
    head_of,
    legible_texts,
    one_moment,
    places_of,
    purged_places,
    refusals_of,
    versions_of,
)
from .sealing import seal

MOST_KEPT = 100_000
"""So many findings are kept; the others are as many more that nobody would read."""

Tell = Callable[[int], object]
"""Is told of each so many rows that were read."""
TELLING = 500

WAITING = "what has no place in the chains yet"
LOST = "the chain does not go through the anchor any more"
ANCHOR = re.compile(r"([0-9]{1,18}):([0-9a-f]*),([0-9]{1,18}):([0-9a-f]*)")


class UnknownRun(Exception):
    """There is no run of that id."""


def verify(now: datetime, *, run_id: UUID | None = None, anchor: str = "", tell: Tell = lambda rows: None) -> Report:
    """Verify everything, or the history of one run; what is committed and has no place yet gets it first.

    `anchor` is that of an earlier report: whether the chains still go through where they ended then. Raises
    `UnknownRun` for a run that is not there, `ValueError` for an anchor that is none.
    """
    if anchor:
        ends_of(anchor)
    if run_id is not None and not UserTaskRun.objects.filter(pk=run_id).exists():
        raise UnknownRun(f"There is no run {run_id.hex}.")
    walk = _Verification(tell)
    with legible_texts():
        if not _lacks_head() and not _is_sealed(now):
            walk.findings.append(Finding(UNREADABLE, row=WAITING))
        with one_moment():
            return walk.of_run(run_id) if run_id else walk.of_everything(anchor)


def _is_sealed(now: datetime) -> bool:
    """Give what has no place yet its place; whether it could be read."""
    try:
        seal(now)
    except (TypeError, ValueError):
        return False
    return True


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
        head = head_of(self._note)
        histories = followed(
            versions_of(UserTaskRun.objects.all(), self._note),
            events_of(UserTaskEvent.objects.all(), self._note),
            head.position,
        )
        events = self._read(histories)
        self._read(placed(places_of(UserTaskEvent.objects.all(), self._note), purged_places(self._note), head))
        sealed = Refusal.objects.filter(position__gt=head.refusals_begin_after)
        refusals = self._read(refused(refusals_of(sealed, self._note), head))
        for finding in _lost_anchors(anchor, head):
            self._note(finding)
        broken = sum(finding.what == CHANGED for finding in self.findings)
        return Report(
            events=events,
            runs=UserTaskRun.objects.count(),
            refusals=refusals,
            findings=_named(merged(self.findings)),
            anchor=f"{head.position}:{head.link},{head.refusal_position}:{head.refusal_link}",
            is_key_unknown=broken > 1 and broken >= events + refusals,
        )

    def of_run(self, run_id: UUID) -> Report:
        versions = versions_of(UserTaskRun.objects.filter(pk=run_id), self._note)
        history = events_of(UserTaskEvent.objects.filter(run=run_id), self._note)
        events = self._read(followed(versions, history, head_of(self._note).position))
        broken = sum(finding.what == CHANGED for finding in self.findings)
        return Report(events, 1, 0, merged(self.findings), is_key_unknown=broken > 1 and broken >= events)

    def _read(self, walk: Iterable[Finding | None]) -> int:
        """Go through with it; how many rows there were."""
        rows = 0
        for found in walk:
            if found is not None:
                self._note(found)
                continue
            rows += 1
            if rows % TELLING == 0:
                self.tell(TELLING)
        self.tell(rows % TELLING)
        return rows

    def _note(self, finding: Finding) -> None:
        if len(self.findings) < MOST_KEPT:
            self.findings.append(finding)


def _named(findings: list[Finding]) -> list[Finding]:
    """The same, the missing ones named by their run, where the comments can be read that tell it."""
    try:
        return named(findings)
    except (TypeError, ValueError):
        return findings


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
