"""The rows of a list, read with SQL of which all but the conditions is made once.

Lists are asked for all the time, with the same columns in the same few orders. To write these out each time takes the
ORM longer than to write the conditions, and as long as to read the rows.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from . import json_text
from .models import UserTaskRun
from .models.orders import Order

type Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class Frame:
    """What stands around the conditions, and what makes rows of what the database gives."""

    select: str
    order: str
    parameters: tuple[Any, ...]
    """Those of `order`."""
    row: Any
    converters: Sequence[tuple[int, Converter]]

    def rows(self, values: Sequence[Any]) -> list[Any]:
        if not self.converters:
            return [self.row(*row) for row in values]
        return [self._converted(list(row)) for row in values]

    def _converted(self, row: list[Any]) -> Any:
        for place, convert in self.converters:
            row[place] = convert(row[place])
        return self.row(*row)


class AsJson(TextField):  # type: ignore[type-arg]  # it takes none when it runs
    """A column with JSON, read as it stands."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return value if value is None else json_text.passed(value)


def read(
    conditions: tuple[str, Sequence[Any]],
    columns: Sequence[str],
    texts: Sequence[str],
    order: Order,
    *,
    is_back: bool,
    limit: int,
) -> Sequence[Any]:
    """The first runs that meet the conditions in that order, or in its opposite, with these columns; `texts` as in
    `json_text.passed`, conditions as `conditions_of` gives them."""
    frame = _frame(tuple(columns), tuple(texts), order, is_back, connection.vendor)
    condition, parameters = conditions
    with connection.cursor() as cursor:
        sql = f"{frame.select} WHERE {condition}{frame.order} LIMIT {limit:d}"  # made by Django but for the number
        cursor.execute(sql, (*parameters, *frame.parameters))
        return frame.rows(cursor.fetchall())


@lru_cache
def _frame(columns: tuple[str, ...], texts: tuple[str, ...], order: Order, is_back: bool, vendor: str) -> Frame:
    names = (Cast(name, AsJson()) if name in texts else name for name in columns)
    runs = UserTaskRun.objects.order_by(*order.by(is_reversed=is_back)).values_list(*names)
    compiler = runs.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    select, by, keys = sql.rpartition(" ORDER BY ")  # no column has parameters
    row = namedtuple("Row", columns)  # type: ignore[misc]  # the names are known when it runs
    return Frame(select, f"{by}{keys}", tuple(parameters), row, _converters(compiler))


def _converters(compiler: Any) -> list[tuple[int, Converter]]:
    expressions = [column[0] for column in compiler.select]
    return [
        (place, _chain(converters, expression))
        for place, (converters, expression) in compiler.get_converters(expressions).items()
    ]


def _chain(converters: Sequence[Callable[..., Any]], expression: Any) -> Converter:
    if len(converters) == 1:
        return lambda value: converters[0](value, expression, connection)

    def convert(value: Any) -> Any:
        for each in converters:
            value = each(value, expression, connection)
        return value

    return convert
