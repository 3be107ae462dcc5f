"""The runs that have ended are counted when they end, for each person in each group and for each group.

What somebody has open is little, and an index counts it; what has ended grows for ever. A row is written for each run
that ends, is deleted, or changes its owner after it has ended.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from .models import TERMINAL, ClosedCount, UserTaskRun
from .models.counts import OF_GROUPS, OF_PEOPLE, TOTALS, CountKind

OWNERS = ("user_id", "user_group")
COUNTABLE = frozenset({"status", *OWNERS})
"""The filters of a search that leave what is counted here."""

COUNTS, RUNS = ClosedCount._meta.db_table, UserTaskRun._meta.db_table


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
