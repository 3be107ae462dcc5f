"""The open runs are counted while they begin and end, by the day on which they are due.

Who sees everything asks how many there are, and how many are overdue. Those that were due before today are overdue
whatever the hour; only those that are due today have to be looked at. Nobody else's numbers are here: what one person
sees, and what waits in a group, changes with every claim, and an index counts it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from django.db import connection

from .models import OPEN, OpenCount, UserTaskRun
from .models.counts import OpenCountQuerySet
from .models.orders import NEVER, due_before, due_from
from .models.runs import UserTaskRunQuerySet

COUNTABLE = frozenset({"status", "overdue"})
"""The filters of a search that leave what is counted here, where they ask for all that is open."""

COUNTS, RUNS = OpenCount._meta.db_table, UserTaskRun._meta.db_table
DAY = f"(coalesce(due_at, '{NEVER}') AT TIME ZONE 'UTC')::date"

# It fits the constraint `open_count_one_total`.
ADD_TO_TOTALS = "ON CONFLICT (due_day) WHERE is_total DO UPDATE SET runs = total.runs + excluded.runs"

FOLD = f"""
    WITH change AS (DELETE FROM {COUNTS} WHERE NOT is_total RETURNING due_day, runs)
    INSERT INTO {COUNTS} AS total (due_day, is_total, runs)
    SELECT due_day, true, sum(runs) FROM change GROUP BY due_day HAVING sum(runs) <> 0
    {ADD_TO_TOTALS}
"""  # nosec B608 # names of tables and columns

# What others commit meanwhile changes the runs and their counts by the same, and so it does not change the difference.
CORRECT = f"""
    INSERT INTO {COUNTS} AS total (due_day, is_total, runs)
    SELECT due_day, true, sum(missing) FROM (
        SELECT {DAY} AS due_day, 1 AS missing FROM {RUNS} WHERE status IN ('{"', '".join(sorted(OPEN))}')
        UNION ALL SELECT due_day, -runs FROM {COUNTS}
    ) known GROUP BY due_day HAVING sum(missing) <> 0
    {ADD_TO_TOTALS}
"""  # nosec B608 # names of tables and columns


def is_counted(filters: Collection[str], statuses: Collection[str]) -> bool:
    """Whether the runs with these statuses that these filters leave are counted here, for who sees everything."""
    return connection.vendor == "postgresql" and COUNTABLE.issuperset(filters) and set(statuses) == OPEN


def beginning_of_day(now: datetime) -> datetime:
    """Whatever was due before, was due on an earlier day."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def counted(now: datetime, *, is_overdue: bool) -> list[OpenCountQuerySet | UserTaskRunQuerySet]:
    """What adds up to the number of open runs, or to that of those which were due by now."""
    if not is_overdue:
        return [OpenCount.objects.all()]
    today = beginning_of_day(now)
    due_today = UserTaskRun.objects.open().filter(due_from(today), due_before(now))
    return [OpenCount.objects.due_before(today.date()), due_today]
