"""What must never be false is refused by the database itself, whoever writes to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from tests.cast import a_definition, a_run, claimed_by, done_by
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import UserTaskComment, UserTaskDef, UserTaskEvent, UserTaskField, UserTaskRun

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def refuses_to_update(row: Model, **columns: Any) -> bool:
    """Whether the database refuses these values for a row, past all code of ours."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    try:
        with transaction.atomic():
            rows.update(**columns)
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "WAITING"},
        {"status": ""},
        {"status": "ASSIGNED"},
        {"status": "DONE", "completed_at": NOON},
        {"user_id": "alice"},
        {"user_group": None},
        {"user_group": ""},
        {"priority": -1},
        {"priority": 101},
        {"version": -1},
        {"epoch": -1},
        {"completed_at": NOON},
        {"results": None},
        {"notes": None},
        {"wf_run_id": None},
    ],
    ids=str,
)
def test_an_unassigned_run_waits_in_a_group_and_nothing_else(columns: dict[str, Any]) -> None:
    assert refuses_to_update(a_run(), **columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"user_id": None},
        {"user_id": ""},
        {"user_group": ""},
        {"status": "UNASSIGNED"},
        {"status": "DONE"},
        {"status": "DONE", "user_id": None, "completed_at": NOON},
        {"status": "CANCELLED", "completed_at": NOON},
    ],
    ids=str,
)
def test_an_assigned_run_has_its_user(columns: dict[str, Any], alice: User) -> None:
    assert refuses_to_update(claimed_by(alice), **columns)


@pytest.mark.parametrize(
    "columns",
    [{"notes": "x"}, {"status": "ASSIGNED", "completed_at": None}, {"results": {}}, {"version": 9}, {"user_id": "bob"}],
    ids=str,
)
def test_an_ended_run_never_changes_again(columns: dict[str, Any], alice: User, mona: User) -> None:
    assert refuses_to_update(done_by(alice), **columns)
    assert refuses_to_update(operations.cancel(claimed_by(alice).id, by=actor_for(mona)), **columns)


@pytest.mark.parametrize("columns", [{"description": "x"}, {"name": "other"}, {"version": 7}], ids=str)
def test_a_definition_never_changes_again(columns: dict[str, Any]) -> None:
    assert refuses_to_update(a_definition(), **columns)


@pytest.mark.parametrize("columns", [{"name": "x"}, {"required": False}, {"validation": {"min_length": 1}}], ids=str)
def test_a_field_never_changes_again(columns: dict[str, Any]) -> None:
    field = a_definition().fields.first()
    assert field is not None
    assert refuses_to_update(field, **columns)


def test_an_open_run_may_change() -> None:
    assert not refuses_to_update(a_run(), notes="x")


def another(what: str) -> Model:
    """A row that must not be."""
    run, now = a_run(), timezone.now()
    definition = run.definition
    rows: dict[str, Model] = {
        "version twice": UserTaskDef(name=definition.name, version=0),
        "version below 0": UserTaskDef(name="x", version=-1),
        "definition without name": UserTaskDef(name="", version=0),
        "field twice": UserTaskField(definition=definition, name="requestedItem", type="STR", position=9),
        "position twice": UserTaskField(definition=definition, name="x", type="STR", position=0),
        "field without name": UserTaskField(definition=definition, name="", type="STR", position=9),
        "unknown type": UserTaskField(definition=definition, name="x", type="DATE", position=9),
        "event twice": UserTaskEvent(run=run, number=1, time=now, type="saved", actor="x"),
        "event 0": UserTaskEvent(run=run, number=0, time=now, type="saved", actor="x"),
        "comment twice": UserTaskComment(run=run, number=1, user_id="x", comment="x", created_at=now),
    }
    UserTaskComment.objects.create(run=run, number=1, user_id="x", comment="x", created_at=now)
    return rows[what]


@pytest.mark.parametrize(
    "what",
    [
        "version twice",
        "version below 0",
        "definition without name",
        "field twice",
        "position twice",
        "field without name",
        "unknown type",
        "event twice",
        "event 0",
        "comment twice",
    ],
)
def test_a_row_that_must_not_be_is_not_written(what: str) -> None:
    row = another(what)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_a_definition_with_runs_cannot_be_deleted() -> None:
    definition = a_run().definition
    with pytest.raises(IntegrityError), transaction.atomic():
        UserTaskDef.objects.filter(pk=definition.pk).delete()


def test_the_triggers_are_there_after_all_migrations() -> None:
    """SQLite drops them when a migration rebuilds a table: such a migration calls `freeze` again."""
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'",
    }
    with connection.cursor() as cursor:
        cursor.execute(catalogue[connection.vendor])
        names = {name for (name,) in cursor.fetchall()}
    tables = {model._meta.db_table for model in (UserTaskRun, UserTaskDef, UserTaskField)}
    assert {f"{table}_frozen" for table in tables} <= names
