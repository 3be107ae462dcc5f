"""What is kept of the open runs beside what is there, for tests of the one and of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from inbox.counts import counts_for
from usertasks import totals
from usertasks.actors import Actor
from usertasks.filters import Search
from usertasks.models import OPEN, OpenCount, UserTaskRun
from usertasks.models.orders import NEVER

TABLE = UserTaskRun._meta.db_table
HOLDER = Actor("mona", permissions=frozenset({"view_usertaskrun"}))
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = NOON.date()


def kept() -> dict[date, int]:
    """Day → how many are open, as the counts add up."""
    days: Counter[date] = Counter()
    for day, runs in OpenCount.objects.values_list("due_day", "runs"):
        days[day] += runs
    return {day: runs for day, runs in days.items() if runs}


def there() -> dict[date, int]:
    """The same, run by run."""
    due: Any = UserTaskRun.objects.open().values_list("due_at", flat=True)
    return dict(Counter((moment or NEVER).astimezone(UTC).date() for moment in due))


def looking(**filters: list[str]) -> Search:
    return Search(MultiValueDict(filters), by=HOLDER)


def counted(**filters: list[str]) -> int:
    return looking(**filters).count()


def require_right(now: datetime | None = None) -> None:
    """The counts say what is there, with all totals made and without, to pages and to searches."""
    now = now or timezone.now()
    for _ in range(2):
        assert kept() == there()
        boxes = counts_for(HOLDER, now).boxes
        assert boxes["all"] == counted() == UserTaskRun.objects.count()
        assert boxes["overdue"] == counted(overdue=["true"]) == UserTaskRun.objects.overdue(now).count()
        assert counted(status=sorted(OPEN)) == UserTaskRun.objects.open().count()
        totals.fold()
    assert not OpenCount.objects.filter(is_total=False).exists()
    assert not OpenCount.objects.filter(runs=0).exists()
    assert totals.recount() == 0


@contextmanager
def written_rows() -> Iterator[list[tuple[date, int]]]:
    """The changes that are written in the block, as (day, more or fewer)."""
    rows: list[tuple[date, int]] = []
    known = list(OpenCount.objects.values_list("pk", flat=True))
    yield rows
    rows += OpenCount.objects.exclude(pk__in=known).order_by("due_day", "runs").values_list("due_day", "runs")


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement, values)
