"""Reading what is to be verified: a row at a time, in order, as one moment of the database shows it.

Whoever tampers need not leave what Django can read, so moments are read as texts: what is none is a finding, no defect.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models.functions import Cast
from django.utils.dateparse import parse_datetime

AT_ONCE = 2000
"""Rows that are fetched at a time."""


class EventRow(NamedTuple):
    """What is verified of an event."""

    run_id: UUID
    number: int
    moment: str
    type: str
    actor: str
    data: Any
    door: str
    address: str | None
    link: str
    redaction: str
    position: int | None

    @property
    def time(self) -> datetime:
        """Raises `ValueError` where it is none."""
        return time_of(self.moment)


class RefusalRow(NamedTuple):
    """What is verified of a refusal."""

    position: int
    moment: str
    action: str
    code: str
    actor: str
    on_behalf_of: str | None
    door: str
    address: str | None
    run_id: UUID | None
    link: str
    redaction: str

    @property
    def time(self) -> datetime:
        """Raises `ValueError` where it is none."""
        return time_of(self.moment)


class PositionRow(NamedTuple):
    """An event in the feed, or what is left of one: then `seal` says that it was deleted by right."""

    position: int
    link: str
    feed_link: str
    run_id: UUID | None = None
    number: int | None = None
    seal: str | None = None


MOMENT = Cast("time", models.TextField())


def time_of(moment: str) -> datetime:
    """The moment that the text of a database says. Raises `ValueError` where it is none."""
    read = parse_datetime(moment)
    if read is None:
        raise ValueError(f"{moment!r} is no moment")
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def events_of(rows: models.QuerySet[Any]) -> Iterator[EventRow]:
    """These events, run by run, each in the order of its numbers."""
    told = rows.annotate(moment=MOMENT).order_by("run_id", "number")
    return map(EventRow._make, streamed(told, *EventRow._fields))


def refusals_of(rows: models.QuerySet[Any]) -> Iterator[RefusalRow]:
    """These refusals in the order of their positions."""
    told = rows.annotate(moment=MOMENT).order_by("position")
    return map(RefusalRow._make, streamed(told, *RefusalRow._fields))


def streamed(rows: models.QuerySet[Any], *columns: str) -> Iterator[Any]:
    """Tuples of these columns, without all of them in memory."""
    return rows.values_list(*columns).iterator(chunk_size=AT_ONCE)


@contextmanager
def one_moment() -> Iterator[None]:
    """Every query within sees the database as it is now, and nobody waits for it."""
    if connection.in_atomic_block:  # of somebody else: what it sees is for them to know
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:  # Django's own transactions on SQLite are those of a writer, who keeps all others waiting
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
