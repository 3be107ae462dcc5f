"""The feed and the refusals: places 1, 2, 3, ... without a gap that no seal explains, each linked to the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from operator import attrgetter
from typing import Protocol

from .. import chain
from ..models import FeedHead
from .findings import CHANGED, MISSING, Finding
from .rows import PositionRow, RefusalRow

FORGED = "what says that it was deleted by right is forged"
MOVED = "its place in the feed is another one than it was given"
HEAD = "they say another end of the feed, or of the refusals, than there is"


def placed(events: Iterable[PositionRow], purged: Iterable[PositionRow], head: FeedHead) -> Iterator[Finding | None]:
    """What is found in the feed; None for each position that was read. Both go by position."""
    last, previous = 0, [chain.BEGINNING]
    for row in merge(events, purged, key=attrgetter("position")):
        if row.position > last + 1:
            yield _gap(last + 1, row.position - 1)
            previous = []
        said = [chain.of_position(row.position, row.link, link) for link in previous]
        is_linked = not previous or any(chain.is_signed(row.feed_link, one) for one in said)
        if not is_linked or row.position <= last:
            yield Finding(MOVED, row.run_id, row.number, position=row.position)
        if row.seal is not None and not _is_purged_by_right(row):
            yield Finding(FORGED, position=row.position)
        previous = [row.feed_link] if is_linked else [row.feed_link, *(chain.signed(one) for one in said)]
        last = row.position
        yield None
    if last < head.position:
        yield _gap(last + 1, head.position)
    elif last > head.position or head.link not in previous:
        yield Finding(HEAD)


def _is_purged_by_right(row: PositionRow) -> bool:
    return chain.is_signed(row.seal or "", chain.of_purged_event(row.position, row.link, row.feed_link))


def _gap(first: int, last: int) -> Finding:
    return Finding(MISSING, position=first, until=last if last > first else None)


def refused(refusals: Iterable[RefusalRow], head: FeedHead) -> Iterator[Finding | None]:
    """What is found among the refusals, in their order; None for each one that was read."""
    last, previous = head.refusals_begin_after, [head.refusals_begin_link]
    if last and not chain.is_signed(head.refusals_begin_seal, chain.of_beginning(last, previous[0])):
        yield Finding(FORGED, refusal=last)
    for row in refusals:
        if row.position > last + 1:
            yield _missing_refusal(last + 1, row.position - 1)
            previous = []
        is_good = not previous or any(is_refusal_intact(row, link) for link in previous)
        if not is_good:
            yield Finding(CHANGED, refusal=row.position)
        previous = [row.link] if is_good else [row.link, *_links(row, previous)]
        last = row.position
        yield None
    if last < head.refusal_position:
        yield _missing_refusal(last + 1, head.refusal_position)
    elif last > head.refusal_position or head.refusal_link not in previous:
        yield Finding(HEAD)


class LinkedRefusal(chain.ToldRefusal, Protocol):
    """A refusal with its link, and its seal where it was made anonymous."""

    @property
    def link(self) -> str: ...
    @property
    def redaction(self) -> str: ...


def is_refusal_intact(row: LinkedRefusal, previous: str) -> bool:
    """Whether a refusal is as it was written after that link, or as it was made anonymous by right."""
    try:
        if row.redaction:
            return chain.is_signed(row.redaction, chain.of_changed_refusal(row, previous, row.link))
        return chain.is_signed(row.link, chain.of_refusal(row, previous))
    except ValueError:  # a moment or an address that is none
        return False


def _links(row: RefusalRow, previous: Iterable[str]) -> list[str]:
    """What the link of a refusal would be, if nothing but the link was changed."""
    try:
        return [link for before in previous for link in chain.signatures(chain.of_refusal(row, before))]
    except ValueError:
        return []


def _missing_refusal(first: int, last: int) -> Finding:
    return Finding(MISSING, refusal=first, until=last if last > first else None)
