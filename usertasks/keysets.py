"""The keys of the rows that come first in an order, read from indexes: what a page costs depends on the page alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
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


class NoneOf(Func):
    """That it is none of an array, which is made once. Of `NOT EXISTS` a planner makes a join that loses the order."""

    template = "%(expressions)s)"
    arg_joiner = " <> ALL ("
    output_field = BooleanField()


def _row(position: Position) -> Row:
    keys = zip(position.order.keys, position.values, strict=True)
    return Row(*(Value(value, key.field) for key, value in keys))


def first_by_ways(
    runs: UserTaskRunQuerySet, ways: Sequence[Way], stretch: Stretch, wanted: int, *, is_sifted: bool = False
) -> UserTaskRunQuerySet:
    """Of `runs` those that come by one of these ways; at least the first `wanted`, where all would cost more.

    `is_sifted` where some that lie between are left out: an index can do so, and so their rows are not read.
    """
    if not ways:
        return runs.none()
    if _is_plain(ways) and not is_sifted:
        return runs.filter(**{name: value for name, (value,) in ways[0].items()})
    return UserTaskRun.objects.filter(pk__in=_keys_by_ways(runs, ways, stretch, wanted, 2 * wanted))


def ids_by_ways(runs: UserTaskRunQuerySet, ways: Sequence[Way], stretch: Stretch, wanted: int) -> list[UUID]:
    """The ids of the first `wanted` of them, of which no row is read."""
    if not ways or _is_plain(ways):
        found = first_by_ways(runs, ways, stretch, wanted).order_by(*stretch.by)
        return list(found.values_list("pk", flat=True)[:wanted])
    keys = _keys_by_ways(runs, ways, stretch, wanted, 2 * wanted)
    with connection.cursor() as cursor:
        cursor.execute(keys.sql, keys.params)
        return list(dict.fromkeys(run_id for (run_id,) in cursor.fetchall()))[:wanted]


@dataclass(frozen=True)
class Walk:
    """The next runs of a list, none left out; `is_whole` where nothing lies beyond them."""

    ids: list[UUID]
    is_whole: bool


def walk_by_ways(runs: UserTaskRunQuerySet, ways: Sequence[Way], stretch: Stretch, *, wanted: int, most: int) -> Walk:
    """The ids of the next `most` of them, or of fewer where there are many ways, of which no row is read.

    Each value of a way gives its first ones, so many that together they are few. Where one has given that many, nobody
    knows what it has next: the walk ends there, but never before the first `wanted`.
    """
    if not ways or _is_plain(ways):
        ids = ids_by_ways(runs, ways, stretch, most)
        return Walk(ids, is_whole=len(ids) < most)
    each = min(most, max(wanted, 4 * most // sum(prod(map(len, way.values())) for way in ways)))
    keys = _keys_by_ways(runs, ways, stretch, each, 2 * most, "place")
    with connection.cursor() as cursor:
        cursor.execute(keys.sql, keys.params)
        found = cursor.fetchall()
    end = next((number for number, (_id, place) in enumerate(found, start=1) if place == each), len(found) + 1)
    ids = list(dict.fromkeys(run_id for run_id, _place in found[:end]))
    return Walk(ids[:most], is_whole=end > len(found) and len(found) < 2 * most and len(ids) <= most)


def _is_plain(ways: Sequence[Way]) -> bool:
    return len(ways) == 1 and all(len(values) == 1 for values in ways[0].values())


def _keys_by_ways(
    runs: UserTaskRunQuerySet, ways: Sequence[Way], stretch: Stretch, each: int, number: int, *more: str
) -> RawSQL:
    """The ids of the first `number` in their order, some of them twice, where every value of a way gives `each`.

    The plan has a branch for each way and not for each value, as the union of as many queries would: planning that
    takes longer than answering it. A run can come by two ways at most: as mine, and as my group's. Nothing that a
    caller says is part of the text of the SQL. `more` may ask for `place`, that of a run among those of its value.
    """
    columns = {f"key_{key.name}": key.expression for key in stretch.order.keys}
    branches, parameters = [], []
    for way in ways:
        # One value is spelled out: an index of the runs of one status answers only where that stands in the query.
        only = {name: values[0] for name, values in way.items() if len(values) == 1}
        many = [name for name in way if name not in only]
        values_of = {name: RawSQL(f"each_{name}.value", [], CharField()) for name in many}  # nosec B611 # a column
        first = runs.filter(**only, **values_of).order_by(*stretch.by).values(**columns)[:each]
        sql, values = first.query.sql_with_params()
        if more:
            sql = f"SELECT *, row_number() OVER (ORDER BY {_by(stretch)}) AS place FROM ({sql}) AS first"  # nosec B608 # see below
        sources = "".join(f"unnest(%s::text[]) AS each_{name} (value) CROSS JOIN " for name in many)
        branches.append(f"SELECT keys.* FROM {sources}LATERAL ({sql}) AS keys")  # nosec B608 # compiled by Django; values are parameters
        parameters += [*(way[name] for name in many), *values]
    return _first(" UNION ALL ".join(branches), parameters, stretch, number, *more)


def first_of_all(runs: UserTaskRunQuerySet, stretch: Stretch, wanted: int) -> UserTaskRunQuerySet:
    """The first `wanted` of `runs`, found before they are sorted.

    `OFFSET 0` keeps a planner from walking through the order instead, which takes for ever where next to nothing
    matches.
    """
    columns = {f"key_{key.name}": key.expression for key in stretch.order.keys}
    sql, parameters = runs.order_by().values(**columns).query.sql_with_params()
    keys = _first(f"{sql} OFFSET 0", list(parameters), stretch, wanted)  # compiled by Django
    return UserTaskRun.objects.filter(pk__in=keys)


def _first(found: str, parameters: Sequence[Any], stretch: Stretch, number: int, *more: str) -> RawSQL:
    columns = ", ".join(["key_id", *more])
    text = f"SELECT {columns} FROM ({found}) AS found ORDER BY {_by(stretch)} LIMIT {number}"  # nosec B608 # names of columns, a number
    return RawSQL(text, parameters)  # nosec B611 # see above


def _by(stretch: Stretch) -> str:
    """The order, in the names that the keys have here."""
    falls = stretch.order.is_falling != stretch.is_back
    return ", ".join(f"key_{key.name} {'DESC' if falls else 'ASC'}" for key in stretch.order.keys)
