"""The keys of the rows that come first in an order, read from indexes: what a page costs depends on the page alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, CharField, Func, Value
from django.db.models.expressions import RawSQL
from django.db.models.lookups import GreaterThan, LessThan

from .models import UserTaskRun
from .models.orders import Order, Position
from .models.runs import UserTaskRunQuerySet

type Way = dict[str, list[str]]
"""Column → the values of which a run must have one."""


@dataclass(frozen=True)
class Stretch:
    """A part of a list that lies in one order, from a place on or, backwards, before it.

    `statuses` are those that the runs in it have; None where all will do.
    """

    order: Order
    statuses: Sequence[str] | None
    after: Position | None = None
    before: Position | None = None
    is_back: bool = False

    @property
    def by(self) -> list[Any]:
        """What `order_by` takes."""
        return self.order.by(is_reversed=self.is_back)

    @property
    def conditions(self) -> list[LessThan | GreaterThan]:
        """What lies beyond the place; among equals as well."""
        place = Row(*(key.expression for key in self.order.keys))
        sides = [(self.after, self.order.is_falling), (self.before, not self.order.is_falling)]
        return [(LessThan if is_less else GreaterThan)(place, _row(side)) for side, is_less in sides if side]


class Row(Func):
    """`(a, b)`: SQL compares such rows from left to right, and an index starts right there."""

    template = "(%(expressions)s)"
    output_field = BooleanField()


def _row(position: Position) -> Row:
    keys = zip(position.order.keys, position.values, strict=True)
    return Row(*(Value(value, key.field) for key, value in keys))


def first_by_ways(runs: UserTaskRunQuerySet, ways: Sequence[Way], stretch: Stretch, wanted: int) -> UserTaskRunQuerySet:
    """Of `runs` those that come by one of these ways; at least the first `wanted`, where all would cost more."""
    if not ways:
        return runs.none()
    if _is_plain(ways):
        return runs.filter(**{name: value for name, (value,) in ways[0].items()})
    return UserTaskRun.objects.filter(pk__in=_keys_by_ways(runs, ways, stretch, wanted))


def ids_by_ways(runs: UserTaskRunQuerySet, ways: Sequence[Way], stretch: Stretch, wanted: int) -> list[UUID]:
    """The ids of the first `wanted` of them, of which no row is read."""
    if not ways or _is_plain(ways):
        found = first_by_ways(runs, ways, stretch, wanted).order_by(*stretch.by)
        return list(found.values_list("pk", flat=True)[:wanted])
    keys = _keys_by_ways(runs, ways, stretch, wanted)
    with connection.cursor() as cursor:
        cursor.execute(keys.sql, keys.params)
        return list(dict.fromkeys(run_id for (run_id,) in cursor.fetchall()))[:wanted]


def _is_plain(ways: Sequence[Way]) -> bool:
    return len(ways) == 1 and all(len(values) == 1 for values in ways[0].values())


def _keys_by_ways(runs: UserTaskRunQuerySet, ways: Sequence[Way], stretch: Stretch, wanted: int) -> RawSQL:
    """The ids of the first `wanted` in their order, some of them twice.

    The plan has a branch for each way and not for each value, as the union of as many queries would: planning that
    takes longer than answering it. A run can come by two ways at most: as mine, and as my group's. Nothing that a
    caller says is part of the text of the SQL.
    """
    columns = {f"key_{key.name}": key.expression for key in stretch.order.keys}
    branches, parameters = [], []
    for way in ways:
        # One value is spelled out: an index of the runs of one status answers only where that stands in the query.
        only = {name: values[0] for name, values in way.items() if len(values) == 1}
        many = [name for name in way if name not in only]
        each = {name: RawSQL(f"each_{name}.value", [], CharField()) for name in many}  # nosec B611 # a column
        first = runs.filter(**only, **each).order_by(*stretch.by).values(**columns)[:wanted]
        sql, values = first.query.sql_with_params()
        sources = "".join(f"unnest(%s::text[]) AS each_{name} (value) CROSS JOIN " for name in many)
        branches.append(f"SELECT keys.* FROM {sources}LATERAL ({sql}) AS keys")  # nosec B608 # compiled by Django; values are parameters
        parameters += [*(way[name] for name in many), *values]
    return _first(" UNION ALL ".join(branches), parameters, stretch, 2 * wanted)


def first_of_all(runs: UserTaskRunQuerySet, stretch: Stretch, wanted: int) -> UserTaskRunQuerySet:
    """The first `wanted` of `runs`, found before they are sorted.

    `OFFSET 0` keeps a planner from walking through the order instead, which takes for ever where next to nothing
    matches.
    """
    columns = {f"key_{key.name}": key.expression for key in stretch.order.keys}
    sql, parameters = runs.order_by().values(**columns).query.sql_with_params()
    keys = _first(f"{sql} OFFSET 0", list(parameters), stretch, wanted)  # compiled by Django
    return UserTaskRun.objects.filter(pk__in=keys)


def _first(found: str, parameters: Sequence[Any], stretch: Stretch, number: int) -> RawSQL:
    falls = stretch.order.is_falling != stretch.is_back
    by = ", ".join(f"key_{key.name} {'DESC' if falls else 'ASC'}" for key in stretch.order.keys)
    text = f"SELECT key_id FROM ({found}) AS found ORDER BY {by} LIMIT {number}"  # nosec B608 # names of columns, a number
    return RawSQL(text, parameters)  # nosec B611 # see above
