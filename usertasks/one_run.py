"""One run, by its id: as somebody may see it, or locked to be changed."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field

from .actors import Actor
from .by_key import Reader, columns_of, reader_of
from .errors import NotFound
from .models import Snooze, UserTaskRun
from .prepared import prepared_cursor
from .rules import Action, decide

RUNS, SNOOZES = (f'"{model._meta.db_table}"' for model in (UserTaskRun, Snooze))
KEY: Field[Any, Any] = UserTaskRun._meta.get_field("id")


def seen_run(run_id: UUID, *, by: Actor) -> UserTaskRun:
    """The run, if `by` may see it. Raises `NotFound`, which takes the same to find out, whether there is one or not."""
    run = _read_run(run_id, by.user_id, is_locked=False)
    if run is None or not decide(Action.VIEW, run, by).allowed:
        raise NotFound("There is no such run.")
    return run


def lock_run(run_id: UUID, *, snooze_of: str) -> UserTaskRun | None:
    """A run as it was committed last, locked until the end of the transaction, and until when one person has put it
    off."""
    return _read_run(run_id, snooze_of, is_locked=True)


def _read_run(run_id: UUID, snooze_of: str, *, is_locked: bool) -> UserTaskRun | None:
    with prepared_cursor() as cursor:
        values = [snooze_of, KEY.get_db_prep_value(run_id, connection)]
        cursor.execute(_reading(connection.vendor, is_locked=is_locked), values)
        row = cursor.fetchone()
    if row is None:
        return None
    *stored, until = row
    run: UserTaskRun = columns_of(UserTaskRun).row(stored)
    run.snooze_at_hand = snooze_of, _moment(connection.vendor)(until)
    return run


@cache
def _reading(vendor: str, *, is_locked: bool) -> str:
    snooze = f"SELECT until FROM {SNOOZES} WHERE run_id = {RUNS}.id AND user_id = %s"  # nosec B608 # names of tables and columns
    # SQLite has one writer at a time anyway.
    lock = " FOR NO KEY UPDATE" if is_locked and vendor == "postgresql" else ""
    return f"SELECT {columns_of(UserTaskRun).text}, ({snooze}) FROM {RUNS} WHERE id = %s{lock}"  # nosec B608 # names of tables and columns


@cache
def _moment(vendor: str) -> Reader:
    """What makes a time of what the database gives."""
    return reader_of(Snooze._meta.get_field("until")) or (lambda stored: stored)
