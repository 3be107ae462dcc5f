"""PostgreSQL counts what has ended when it ends: whatever happens to runs, their count is what a look at them says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from threading import Event
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import FINANCE, a_definition, a_run, claimed_by, done_by
from tests.domain.strategies import looking_at
from tests.races.crowd import at_once
from usertasks import operations, totals
from usertasks.actors import Actor, actor_for
from usertasks.audit import seal
from usertasks.filters import Search, counts_of
from usertasks.models import TERMINAL, ClosedCount, Status, UserTaskDef, UserTaskRun
from usertasks.models.counts import CountKind
from usertasks.worker import Worker

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

PEOPLE, GROUPS = ("alice", "bob", FINANCE), (FINANCE, "it", "bob")
"""Some names are those of a person and of a group: one must not be taken for the other."""
HOLDER = Actor("mona", permissions=frozenset({"view_usertaskrun"}))
ACTORS = (
    HOLDER,
    Actor("alice", groups=frozenset({FINANCE})),
    Actor("alice", groups=frozenset(GROUPS), stands_in_for=frozenset({"bob"})),
    Actor("bob", leads=frozenset({"bob"})),
    Actor("", groups=frozenset({"it"}), stands_in_for=frozenset({FINANCE})),
    Actor("nobody"),
)
FILTERS: tuple[dict[str, list[str]], ...] = (
    {},
    {"status": ["DONE"]},
    {"status": ["CANCELLED", "ASSIGNED"], "user_id": ["bob"]},
    {"user_group": [FINANCE], "overdue": ["false"]},
)


def looking(by: Actor, **filters: list[str]) -> Search:
    return Search(MultiValueDict(filters), by=by)


def done(by: Actor = HOLDER, **filters: list[str]) -> int:
    return looking(by, status=["DONE"], **filters).count()


def rows(kind: CountKind) -> dict[tuple[str, str | None, str | None], int]:
    kept = ClosedCount.objects.filter(kind=kind)
    return {(status, user, group): runs for _, _, status, user, group, runs in kept.values_list()}


def require_right() -> None:
    """Everybody is told as many as they can see, with all totals made and without."""
    asked = [(by, wanted) for by in ACTORS for wanted in FILTERS]
    runs: list[Any] = list(UserTaskRun.objects.values("status", "user_id", "user_group"))
    there = [sum(is_seen(run, by) and is_wanted(run, wanted) for run in runs) for by, wanted in asked]
    searches = [looking(by, **wanted) for by, wanted in asked]
    assert counts_of(searches) == there
    totals.fold()
    assert not rows(CountKind.CHANGE)
    assert counts_of(searches) == there
    assert totals.recount() == 0


def is_seen(run: dict[str, Any], by: Actor) -> bool:
    seen_as, groups = {by.user_id, *by.stands_in_for}, by.groups | by.leads
    return by.holds("view_usertaskrun") or run["user_id"] in seen_as or run["user_group"] in groups


def is_wanted(run: dict[str, Any], wanted: dict[str, list[str]]) -> bool:
    """No run here is ever due."""
    return all(run[name] in texts for name, texts in wanted.items() if name != "overdue")


def written(definition: UserTaskDef, **columns: Any) -> None:
    """A run as a bulk load would write it."""
    name, version = definition.name, definition.version
    UserTaskRun.objects.create(definition=definition, user_task_def_name=name, user_task_def_version=version, **columns)


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def cancelled(run: UserTaskRun) -> UserTaskRun:
    return operations.cancel(
        run.id, by=Actor("mona", permissions=frozenset({"cancel_usertaskrun", "view_usertaskrun"}))
    )


def test_what_ends_is_counted_for_whoever_sees_it(alice: User, bob: User, charlie: User) -> None:
    done_by(alice)
    done_by(bob)
    cancelled(a_run())
    cancelled(a_run(user_group="it"))
    claimed_by(alice)
    require_right()
    assert done() == done(actor_for(bob)) == 2
    assert done(actor_for(alice), user_id=["alice"]) == 1
    assert done(actor_for(charlie)) == 0
    assert looking(actor_for(charlie)).count() == 1
    assert looking(actor_for(alice)).count() == 4


def test_who_ends_a_run_of_somebody_else_is_counted_in_their_place(alice: User) -> None:
    run = claimed_by(alice)
    manager = Actor("bob", permissions=frozenset({"view_usertaskrun", "override_claim"}))
    operations.complete(run.id, {"requestedItem": "x", "justification": "y"}, by=manager)
    require_right()
    assert (done(user_id=["alice"]), done(user_id=["bob"])) == (0, 1)


def test_work_that_goes_on_writes_nothing(alice: User) -> None:
    run = claimed_by(alice)
    operations.save_progress(run.id, {"justification": "so far"}, by=actor_for(alice))
    operations.release(run.id, by=actor_for(alice))
    a_run().delete()
    assert not ClosedCount.objects.exists()


def test_no_run_that_has_ended_is_read_to_count_it(alice: User) -> None:
    done_by(alice)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert counts_of([looking(by, status=[*TERMINAL]) for by in ACTORS])[:3] == [1, 1, 1]
    assert UserTaskRun._meta.db_table not in asked.captured_queries[0]["sql"]
    assert len(asked) == 1


def test_a_total_is_one_row_however_often_it_grows(alice: User) -> None:
    for _ in range(3):
        done_by(alice)
        totals.fold()
    assert rows(CountKind.PERSON) == {("DONE", "alice", FINANCE): 3}
    assert rows(CountKind.GROUP) == {("DONE", None, FINANCE): 3}
    assert totals.fold() == 0


def test_what_is_deleted_is_counted_no_more(alice: User, bob: User) -> None:
    for run in (done_by(alice), cancelled(a_run())):
        totals.fold()
        run.delete()
        require_right()
    done_by(bob)
    seal(timezone.now())
    call_command("purge", older_than="0h", stdout=io.StringIO(), stderr=io.StringIO())
    assert looking(HOLDER).count() == 0
    assert not ClosedCount.objects.exists()


def test_what_is_made_anonymous_is_counted_under_the_new_name(alice: User, bob: User) -> None:
    done_by(alice)
    done_by(bob)
    totals.fold()
    call_command("anonymise_person", "alice", pseudonym="former-1", stdout=io.StringIO())
    assert rows(CountKind.PERSON) == {("DONE", "former-1", FINANCE): 1, ("DONE", "bob", FINANCE): 1}
    seal(timezone.now())
    call_command("purge", older_than="0h", anonymise=True, stdout=io.StringIO(), stderr=io.StringIO())
    assert rows(CountKind.PERSON) == {("DONE", "usertasks:anonymous", FINANCE): 2}
    assert not rows(CountKind.CHANGE)
    require_right()


def test_a_group_that_gets_another_name_takes_its_runs_along(alice: User) -> None:
    done_by(alice)
    UserTaskRun.objects.update(user_group="treasury", anonymised_at=timezone.now())
    require_right()
    assert (done(user_group=[FINANCE]), done(user_group=["treasury"])) == (0, 1)


def test_many_that_are_written_at_once_are_counted_one_by_one(alice: User) -> None:
    runs = [claimed_by(alice) for _ in range(3)]
    for run in runs:
        run.status, run.completed_at = Status.DONE, timezone.now()
    UserTaskRun.objects.bulk_update(runs, ["status", "completed_at"])
    require_right()
    assert done() == 3


def test_what_is_taken_back_was_never_counted(alice: User) -> None:
    with taken_back():
        done_by(alice)
        assert done() == 1
    assert done() == 0
    require_right()


def test_a_table_that_is_emptied_leaves_no_count(alice: User) -> None:
    done_by(alice)
    totals.fold()
    done_by(alice)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"TRUNCATE {UserTaskRun._meta.db_table} CASCADE")
    assert not ClosedCount.objects.exists()
    require_right()


@contextmanager
def no_triggers() -> Iterator[None]:
    table = UserTaskRun._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_what_was_written_past_the_triggers_is_put_right_by_counting_anew(alice: User) -> None:
    done_by(alice)
    with no_triggers():
        written(a_definition(), status="DONE", user_id="alice", user_group=FINANCE, completed_at=timezone.now())
        written(a_definition(), status="CANCELLED", user_group=FINANCE)
    assert done() == 1
    assert totals.recount() == 3
    require_right()
    with no_triggers():
        UserTaskRun.objects.all().delete()
    assert totals.recount() == 3
    assert not ClosedCount.objects.exists()


def test_a_database_that_begins_to_count_knows_what_was_there(alice: User) -> None:
    migration = import_module("usertasks.migrations.0012_closed_counts")
    done_by(alice)
    cancelled(a_run())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.schema_editor(atomic=False) as editor:
        migration.stop(apps, editor)
        ClosedCount.objects.all().delete()
        written(a_definition(), status="DONE", user_id="bob", completed_at=timezone.now())
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        migration.start(apps, editor)
    require_right()
    assert done() == 2
    done_by(alice)
    require_right()
    assert done() == 3


def test_a_worker_makes_the_totals(alice: User) -> None:
    stop = Event()

    class Once:
        name = "once"

        def take(self, now: Any, limit: int) -> list[Any]:
            stop.set()
            return []

    done_by(alice)
    Worker(jobs=[Once()]).run(stop)  # type: ignore[list-item]
    assert rows(CountKind.PERSON) == {("DONE", "alice", FINANCE): 1}
    assert not rows(CountKind.CHANGE)


@pytest.mark.django_db(transaction=True)
def test_a_total_that_is_made_meanwhile_neither_waits_nor_loses_what_is_not_committed(alice: User) -> None:
    runs = [claimed_by(alice) for _ in range(3)]
    is_done = [Event(), Event()]
    may_end = Event()
    answers = {"requestedItem": "x", "justification": "y"}

    def complete(number: int) -> int:
        """Two at once, and neither waits for the other."""
        with transaction.atomic():
            operations.complete(runs[number].id, answers, by=actor_for(alice))
            is_done[number].set()
            assert may_end.wait(30)
            return done()

    def fold() -> list[int]:
        assert all(event.wait(30) for event in is_done)
        counts = [totals.fold(), done()]
        may_end.set()
        return counts

    operations.complete(runs[2].id, answers, by=actor_for(alice))
    first, second, (folded, seen) = at_once([lambda: complete(0), lambda: complete(1), fold])
    assert (folded, seen) == (3, 1), "of the person, of the group, and of what is open"
    assert (first, second) == (2, 2) or {first, second} == {2, 3}
    assert done() == 3
    require_right()


@pytest.mark.django_db(transaction=True)
def test_whoever_does_not_want_to_wait_leaves_totals_to_others(alice: User) -> None:
    done_by(alice)
    is_held, may_end = Event(), Event()

    def hold() -> int:
        with transaction.atomic():
            changed = totals.fold()
            is_held.set()
            assert may_end.wait(30)
            return changed

    def try_meanwhile() -> tuple[int, int]:
        assert is_held.wait(30)
        try:
            return totals.fold(), done()
        finally:
            may_end.set()

    assert at_once([hold, try_meanwhile]) == [2, (0, 1)]
    require_right()


@dataclass(frozen=True)
class Step:
    """Something that happens to the runs, or to one of them, and what that one becomes."""

    what: str
    number: int
    status: str
    user_id: str | None
    user_group: str | None

    @property
    def columns(self) -> dict[str, Any]:
        """The owner and the status, as a run with this status has them."""
        owner = {"user_id": self.user_id, "user_group": self.user_group}
        if self.status == Status.UNASSIGNED:
            owner = {"user_id": None, "user_group": self.user_group or "it"}
        elif self.status != Status.CANCELLED:
            owner["user_id"] = self.user_id or "alice"
        return {**owner, "status": self.status, "completed_at": timezone.now() if self.status == Status.DONE else None}

    def happen(self, definition: UserTaskDef) -> None:
        one = UserTaskRun.objects.order_by("scheduled_time", "id")[self.number :][:1]
        runs = UserTaskRun.objects.filter(pk__in=one)
        if self.what == "write":
            written(definition, **self.columns)
        elif self.what == "change":
            runs.open().update(**self.columns)
        elif self.what == "rename":
            runs.exclude(user_id=None).update(user_id="bob", user_group=self.user_group, anonymised_at=timezone.now())
        elif self.what == "delete":
            runs.delete()
        elif self.what == "fold":
            totals.fold()
        else:
            with taken_back():
                written(definition, **self.columns)
                runs.delete()
                totals.fold()


steps = st.builds(
    Step,
    what=st.sampled_from(["write", "write", "write", "change", "change", "rename", "delete", "fold", "take back"]),
    number=st.integers(0, 9),
    status=st.sampled_from(Status.values),
    user_id=st.sampled_from([None, *PEOPLE]),
    user_group=st.sampled_from([None, *GROUPS]),
)


@looking_at(15)
@given(st.lists(steps, min_size=5, max_size=20))
def test_whatever_happens_the_counts_are_what_is_there(steps: list[Step]) -> None:
    with taken_back():
        definition = a_definition()
        for step in steps:
            step.happen(definition)
        require_right()
