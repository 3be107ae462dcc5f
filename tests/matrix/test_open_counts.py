"""Whatever the door through which runs begin, change hands and end, PostgreSQL counts those that are open."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import grpc
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.api.conftest import Caller
from tests.cast import CREATING, FINANCE, MANAGING, a_definition, a_run, a_user, token_of
from tests.domain.open_counts import DAY, NOON, TODAY, kept, require_right, written_rows
from tests.inbox.pages import signed_in
from tests.matrix.doors import VERBS, YES, Grpc, Page, Question, Rest
from tests.rpc.clients import Client
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import ArmedHook, OpenCount
from usertasks.models.orders import NEVER
from usertasks.operations import RunRequest

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


def test_the_same_request_again_counts_once() -> None:
    request = RunRequest(user_task_def_name=a_definition().name, user_group=FINANCE, id=UUID(int=7), due_at=NOON)
    by = actor_for(a_user("engine", permissions=CREATING))
    for _ in range(2):
        operations.create(request, by=by)
    assert kept() == {TODAY: 1}


def test_a_batch_writes_a_row_for_each_day(service: User) -> None:
    name = a_definition().name
    dues = [NOON, NOON + timedelta(hours=3), NOON + DAY, None]
    runs = [
        {"user_task_def": {"name": name}, "user_group": FINANCE, "due_at": due and due.isoformat()} for due in dues * 5
    ]
    with written_rows() as rows:
        assert Caller(service).post("user-task-runs/batch/", {"runs": runs}).status_code == 201
    assert rows == [(TODAY, 10), (TODAY + DAY, 5), (NEVER.date(), 5)]
    require_right()


def test_a_batch_that_is_refused_counts_nothing(service: User) -> None:
    name = a_definition().name
    runs = [{"user_task_def": {"name": wanted}, "user_group": FINANCE} for wanted in (name, name, "unknown")]
    assert Caller(service).post("user-task-runs/batch/", {"runs": runs}).status_code == 400
    assert not OpenCount.objects.exists()
    assert Caller(service).post("user-task-runs/batch/", {"runs": runs, "atomic": False}).status_code == 201
    assert kept() == {NEVER.date(): 2}
    require_right()


@pytest.mark.django_db(transaction=True)
def test_through_every_door_only_what_ends_a_run_writes(channel: grpc.Channel) -> None:
    mona = a_user("mona", groups=[FINANCE], permissions=MANAGING)
    a_user("bob", groups=[FINANCE])
    doors = (Rest(Caller(mona)), Grpc(Client(channel, token_of(mona))), Page(signed_in(mona)))
    for name, verb in VERBS.items():
        for door in (door for door in doors if door.has(verb, None)):
            owner = None if name == "claim" else "mona"
            run = a_run(user_id=owner, due_at=NOON)
            operations.add_comment(run.id, "Hello", by=actor_for(mona))
            run.refresh_from_db()
            with written_rows() as rows:
                assert door.ask(verb, Question(run, "mona", is_forced=name == "assign")) == YES, (name, door.name)
            assert rows == ([(TODAY, -1)] if name in ("complete", "cancel") else []), (name, door.name)
    require_right()


def test_what_happens_by_itself_is_counted_too() -> None:
    actions = [
        {"hook": "ON_ARRIVAL", "delay_seconds": 1, "reassign": {"user_id": "bob", "user_group": None}},
        {"hook": "ON_ARRIVAL", "delay_seconds": 2, "cancel": {}},
    ]
    run = a_run(user_id="alice", due_at=NOON, actions=actions)
    reassign, cancel = ArmedHook.objects.filter(run=run).order_by("due_at")
    with written_rows() as rows:
        operations.fire(reassign.pk, now=timezone.now() + DAY)
    assert rows == []
    operations.fire(cancel.pk, now=timezone.now() + DAY)
    assert kept() == {}
    require_right()


def test_what_is_changed_in_bulk_and_taken_back_is_counted(alice: User, mona: User) -> None:
    ids = [a_run(due_at=NOON).id.hex for _ in range(3)]
    caller = Caller(mona)
    assign = {"action": "assign", "ids": ids, "arguments": {"user_id": "alice", "user_group": FINANCE}}
    with written_rows() as rows:
        undo = caller.post("user-task-runs/bulk/", assign).json()["undo"]
        assert caller.post(f"user-task-runs/bulk/{undo}/undo/").status_code == 200
        assert caller.post("user-task-runs/bulk/", {"action": "cancel", "ids": ids, "dry_run": True}).status_code == 200
    assert rows == []
    assert caller.post("user-task-runs/bulk/", {"action": "cancel", "ids": ids[:2]}).status_code == 200
    assert kept() == {TODAY: 1}
    require_right()
