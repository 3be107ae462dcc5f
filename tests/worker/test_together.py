"""Several at work at the same time, on PostgreSQL: workers, and people who are in their way."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from tests.cast import FINANCE, a_definition, a_run
from tests.races.crowd import at_once
from tests.worker import deployed
from tests.worker.timers import HOUR, on, running, states, types
from usertasks import operations
from usertasks.actors import Actor
from usertasks.models import ArmedHook, UserTaskRun
from usertasks.worker import TaskHooks, work_off

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ALICE = Actor("alice", groups=frozenset({FINANCE}))
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}
SECONDS_TO_WAIT = 20


def test_several_workers_do_everything_once(deployment: Settings) -> None:
    definition = a_definition()
    reminded = [on("ON_ARRIVAL", 0, task=running("note"))]
    changed = [on("ON_TASK_ASSIGNED", 60, reassign={"user_id": "bob"}), on("ON_ARRIVAL", 120, cancel={})]
    runs = [a_run(definition, user_id="alice", actions=actions) for actions in [reminded, changed] * 40]
    now = runs[-1].scheduled_time + HOUR
    at_once([lambda: work_off([TaskHooks()], now)] * 4)
    work_off([TaskHooks()], now)
    assert not ArmedHook.objects.armed().exists()
    # Where one worker has taken the reassignment and another the cancellation, either may come first.
    allowed = {
        "task": [["created", "task_executed"]],
        "cancel": [["created", "assigned", "cancelled"], ["created", "cancelled"]],
    }
    for run in runs:
        happened, kind = types(run), run.armed_hooks.earliest("id").action
        assert happened in allowed[kind]
        assert [event.number for event in run.events.all()] == list(range(1, len(happened) + 1))
        assert ArmedHook.objects.filter(run=run, state="fired").count() == len(happened) - 1
    keys = [call["key"] for call in deployed.CALLS]
    assert len(keys) == len(set(keys)) == 40


def wait_until_somebody_waits_for_a_lock() -> None:
    waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    end = time.monotonic() + SECONDS_TO_WAIT
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for a lock")


@pytest.mark.parametrize(
    ("completes", "after"),
    [(False, ("cancel", "fired", "")), (True, ("cancel", "lapsed", "ended"))],
    ids=["saves", "completes"],
)
def test_a_hook_that_is_due_waits_for_the_person_who_is_just_changing_the_run(
    completes: bool, after: tuple[str, str, str]
) -> None:
    run = a_run(user_id="alice", actions=[on("ON_ARRIVAL", 0, cancel={})])

    def work() -> Any:
        try:
            return work_off([TaskHooks()], run.scheduled_time + timedelta(minutes=1))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            operations.save_progress(run.id, RESULTS, by=ALICE)
            worker: Future[Any] = pool.submit(work)
            wait_until_somebody_waits_for_a_lock()
            assert not worker.done()
            if completes:
                operations.complete(run.id, {}, by=ALICE)
        worker.result(SECONDS_TO_WAIT)
    assert states(run) == [after]
    status = UserTaskRun.objects.get(pk=run.pk).status
    assert status == ("DONE" if completes else "CANCELLED")
