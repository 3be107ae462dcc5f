"""One row by its key, with a prepared statement that is written once: the ORM takes longer to write it than to send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial, reduce
from typing import Any

from django.db import connection
from django.db.models import Field, Model

from .prepared import prepared_cursor

type Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Columns:
    """The columns of a model, as a statement names them, and what makes a row of it of what the database gives."""

    model: type[Model]
    names: Sequence[str]
    text: str
    readers: Sequence[tuple[int, Reader]]

    def row(self, stored: Sequence[Any]) -> Any:
        values = list(stored)
        for place, read in self.readers:
            values[place] = read(values[place])
        return self.model.from_db(connection.alias, self.names, values)


def columns_of(model: type[Model]) -> Columns:
    """All columns of a model."""
    return _columns_of(model, connection.vendor)


@cache
def _columns_of(model: type[Model], vendor: str) -> Columns:
    fields = model._meta.concrete_fields
    table = model._meta.db_table
    return Columns(
        model=model,
        names=[field.attname for field in fields],
        text=", ".join(f'"{table}"."{field.column}"' for field in fields),
        readers=[(place, read) for place, field in enumerate(fields) if (read := reader_of(field))],
    )


def reader_of(field: Field[Any, Any]) -> Reader | None:
    """What makes a value of a column of what the database gives; None where it stands there as it is."""
    compiler: Any = field.model._meta.base_manager.all().query.get_compiler(connection=connection)
    column = field.get_col(field.model._meta.db_table)
    found = compiler.get_converters([column])
    return partial(_through, found[0]) if found else None


def _through(converters: tuple[Sequence[Callable[..., Any]], Any], stored: Any) -> Any:
    chain, expression = converters
    return reduce(lambda value, convert: convert(value, expression, connection), chain, stored)


def find[M: Model](model: type[M], **key: Any) -> M | None:
    """The row whose columns have these values, of which there is one at most."""
    values = [model._meta.get_field(name).get_db_prep_value(value, connection) for name, value in key.items()]  # type: ignore[union-attr]  # columns have it
    with prepared_cursor() as cursor:
        cursor.execute(_finding(model, tuple(key), connection.vendor), values)
        stored = cursor.fetchone()
    return None if stored is None else columns_of(model).row(stored)


@cache
def _finding(model: type[Model], key: tuple[str, ...], vendor: str) -> str:
    columns, table = _columns_of(model, vendor).text, model._meta.db_table
    condition = " AND ".join(f'"{model._meta.get_field(name).column}" = %s' for name in key)  # type: ignore[union-attr]
    return f'SELECT {columns} FROM "{table}" WHERE {condition}'  # nosec B608 # names of tables and columns
