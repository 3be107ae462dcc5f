"""In which orders runs can be listed: each ends with `id`, so that every run has one place in it.

`due` and `priority` are orders of work to be done: the open runs come in them, and after these what has ended, the
newest first. No index has to keep what is done in order of when it was due.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import DateTimeField, F, Field, IntegerField, UUIDField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from .statuses import TERMINAL

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When a run without a due date is due, as far as an order goes: after all the others."""

DUE_OR_NEVER = Coalesce("due_at", Value(NEVER, DateTimeField()))
URGENCY = -1 * F("priority")


def due_before(moment: datetime) -> LessThan:
    """The condition that a run was due before then, as the indexes know it."""
    return LessThan(DUE_OR_NEVER, Value(moment, DateTimeField()))


def due_from(moment: datetime) -> GreaterThanOrEqual:
    """The condition that a run is due then or later, or never, in the same words."""
    return GreaterThanOrEqual(DUE_OR_NEVER, Value(moment, DateTimeField()))


@dataclass(frozen=True)
class Key:
    """One thing by which runs are ordered: what the database compares, and the same from a row at hand."""

    name: str
    expression: Combinable
    field: Field[Any, Any]

    def of(self, row: Any) -> Any:
        if self.name == "due":
            return row.due_at or NEVER
        return -row.priority if self.name == "urgency" else getattr(row, self.name)


SCHEDULED = Key("scheduled_time", F("scheduled_time"), DateTimeField())
ID = Key("id", F("id"), UUIDField())
DUE = Key("due", DUE_OR_NEVER, DateTimeField())
URGENT = Key("urgency", URGENCY, IntegerField())


@dataclass(frozen=True)
class Order:
    """`keys` are compared from the first to the last, all of them rising or all of them falling.

    `ended` is the order in which what has ended follows what is open; None where that makes no difference.
    """

    name: str
    keys: tuple[Key, ...]
    is_falling: bool = False
    ended: Order | None = None

    def by(self, *, is_reversed: bool = False) -> list[Any]:
        """What `order_by` takes; of the open runs alone, where what has ended has an order of its own."""
        falls = self.is_falling != is_reversed
        return [_falling(key.expression) if falls else _rising(key.expression) for key in self.keys]

    def position_of(self, row: Any) -> Position:
        """Where a row stands, which has the columns that the order compares, and `status` if what has ended follows."""
        if self.ended and row.status in TERMINAL:
            return self.ended.position_of(row)
        return Position(self, tuple(key.of(row) for key in self.keys))

    def position(self, texts: Sequence[Any]) -> Position:
        """The place that `Position.texts` wrote down. Raises `ValueError` for what is none of this order."""
        if self.ended and texts and texts[0] == self.ended.name:
            return self.ended.position(texts[1:])
        if len(texts) != len(self.keys):
            raise ValueError("not as many keys as the order has")
        return Position(self, tuple(_read(key, text) for key, text in zip(self.keys, texts, strict=True)))


@dataclass(frozen=True)
class Position:
    """Where a page of a list ended, in one order."""

    order: Order
    values: tuple[Any, ...]

    def texts(self) -> list[str]:
        """The same as texts, for cursors."""
        return [*([self.order.name] if self.order == ENDED else []), *(_written(value) for value in self.values)]


NEWEST = Order("newest", (SCHEDULED, ID), is_falling=True)
OLDEST = Order("oldest", (SCHEDULED, ID))
ENDED = Order("ended", (SCHEDULED, ID), is_falling=True)
SOONEST = Order("due", (DUE, ID), ended=ENDED)
MOST_URGENT = Order("priority", (URGENT, DUE, ID), ended=ENDED)
ORDERS = {order.name: order for order in (NEWEST, OLDEST, SOONEST, MOST_URGENT)}


def newest_position(scheduled_time: datetime, run_id: uuid.UUID) -> Position:
    """A place among the newest first."""
    return Position(NEWEST, (scheduled_time, run_id))


def _falling(expression: Any) -> Any:
    return expression.desc()


def _rising(expression: Any) -> Any:
    return expression.asc()


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex if isinstance(value, uuid.UUID) else str(value)


def _read(key: Key, text: Any) -> Any:
    if not isinstance(text, str):
        raise ValueError("not a text")
    if isinstance(key.field, UUIDField):
        return uuid.UUID(text)
    if isinstance(key.field, IntegerField):
        if len(text) > 4:
            raise ValueError("no priority")
        return int(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside of the years 1 to 9999") from None
