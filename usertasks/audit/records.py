"""Events and refusals on their way out: one form for both, as JSON lines and as CSV, in the order of their times.

Events go in the order of the feed, in which they were committed; refusals are put between them by their times.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from .. import json_text
from ..models import Refusal, UserTaskEvent
from .rows import AT_ONCE

Record = Mapping[str, Any]

COLUMNS = (
    "kind",
    "time",
    "run_id",
    "number",
    "type",
    "code",
    "actor",
    "on_behalf_of",
    "door",
    "address",
    "data",
    "position",
    "link",
    "feed_link",
    "redaction",
)
"""`kind` is `event` or `refusal`; `type` is that of the event, or the verb that was refused with `code`."""

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True)
class Selection:
    """Which of the audit is wanted: from `since` until before `until`, of a run, by or on behalf of somebody."""

    since: datetime | None = None
    until: datetime | None = None
    run_id: UUID | None = None
    user_id: str | None = None

    def among[Row: UserTaskEvent | Refusal](self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Of these events, or of these refusals, those that are wanted."""
        behalf = "on_behalf_of" if rows.model is Refusal else "data__on_behalf_of"
        by = Q(actor=self.user_id) | Q((behalf, self.user_id)) if self.user_id else Q()
        return rows.filter(by, *self._common())

    def _common(self) -> Iterator[Q]:
        asked = {"time__gte": self.since, "time__lt": self.until, "run_id": self.run_id}
        return (Q((column, value)) for column, value in asked.items() if value is not None)


def records_of(events: QuerySet[UserTaskEvent], refusals: QuerySet[Refusal]) -> Iterator[Record]:
    """These events and refusals, a few at a time in memory."""
    happened = map(_of_event, events.order_by("position", "id").iterator(chunk_size=AT_ONCE))
    denied = map(_of_refusal, refusals.order_by("id").iterator(chunk_size=AT_ONCE))
    return merge(happened, denied, key=itemgetter("time"))


def _of_event(event: UserTaskEvent) -> Record:
    return {
        "kind": "event",
        "time": event.time,
        "run_id": event.run_id.hex,
        "number": event.number,
        "type": event.type,
        "code": None,
        "actor": event.actor,
        "on_behalf_of": event.data.get("on_behalf_of") if isinstance(event.data, dict) else None,
        "door": event.door,
        "address": event.address,
        "data": event.data,
        "position": event.position,
        "link": event.link,
        "feed_link": event.feed_link,
        "redaction": event.redaction,
    }


def _of_refusal(refusal: Refusal) -> Record:
    return {
        "kind": "refusal",
        "time": refusal.time,
        "run_id": refusal.run_id.hex if refusal.run_id else None,
        "number": None,
        "type": refusal.action,
        "code": refusal.code,
        "actor": refusal.actor,
        "on_behalf_of": refusal.on_behalf_of,
        "door": refusal.door,
        "address": refusal.address,
        "data": None,
        "position": refusal.position,
        "link": refusal.link,
        "feed_link": "",
        "redaction": refusal.redaction,
    }


def as_json_lines(records: Iterable[Record]) -> Iterator[str]:
    """A JSON object on each line, with the keys `COLUMNS`."""
    for record in records:
        yield json_text.write(record).decode() + "\n"


class _Echo:
    """What `csv` writes to; it gives each line back."""

    def write(self, line: str) -> str:
        return line


def as_csv(records: Iterable[Record]) -> Iterator[str]:
    """A header, and a line for each; `data` is JSON. See `_cell` for what spreadsheets must not take for a formula."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for record in records:
        yield writer.writerow([_cell(record[column]) for column in COLUMNS])


def _cell(value: Any) -> Any:
    """The value as text. What begins like a formula gets an apostrophe before it, whoever wrote it."""
    match value:
        case datetime():
            return json_text.as_json(value)
        case dict() | list():
            return json_text.write(value).decode()
        case str() if value.startswith(FORMULAS):
            return f"'{value}"
    return value


FORMATS: Mapping[str, Callable[[Iterable[Record]], Iterator[str]]] = {"jsonl": as_json_lines, "csv": as_csv}


def written(records: Iterable[Record], form: str) -> Iterator[str]:
    """The lines of a file in one of `FORMATS`."""
    return FORMATS[form](records)
