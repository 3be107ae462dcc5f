"""Counts that are written when runs change, and not made when somebody looks: how they are kept, and added up.

On PostgreSQL, triggers write rows that say how many runs more or fewer there are, in the transaction that changes these
(migrations 0012 and 0013). Such rows are only ever added, so that nobody waits for anybody. `fold` makes totals of them
now and then. Who looks adds up the totals and what is in none yet, in one statement: the count is exact with folds and
without. `closed_counts.py` says what is kept of the runs that have ended, `open_counts.py` of those that are open.

Other databases count the runs themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import batched
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

from . import closed_counts, open_counts
from .conditions_of import conditions_of
from .models import UserTaskRun

KEY = f"hashtext('{closed_counts.COUNTS}')"
"""Of the lock that whoever changes totals holds to the end of the transaction; so does a TRUNCATE of the runs."""
TRY, WAIT = f"SELECT pg_try_advisory_xact_lock({KEY})", f"SELECT true FROM pg_advisory_xact_lock({KEY})"  # nosec B608 # names of tables and columns

FOLD = (closed_counts.FOLD, open_counts.FOLD)
CORRECT = (closed_counts.CORRECT, open_counts.CORRECT)
TIDY = tuple(f"DELETE FROM {table} WHERE runs = 0" for table in (closed_counts.COUNTS, open_counts.COUNTS))  # nosec B608 # names of tables and columns
"""A total of nothing would keep the name of somebody who is made anonymous, and a day that is over."""

type Part = tuple[int, int, QuerySet[Any, Any]]
"""A number, a sign, and what is counted."""

COUNTED_AT_ONCE = 250
"""SQLite takes a union of 500 at most, and whoever keeps a hundred filters asks for more."""


def added_up(parts: Iterable[Part]) -> Counter[int]:
    """Number → how many runs the parts with this number have, each counted with its sign.

    A part is of runs, or of their counts. One statement counts all of them, at one moment; hardly ever it takes two.
    """
    found: Counter[int] = Counter()
    for some in batched(_statements(parts), COUNTED_AT_ONCE):
        with connection.cursor() as cursor:
            text, parameters = " UNION ALL ".join(text for text, _ in some), [each for _, more in some for each in more]
            cursor.execute(text, parameters)
            for number, size in cursor.fetchall():
                found[number] += size
    return found


def _statements(parts: Iterable[Part]) -> Iterator[tuple[str, Sequence[Any]]]:
    """What counts each part, in SQL, with its parameters; of what cannot match there is none."""
    for number, sign, part in parts:
        size = "count(*)" if part.model is UserTaskRun else "coalesce(sum(runs), 0)"
        with suppress(EmptyResultSet):
            condition, parameters = conditions_of(part)
            table = part.model._meta.db_table
            yield f'SELECT {number:d}, {sign:d} * {size} FROM "{table}" WHERE {condition}', parameters  # nosec B608 # made by Django but for the numbers


def fold(*, is_patient: bool = False) -> int:
    """Make totals of what has been committed; how many that changed.

    While somebody else is at it, it is left to them, who may have begun before something was committed; who is patient
    waits for them and then does it.
    """
    return _change(FOLD, is_patient=is_patient)


def recount() -> int:
    """Count all runs, and put right the totals that are wrong; how many these were.

    Nobody waits for it. None is wrong unless somebody wrote runs without the triggers.
    """
    fold(is_patient=True)
    return _change(CORRECT, is_patient=True)


@transaction.atomic
def _change(statements: Sequence[str], *, is_patient: bool) -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(WAIT if is_patient else TRY)
        if not cursor.fetchone()[0]:
            return 0
        changed = 0
        for statement in statements:
            cursor.execute(statement)
            changed += cursor.rowcount
        for statement in TIDY:
            cursor.execute(statement)
    return changed
