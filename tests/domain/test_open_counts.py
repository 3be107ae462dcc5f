"""PostgreSQL counts the open runs by the day on which they are due, whoever writes them, whenever somebody looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import combinations, product
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from inbox.counts import counts_for
from tests.cast import FINANCE, a_definition, a_run, claimed_by, done_by
from tests.domain.open_counts import (
    DAY,
    HOLDER,
    NOON,
    TABLE,
    TODAY,
    counted,
    kept,
    looking,
    require_right,
    sql,
    there,
    written_rows,
)
from tests.domain.strategies import looking_at
from tests.domain.test_closed_counts import no_triggers, taken_back, written
from tests.plans import costs_of
from usertasks import open_counts, operations, totals
from usertasks.actors import actor_for
from usertasks.filters import counts_of
from usertasks.models import OPEN, OpenCount, Snooze, Status, UserTaskRun
from usertasks.models.orders import NEVER

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
ANSWERS = {"requestedItem": "x", "justification": "y"}
MOMENT = timedelta(microseconds=1)
FAR_WEST = timezone.get_fixed_timezone(-600)


def at(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)


def test_what_begins_and_ends_is_counted_on_the_day_on_which_it_is_due(alice: User) -> None:
    with written_rows() as rows:
        run = claimed_by(alice, due_at=NOON)
        a_run()
    assert rows == [(TODAY, 1), (NEVER.date(), 1)]
    require_right()
    with written_rows() as rows:
        operations.complete(run.id, ANSWERS, by=actor_for(alice))
    assert rows == [(TODAY, -1)]
    require_right()
    assert kept() == {NEVER.date(): 1}


def test_the_day_is_that_of_utc() -> None:
    """Wherever the session, the server or the caller believes to be."""
    sql("SET LOCAL TIME ZONE 'Pacific/Auckland'")
    a_run(due_at=datetime.fromisoformat("2026-11-22T01:00:00+02:00"))
    assert kept() == {TODAY: 1}
    assert totals.recount() == 0


MOVES: Sequence[tuple[str, str, int, dict[date, int]]] = (
    ("to another hour of the day", "due_at = '2026-11-21T23:59:59.999999Z'", 4, {TODAY: 2}),
    ("to another day", "due_at = '2026-11-22T00:00:00Z'", 4, {TODAY + DAY: 2}),
    ("to never", "due_at = NULL", 4, {NEVER.date(): 2}),
    ("to the last moment that there is", "due_at = '9999-12-31T23:59:59.999999Z'", 4, {NEVER.date(): 2}),
    ("to the first one", "due_at = '0001-01-01T00:00:00Z'", 4, {date.min: 2}),
    ("one day each", "due_at = due_at + priority * interval '1 day'", 4, {TODAY + DAY: 1, TODAY + 2 * DAY: 1}),
    ("to somebody else", "user_id = 'bob', status = 'ASSIGNED', version = version + 1", 0, {TODAY: 2}),
    ("to the end, and to a day", "status = 'CANCELLED', due_at = '2026-11-25T00:00:00Z'", 2, {}),
)


@pytest.mark.parametrize(("change", "size", "days"), [move[1:] for move in MOVES], ids=[move[0] for move in MOVES])
def test_who_changes_runs_by_hand_is_counted(change: str, size: int, days: dict[date, int]) -> None:
    for priority in (1, 2):
        a_run(due_at=NOON, priority=priority)
    with written_rows() as rows:
        sql(f"UPDATE {TABLE} SET {change}")
    assert kept() == days
    assert len(rows) == size
    require_right()


def test_what_ended_by_mistake_and_is_opened_again_by_hand_is_counted_again(alice: User) -> None:
    done_by(alice, due_at=NOON)
    assert kept() == {}
    sql(f"ALTER TABLE {TABLE} DISABLE TRIGGER {TABLE}_frozen")
    sql(f"UPDATE {TABLE} SET status = 'ASSIGNED', completed_at = NULL")
    assert kept() == {TODAY: 1}
    require_right()
    sql(f"ALTER TABLE {TABLE} ENABLE TRIGGER {TABLE}_frozen")


@pytest.mark.parametrize(
    ("due", "is_overdue"),
    [("infinity", False), ("-infinity", True), ("4714-11-24 00:00Z BC", True), ("294276-12-31 23:59Z", False)],
)
def test_a_date_that_no_program_can_read_is_counted(due: str, is_overdue: bool) -> None:
    a_run()
    sql(f"UPDATE {TABLE} SET due_at = %s", due)
    for _ in range(2):
        boxes = counts_for(HOLDER, timezone.now()).boxes
        assert (boxes["all"], counted()) == (1, 1)
        assert (boxes["overdue"], counted(overdue=["true"])) == (int(is_overdue), int(is_overdue))
        totals.fold()
    assert totals.recount() == 0
    sql("DELETE FROM usertasks_usertaskevent")
    sql(f"DELETE FROM {TABLE}")
    totals.fold()
    assert not OpenCount.objects.exists()


def test_what_is_deleted_is_counted_no_more() -> None:
    runs = [a_run(due_at=due) for due in (NOON, NOON, None)]
    totals.fold()
    runs[0].delete()
    require_right()
    UserTaskRun.objects.all().delete()
    require_right()
    assert not OpenCount.objects.exists()


COPIES = f"""
INSERT INTO {TABLE} (id, wf_run_id, definition_id, user_task_def_name, user_task_def_version, user_id, user_group,
    status, results, notes, scheduled_time, epoch, version, due_at, priority, request_digest)
