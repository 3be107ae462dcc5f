"""The runs that have ended are counted when they end, and not when somebody looks.

What is open is little, and an index counts it; what has ended grows for ever. On PostgreSQL, triggers write a row for
each run that ends, is deleted, or changes its owner after it has ended, in the transaction that does so (migration
0012). These rows are only ever added, so that nobody waits for anybody. `fold` makes totals of them now and then. Who
looks adds up the totals and what is in none yet, in one statement: the count is exact with folds and without.

Other databases count the runs themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import batched
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, QuerySet, Sum, Value

from .models import TERMINAL, ClosedCount, UserTaskRun
from .models.counts import OF_GROUPS, OF_PEOPLE, TOTALS, CountKind

OWNERS = ("user_id", "user_group")
COUNTABLE = frozenset({"status", *OWNERS})
"""The filters of a search that leave what is counted here."""

COUNTS, RUNS = ClosedCount._meta.db_table, UserTaskRun._meta.db_table
KEY = f"hashtext('{COUNTS}')"
"""Of the lock that whoever changes totals holds to the end of the transaction; so does a TRUNCATE of the runs."""
TRY, WAIT = f"SELECT pg_try_advisory_xact_lock({KEY})", f"SELECT true FROM pg_advisory_xact_lock({KEY})"  # nosec B608 # names of tables and columns


def _any_of(values: Collection[str]) -> str:
    return f"({', '.join(f"'{value}'" for value in sorted(values))})"


# It fits the constraint `closed_count_one_total`.
ADD_TO_TOTALS = f"""
    ON CONFLICT (kind, status, coalesce(user_id, ''), coalesce(user_group, '')) WHERE kind IN {_any_of(TOTALS)}
    DO UPDATE SET runs = total.runs + excluded.runs
"""  # nosec B608 # names of tables and columns

FOLD = f"""
    WITH change AS (DELETE FROM {COUNTS} WHERE kind = '{CountKind.CHANGE}' RETURNING status, user_id, user_group, runs)
    INSERT INTO {COUNTS} AS total (kind, status, user_id, user_group, runs)
    SELECT '{CountKind.PERSON}', status, user_id, user_group, sum(runs) FROM change
    WHERE user_id IS NOT NULL GROUP BY status, user_id, user_group HAVING sum(runs) <> 0
    UNION ALL
    SELECT '{CountKind.GROUP}', status, NULL, user_group, sum(runs) FROM change
    GROUP BY status, user_group HAVING sum(runs) <> 0
    {ADD_TO_TOTALS}
"""  # nosec B608 # names of tables and columns
# A total of nothing would keep the name of somebody who is made anonymous.
TIDY = f"DELETE FROM {COUNTS} WHERE runs = 0"  # nosec B608 # names of tables and columns

# What others commit meanwhile changes the runs and their counts by the same, and so it does not change the difference.
CORRECT = f"""
    INSERT INTO {COUNTS} AS total (kind, status, user_id, user_group, runs)
    SELECT '{CountKind.PERSON}', status, user_id, user_group, sum(missing) FROM (
        SELECT status, user_id, user_group, 1 AS missing FROM {RUNS} WHERE status IN {_any_of(TERMINAL)}
        UNION ALL SELECT status, user_id, user_group, -runs FROM {COUNTS} WHERE kind IN {_any_of(OF_PEOPLE)}
    ) known WHERE user_id IS NOT NULL GROUP BY status, user_id, user_group HAVING sum(missing) <> 0
    UNION ALL
    SELECT '{CountKind.GROUP}', status, NULL, user_group, sum(missing) FROM (
        SELECT status, user_group, 1 AS missing FROM {RUNS} WHERE status IN {_any_of(TERMINAL)}
        UNION ALL SELECT status, user_group, -runs FROM {COUNTS} WHERE kind IN {_any_of(OF_GROUPS)}
    ) known GROUP BY status, user_group HAVING sum(missing) <> 0
    {ADD_TO_TOTALS}
"""  # nosec B608 # names of tables and columns


def is_counted(filters: Collection[str]) -> bool:
    """Whether the ended runs that these filters leave are counted here."""
    return connection.vendor == "postgresql" and COUNTABLE.issuperset(filters)


COUNTED_AT_ONCE = 250
"""SQLite takes a union of 500 at most, and whoever keeps a hundred filters asks for more."""


def added_up(parts: Iterable[tuple[int, int, QuerySet[Any, Any]]]) -> Counter[int]:
    """Number → how many runs the parts with this number have, each counted with its sign.

    A part is of runs, or of their counts. One statement counts all of them, at one moment; hardly ever it takes two.
    """
    found: Counter[int] = Counter()
    sizes = [
        part.order_by().annotate(box=Value(number), sign=Value(sign)).values("box", "sign").annotate(size=_size(part))
        for number, sign, part in parts
    ]
    for first, *more in batched(sizes, COUNTED_AT_ONCE):
        for number, sign, size in first.union(*more, all=True).values_list("box", "sign", "size"):
            found[number] += sign * size
    return found


def _size(part: QuerySet[Any, Any]) -> Count | Sum:
    return Sum("runs", default=0) if part.model is ClosedCount else Count("*")


def fold(*, is_patient: bool = False) -> int:
    """Make totals of what has been committed; how many that changed.

    While somebody else is at it, it is left to them, who may have begun before something was committed; who is patient
    waits for them and then does it.
    """
    return _change_totals(FOLD, is_patient=is_patient)


def recount() -> int:
    """Count all runs that have ended, and put right the totals that are wrong; how many these were.

    Nobody waits for it. None is wrong unless somebody wrote runs without the triggers.
    """
    fold(is_patient=True)
    return _change_totals(CORRECT, is_patient=True)


@transaction.atomic
def _change_totals(statement: str, *, is_patient: bool) -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(WAIT if is_patient else TRY)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(statement)
        changed: int = cursor.rowcount
        cursor.execute(TIDY)
    return changed
