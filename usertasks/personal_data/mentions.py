"""Where a person is named: in every column of every table that holds text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.db.models import CharField, Field, JSONField, Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from .renaming import Renaming

AT_ONCE = 500


@dataclass(frozen=True)
class Mention:
    """So many rows of a table have the name in that column."""

    model: type[Model]
    column: str
    rows: int

    def __str__(self) -> str:
        options = self.model._meta
        many = options.verbose_name if self.rows == 1 else options.verbose_name_plural
        return f"{self.rows:,} {many} ({self.column})"


def columns_of(model: type[Model]) -> Iterator[Field[Any, Any]]:
    """The columns of a table that hold text or JSON."""
    for column in model._meta.concrete_fields:
        if isinstance(column, CharField | TextField | JSONField):
            yield column


def naming(model: type[Model], column: Field[Any, Any], renaming: Renaming) -> Any:
    """The rows of a table that could name the person in this column."""
    rows: Any = model._default_manager.all()
    if isinstance(column, JSONField):
        rows = rows.annotate(as_text=Cast(column.name, TextField()))
        return rows.filter(renaming.candidates("as_text"))
    return rows.filter(renaming.candidates(column.name))


def mentions_of(renaming: Renaming) -> list[Mention]:
    """Every place where the person is named. Looks through all of the database."""
    found = []
    for model in apps.get_models():
        for column in columns_of(model):
            rows = naming(model, column, renaming).values_list(column.name, flat=True)
            count = sum(renaming.is_in(value) for value in rows.iterator(chunk_size=AT_ONCE))
            if count:
                found.append(Mention(model, column.name, count))
    return found


def rows_that_name(model: type[Model], names: Sequence[str], renaming: Renaming) -> QuerySet[Any]:
    """The rows of a table that could name the person in any of these columns."""
    columns = (column for column in columns_of(model) if column.name in names)
    found = [Q(pk__in=naming(model, column, renaming).values("pk")) for column in columns]
    rows: QuerySet[Any] = model._default_manager.filter(reduce(or_, found))
    return rows
