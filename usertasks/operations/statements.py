"""The statements of an operation, in SQL: having the ORM write them takes several times as long as sending them.

They name no column of their own: the models say which there are, and how a value is stored and read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field

from .. import chain
from ..models import UserTaskEvent, UserTaskRun
from ..prepared import prepared_cursor

type Newest = tuple[int, str]
"""The number and the link of the newest event of a run."""

NOTHING_YET: Newest = (0, chain.BEGINNING)
"""What the first event of a run follows."""

RUNS, EVENTS = (f'"{model._meta.db_table}"' for model in (UserTaskRun, UserTaskEvent))
KEY: Field[Any, Any] = UserTaskRun._meta.get_field("id")
FIELDS: Sequence[Field[Any, Any]] = UserTaskRun._meta.concrete_fields
FIELDS_OF_EVENT = [field for field in UserTaskEvent._meta.concrete_fields if not field.primary_key]

NEWEST = "SELECT {column} FROM " + EVENTS + " WHERE run_id = " + RUNS + ".id ORDER BY number DESC LIMIT 1"  # nosec B608 # names of tables and columns


def update_runs(runs: Sequence[UserTaskRun], names: Collection[str]) -> dict[UUID, Newest]:
    """Write these columns of locked runs; gives the newest event of each.

    A statement sees what was committed before it began. The one that waited for the lock may have begun before the
    newest event was; this one begins when the lock is held, and so nobody else adds an event any more.
    """
    fields = [KEY, *(field for field in FIELDS if field.attname in names)]
    newest: dict[UUID, Newest] = {}
    with _cursor_for(runs) as cursor:
        for some in batched(runs, _rows_at_once(len(fields))):
            cursor.execute(_updating(fields, len(some)), [value for run in some for value in _stored(run, fields)])
            for key, number, link in cursor.fetchall():
                newest[key if isinstance(key, UUID) else UUID(key)] = (number, link) if number else NOTHING_YET
    return newest


def _updating(fields: Sequence[Field[Any, Any]], count: int) -> str:
    columns = [f'"{field.column}"' for field in fields]
    # PostgreSQL takes the types of the first row for all of them, and a NULL for a text.
    first = ", ".join(_typed(field) if connection.vendor == "postgresql" else "%s" for field in fields)
    others = f", ({', '.join(['%s'] * len(fields))})" * (count - 1)
    changes = ", ".join(f"{column} = fresh.{column}" for column in columns[1:])
    number, link = NEWEST.format(column="number"), NEWEST.format(column="link")
    return (
        f"WITH fresh ({', '.join(columns)}) AS (VALUES ({first}){others}) UPDATE {RUNS} SET {changes} FROM fresh "
        f"WHERE {RUNS}.id = fresh.id RETURNING {RUNS}.id, ({number}), ({link})"  # nosec B608 # names of tables and columns
    )


def _typed(field: Field[Any, Any]) -> str:
    """A placeholder with the type of a column, but for its length: a cast would cut what is too long."""
    return f"%s::{str(field.db_type(connection)).partition('(')[0]}"


def insert_events(events: Sequence[UserTaskEvent]) -> None:
    """Write new events. The objects do not get to know their ids."""
    columns = ", ".join(f'"{field.column}"' for field in FIELDS_OF_EVENT)
    row = f"({', '.join(['%s'] * len(FIELDS_OF_EVENT))})"
    with _cursor_for(events) as cursor:
        for some in batched(events, _rows_at_once(len(FIELDS_OF_EVENT))):
            rows = ", ".join([row] * len(some))
            values = [value for event in some for value in _stored(event, FIELDS_OF_EVENT)]
            cursor.execute(f"INSERT INTO {EVENTS} ({columns}) VALUES {rows}", values)  # nosec B608 # names of tables and columns


def _cursor_for(rows: Sequence[Any]) -> AbstractContextManager[Any]:
    """What is sent for one row is sent all the time; for so and so many, hardly ever twice."""
    return prepared_cursor() if len(rows) == 1 else connection.cursor()


def _stored(row: UserTaskRun | UserTaskEvent, fields: Sequence[Field[Any, Any]]) -> Iterator[Any]:
    return (field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields)


def _rows_at_once(columns: int) -> int:
    """How many rows of so many values a statement takes; PostgreSQL gets them written into it, as many as there are."""
    most = connection.features.max_query_params
    return most // columns if most else 10_000
