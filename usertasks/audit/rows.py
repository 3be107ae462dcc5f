"""Reading what is to be verified: a row at a time, in order, as one moment of the database shows it.

Whoever tampers need not leave what Django can read, and SQLite keeps anything in any column. So columns are read as
they lie there: what is of another kind is told as a finding, or read as something that cannot be what was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import ExpressionWrapper, F
from django.db.models.functions import Cast
from django.utils.dateparse import parse_datetime

from .. import json_text
from ..models import FeedHead, PurgedEvent, Refusal, UserTaskEvent, UserTaskRun
from ..models.feed import ONLY
from .findings import UNREADABLE, Finding

AT_ONCE = 2000
"""Rows that are fetched at a time."""

Note = Callable[[Finding], object]
"""Is told what cannot be read."""


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


def events_of(rows: models.QuerySet[Any], note: Note) -> Iterator[EventRow]:
    """These events, run by run, each in the order of its numbers. Those that have none are told to `note`."""
    columns = [_raw(column) for column in ("run_id", "type", "actor", "data", "door", "address", "link", "redaction")]
    told = streamed(rows.order_by("run_id", "number"), "pk", "number", "position", MOMENT, *columns)
    for pk, number, position, moment, run, kind, actor, content, door, address, link, redaction in told:
        run_id = _uuid(run)
        if run_id is None or not isinstance(number, int):
            note(_unreadable(UserTaskEvent, pk, run_id))
            continue
        where = (_text(door), _text_or_none(address), _text(link), _text(redaction))
        place = position if isinstance(position, int) else None
        yield EventRow(run_id, number, moment, _text(kind), _text(actor), _json(content), *where, place)


def refusals_of(rows: models.QuerySet[Any], note: Note) -> Iterator[RefusalRow]:
    """These refusals in the order of their positions. Those without one, or without a readable run, go to `note`."""
    texts = [_raw(column) for column in ("action", "code", "actor", "on_behalf_of", "door", "address")]
    columns = [*texts, _raw("run_id"), _raw("link"), _raw("redaction")]
    told = streamed(rows.order_by("position"), "pk", "position", MOMENT, *columns)
    for pk, position, moment, action, code, actor, for_whom, door, address, run, link, redaction in told:
        if not isinstance(position, int):
            note(_unreadable(Refusal, pk))
            continue
        run_id = None if run is None else _uuid(run)
        if run is not None and run_id is None:
            note(Finding(UNREADABLE, refusal=position))
        who = (_text(action), _text(code), _text(actor), _text_or_none(for_whom))
        where = (_text(door), _text_or_none(address))
        yield RefusalRow(position, moment, *who, *where, run_id, _text(link), _text(redaction))


def places_of(rows: models.QuerySet[Any], note: Note) -> Iterator[PositionRow]:
    """The places of these events in the feed, in order. Those that are none are told to `note`."""
    columns = [_raw(column) for column in ("link", "feed_link", "run_id")]
    for pk, position, number, link, feed_link, run in streamed(
        rows.filter(position__isnull=False).order_by("position"), "pk", "position", "number", *columns
    ):
        run_id, is_numbered = _uuid(run), isinstance(number, int)
        if isinstance(position, int):
            yield PositionRow(position, _text(link), _text(feed_link), run_id, number if is_numbered else None)
        elif run_id and is_numbered:
            note(Finding(UNREADABLE, run_id, number))
        else:
            note(_unreadable(UserTaskEvent, pk))


def purged_places(note: Note) -> Iterator[PositionRow]:
    """The places that events had which were deleted by right, in order."""
    columns = [_raw(column) for column in ("link", "feed_link", "seal")]
    for position, *links in streamed(PurgedEvent.objects.order_by("position"), "position", *columns):
        if isinstance(position, int):
            link, feed_link, by_right = map(_text, links)
            yield PositionRow(position, link, feed_link, seal=by_right)
        else:
            note(_unreadable(PurgedEvent, position))


def versions_of(rows: models.QuerySet[Any], note: Note) -> Iterator[tuple[UUID, Any]]:
    """The ids of these runs, in order, and what stands there as their versions."""
    for run, version in streamed(rows.order_by("id"), _raw("id"), "version"):
        run_id = _uuid(run)
        if run_id is None:
            note(_unreadable(UserTaskRun, run))
        else:
            yield run_id, version


def head_of(note: Note) -> FeedHead:
    """What the heads of the chains say, as far as it can be read."""
    columns = [column for column in FeedHead._meta.concrete_fields if not column.primary_key]
    said = FeedHead.objects.filter(pk=ONLY).values_list(*(_raw(column.name) for column in columns)).first()
    head = FeedHead()
    for column, value in zip(columns, said or (), strict=bool(said)):
        if isinstance(value, type(column.get_default())):
            setattr(head, column.name, value)
        else:
            note(Finding(UNREADABLE))
    return head


def _raw(column: str) -> ExpressionWrapper[Any]:
    """A column as the database hands it out, read by nobody."""
    return ExpressionWrapper(F(column), output_field=models.TextField())


def _unreadable(model: type[models.Model], pk: object, run_id: UUID | None = None) -> Finding:
    name = pk if isinstance(pk, int) else ascii(pk)
    return Finding(UNREADABLE, run_id, row=f"row {name} of {model._meta.db_table}")


def _uuid(value: object) -> UUID | None:
    """The id of a run, if it is spelled as it is stored: another spelling would have another place in the order."""
    if isinstance(value, UUID):
        return value
    try:
        found = UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.hex == value else None


def _text(value: Any) -> str:
    """A text; of anything else, one that nobody has written."""
    return value if isinstance(value, str) else repr(value)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _json(value: Any) -> Any:
    """What the column of an event says; of what is no JSON, a text that nobody has written."""
    try:
        return json.loads(value, cls=json_text.Decoder) if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):
        return repr(value)


def streamed(rows: models.QuerySet[Any], *columns: Any) -> Iterator[Any]:
    """Tuples of these columns, without all of them in memory."""
    return rows.values_list(*columns).iterator(chunk_size=AT_ONCE)


@contextmanager
def legible_texts() -> Iterator[None]:
    """SQLite stops at a text that is no UTF-8: within, what cannot be read of it is spelled out."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    database = connection.connection
    before = database.text_factory
    database.text_factory = lambda raw: str(raw, "utf-8", "backslashreplace")
    try:
        yield
    finally:
        database.text_factory = before


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