SELECT gen_random_uuid(), wf_run_id, definition_id, user_task_def_name, user_task_def_version, 'alice', user_group,
    CASE WHEN n %% 2 = 0 THEN 'ASSIGNED' ELSE 'CANCELLED' END, results, notes, scheduled_time, epoch, version,
    due_at + n / 200 * interval '1 day' + n %% 10 * interval '1 hour', priority, request_digest
FROM {TABLE}, generate_series(0, %s) n
"""
"""So many copies of a run, every other one open, 100 of these on each day."""


def test_runs_that_are_copied_in_are_counted_by_the_day() -> None:
    a_run(due_at=NOON)
    with written_rows() as rows:
        sql(COPIES, 399)
    assert rows == [(TODAY, 100), (TODAY + DAY, 100)]
    require_right()


def test_to_count_what_is_overdue_only_what_is_due_today_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(due_at=NOON)
    sql(COPIES, 5999)
    totals.fold()
    sql(f"ANALYZE {TABLE}, usertasks_opencount")
    now = NOON + 15 * DAY + timedelta(hours=5)
    at(now, monkeypatch)
    search = looking(overdue=["true"])
    for cost in [*costs_of(search.count), *costs_of(lambda: counts_for(HOLDER, now))]:
        assert TABLE not in cost.scanned
        assert cost.all_rows - cost.rows.get("usertasks_opencount", 0) + cost.entries <= 100
    assert search.count() == UserTaskRun.objects.overdue(now).count() == 1 + 1500 + 60


def test_every_search_for_a_status_for_what_is_due_and_for_what_is_put_off_counts_what_it_finds(alice: User) -> None:
    now = timezone.now()
    for due in (None, now - DAY, now + DAY):
        for run in (a_run(due_at=due), claimed_by(alice, due_at=due), done_by(alice, due_at=due)):
            copy = a_run(due_at=due)
            Snooze.objects.bulk_create(Snooze(run=put_off, user_id="mona", until=now + DAY) for put_off in (run, copy))
    statuses = [list(some) for size in range(5) for some in combinations(Status.values, size)]
    choices: Sequence[list[str]] = ([], ["true"], ["false"])
    asked = [
        {name: texts for name, texts in zip(("status", "overdue", "snoozed"), wanted, strict=True) if texts}
        for wanted in product(statuses, choices, choices)
    ]
    searches = [looking(**filters) for filters in asked]
    assert len(asked) == 144
    assert counts_of(searches) == [search.runs().count() for search in searches]


def test_a_table_that_is_emptied_leaves_no_count() -> None:
    a_run(due_at=NOON)
    totals.fold()
    a_run()
    sql(f"TRUNCATE {TABLE} CASCADE")
    assert not OpenCount.objects.exists()
    require_right()


def test_a_total_is_one_row_a_day_however_often_it_grows() -> None:
    assert totals.fold() == 0
    for _ in range(3):
        a_run(due_at=NOON)
        assert totals.fold() == 1
    assert list(OpenCount.objects.values_list("due_day", "is_total", "runs")) == [(TODAY, True, 3)]
    assert totals.fold() == 0


def test_what_was_written_past_the_triggers_is_put_right_by_counting_anew() -> None:
    runs = [a_run(due_at=NOON + days * DAY) for days in (0, 0, 1)]
    with no_triggers():
        written(a_definition(), status="UNASSIGNED", user_group=FINANCE)
        UserTaskRun.objects.filter(pk=runs[0].pk).delete()
        UserTaskRun.objects.filter(pk=runs[2].pk).update(due_at=NOON + 2 * DAY)
    assert kept() != there()
    assert totals.recount() == 4
    require_right()
    with no_triggers():
        UserTaskRun.objects.all().delete()
    assert totals.recount() == 3
    assert not OpenCount.objects.exists()


def test_a_database_that_begins_to_count_knows_what_was_there(alice: User) -> None:
    migration = import_module("usertasks.migrations.0013_open_counts")
    a_run(due_at=NOON)
    done_by(alice)
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.schema_editor(atomic=False) as editor:
        migration.stop(apps, editor)
        OpenCount.objects.all().delete()
        written(a_definition(), status="UNASSIGNED", user_group=FINANCE, due_at=NOON + DAY)
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        migration.start(apps, editor)
    assert kept() == {TODAY: 1, TODAY + DAY: 1}
    require_right()
    a_run()
    require_right()


def test_no_run_is_read_to_count_everything_that_is_open() -> None:
    a_run(due_at=NOON)
    for filters in ({}, {"status": sorted(OPEN)}, {"status": [*Status.values]}):
        with CaptureQueriesContext(connection) as asked:
            assert counted(**filters) == 1
        assert len(asked) == 1
        assert TABLE not in asked.captured_queries[0]["sql"]


NEAR: Sequence[tuple[datetime, int]] = (
    (MIDNIGHT - DAY, 0),
    (MIDNIGHT - MOMENT, 1),
    (MIDNIGHT, 2),
    (MIDNIGHT + MOMENT, 3),
    (NOON, 3),
    (NOON + MOMENT, 4),
    (MIDNIGHT + DAY - MOMENT, 4),
    (MIDNIGHT + DAY, 5),
    (MIDNIGHT + DAY + MOMENT, 6),
    (NEVER - MOMENT, 6),
)
"""When one looks, and how much is overdue then of what is due at these moments."""
DUE = (MIDNIGHT - DAY, MIDNIGHT - MOMENT, MIDNIGHT, NOON, MIDNIGHT + DAY - MOMENT, MIDNIGHT + DAY, NEVER, None)


def test_a_run_is_overdue_from_the_moment_after_it_was_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Midnight makes no difference: what is due then is late after it, and what was due before is late at it."""
    for due in DUE:
        a_run(due_at=due)
    for now, expected in NEAR:
        at(now, monkeypatch)
        assert UserTaskRun.objects.overdue(now).count() == expected
        for local in (now, now.astimezone(FAR_WEST)):
            assert counts_for(HOLDER, local).boxes["overdue"] == expected
            parts = open_counts.counted(local, is_overdue=True)
            assert totals.added_up((0, 1, part) for part in parts) == {0: expected}
        assert counted(overdue=["true"]) == expected
        assert counted(overdue=["false"]) == len(DUE) - expected
        totals.fold()


