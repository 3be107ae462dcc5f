"""The histories of runs: events numbered 1, 2, 3, ..., each linked to the one before, and as many as the run has
versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

from .. import chain
from ..models import EventType
from .findings import CHANGED, MISSING, Finding
from .rows import EventRow

CHANGING = (
    EventType.CREATED,
    EventType.ASSIGNED,
    EventType.SAVED,
    EventType.COMPLETED,
    EventType.CANCELLED,
)
"""The events of which each made a new version of its run."""

Versions = Iterable[tuple[UUID, Any]]
"""The ids of runs, and what stands there as their versions."""


@dataclass
class History:
    """Follows the events of one run. `links` are what the next event may follow: none, after a gap."""

    run_id: UUID
    newest: int
    """The newest position of the feed."""
    number: int = 0
    position: int = 0
    links: list[str] = field(default_factory=lambda: [chain.BEGINNING])
    changes: int = 0
    missing: int = 0
    broken: int = 0

    def follow(self, row: EventRow) -> Iterator[Finding]:
        """The next event; what is wrong with it, and with the numbers before it."""
        if row.number > self.number + 1:
            yield self._gap(self.number + 1, row.number - 1, before=row.position)
        is_good = not self.links or any(is_intact(row, previous) for previous in self.links)
        if not is_good:
            self.broken += 1
            yield Finding(CHANGED, self.run_id, row.number, position=row.position)
        # Where the link itself was changed, the next event follows what it was.
        self.links = [row.link] if is_good else [row.link, *_links(row, self.links)]
        self.number, self.position = row.number, row.position or self.newest
        self.changes += row.type in CHANGING

    def end(self, version: Any) -> Iterator[Finding]:
        """No event is left: whether that is as many as the run has versions."""
        if version is None:
            yield Finding("its run is missing", self.run_id, self.number, position=self.position)
            return
        if not isinstance(version, int):
            yield Finding("what it says is its version is no number", self.run_id)
            return
        lacking = version - self.changes - self.missing - self.broken
        if lacking > 0 or not self.number:
            yield self._gap(self.number + 1, self.number + max(lacking, 1), before=self.newest + 1)
        elif self.changes > version + self.broken:
            yield Finding(f"it says that it is at version {version}, its events say {self.changes}", self.run_id)

    def _gap(self, first: int, last: int, *, before: int | None) -> Finding:
        self.missing += last - first + 1
        self.links = []
        until = last if last > first else None
        return Finding(MISSING, self.run_id, first, until=until, after=self.position, before=before)


class Linked(chain.Told, Protocol):
    """An event with its link, and its seal where it was made anonymous."""

    @property
    def link(self) -> str: ...
    @property
    def redaction(self) -> str: ...


def is_intact(row: Linked, previous: str) -> bool:
    """Whether an event is as it was written after that link, or as it was made anonymous by right."""
    try:
        if row.redaction:
            return chain.is_signed(row.redaction, chain.of_changed_event(row, previous, row.link))
        return chain.is_signed(row.link, chain.of_event(row, previous))
    except ValueError:  # a moment or an address that is none
        return False


def _links(row: EventRow, links: Iterable[str]) -> list[str]:
    """What the link of an event would be, if nothing but the link was changed."""
    try:
        return [link for previous in links for link in chain.signatures(chain.of_event(row, previous))]
    except ValueError:
        return []


def followed(versions: Versions, events: Iterable[EventRow], newest: int) -> Iterator[Finding | None]:
    """What is found in these histories; None for each event that was read. Both go by the id of the run."""
    runs, histories = iter(versions), groupby(events, attrgetter("run_id"))
    run, history = next(runs, None), next(histories, None)
    while run or history:
        run_id = min(found[0] for found in (run, history) if found)
        walk = History(run_id, newest)
        if history and history[0] == run_id:
            for row in history[1]:
                yield from walk.follow(row)
                yield None
            history = next(histories, None)
        version = None
        if run and run[0] == run_id:
            version, run = run[1], next(runs, None)
        yield from walk.end(version)