@dataclass(frozen=True)
class Step:
    """Something that happens to the runs, or to some of them."""

    what: str
    numbers: tuple[int, ...]
    status: str
    due: datetime | None

    def happen(self) -> None:
        owner: dict[str, Any] = {"user_id": None if self.status == Status.UNASSIGNED else "alice", "user_group": "it"}
        done_at = NOON if self.status == Status.DONE else None
        columns = {**owner, "status": self.status, "completed_at": done_at}
        places = list(UserTaskRun.objects.order_by("scheduled_time", "id").values_list("pk", flat=True))
        some = UserTaskRun.objects.filter(pk__in=[places[n] for n in self.numbers if n < len(places)])
        definition = a_definition()
        if self.what == "write":
            written(definition, due_at=self.due, **columns)
        elif self.what == "write many":
            facts = {"user_task_def_name": definition.name, "user_task_def_version": definition.version}
            dues = [self.due, self.due, NOON]
            runs = [UserTaskRun(definition=definition, due_at=due, **facts, **columns) for due in dues]
            UserTaskRun.objects.bulk_create(runs)
        elif self.what == "move":
            some.open().update(due_at=self.due)
        elif self.what == "change":
            some.open().update(**columns)
        elif self.what == "delete":
            some.delete()
        else:
            totals.fold()


steps = st.builds(
    Step,
    what=st.sampled_from(["write", "write", "write many", "move", "change", "change", "delete", "fold"]),
    numbers=st.sets(st.integers(0, 9), min_size=1, max_size=4).map(lambda numbers: tuple(sorted(numbers))),
    status=st.sampled_from(Status.values),
    due=st.sampled_from(DUE),
)


@looking_at(15)
@given(st.lists(steps, min_size=5, max_size=20))
def test_whatever_happens_the_counts_are_what_is_there(steps: list[Step]) -> None:
    with taken_back():
        for step in steps:
            step.happen()
        require_right()
