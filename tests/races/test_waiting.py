"""Whoever waits for a run goes on from what it has become meanwhile, and many at once wait for nobody for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from tests.cast import a_run
from tests.races.crowd import at_once, codes
from usertasks import bulk, chain, operations
from usertasks.actors import Actor
from usertasks.models import UserTaskRun

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

FINANCE = frozenset({"finance"})
ALICE, BOB = Actor("alice", groups=FINANCE), Actor("bob", groups=FINANCE)
MONA = Actor("mona", permissions=frozenset({"view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun"}))
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}
SECONDS = 30


def assert_somebody_waits() -> None:
    """Go on as soon as somebody waits for a lock."""
    end = time.monotonic() + SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone()[0]:
                return
    pytest.fail("nobody waits")


def after_a_comment(run: UserTaskRun, call: Callable[[], Any]) -> Any:
    """What a call gives that has begun, and waits for the run, before a comment on it is committed.

    A comment leaves the row of the run as it was: what waits for the row alone does not notice it.
    """

    def call_and_close() -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            operations.add_comment(run.id, "Which colour?", by=BOB)
            waiting = thread.submit(call_and_close)
            assert_somebody_waits()
        return waiting.result(SECONDS)


def told(run: UserTaskRun) -> list[str]:
    """The types of the events, each of which has the next number and follows the link of the one before."""
    previous, events = chain.BEGINNING, list(run.events.order_by("number"))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    for event in events:
        assert chain.is_signed(event.link, chain.of_event(event, previous))
        previous = event.link
    return [event.type for event in events]


@pytest.mark.parametrize(
    ("call", "types"),
    [
        (lambda run: operations.claim(run.id, by=ALICE), ["assigned"]),
        (lambda run: operations.save_progress(run.id, RESULTS, by=ALICE), ["saved"]),
        (lambda run: operations.complete(run.id, RESULTS, by=ALICE), ["assigned", "completed"]),
        (lambda run: operations.cancel(run.id, by=MONA), ["cancelled"]),
        (lambda run: operations.add_comment(run.id, "Blue.", by=ALICE), ["comment_added"]),
        (lambda run: bulk.change_many("claim", [run.id], {}, by=ALICE), ["assigned"]),
    ],
    ids=["claim", "save", "complete", "cancel", "comment", "many"],
)
def test_what_was_said_while_somebody_waited_comes_before_what_they_do(
    call: Callable[[UserTaskRun], Any], types: Sequence[str]
) -> None:
    run = a_run()
    after_a_comment(run, lambda: call(run))
    assert told(run) == ["created", "comment_added", *types]


def test_words_and_changes_of_many_are_one_history() -> None:
    run = a_run()
    talks = [lambda n=n: operations.add_comment(run.id, str(n), by=BOB) for n in range(10)]
    saves = [lambda: operations.save_progress(run.id, RESULTS, by=ALICE) for _ in range(10)]
    assert codes(at_once([*talks, *saves])) == ["done"] * 20
    assert sorted(told(run)) == [*["comment_added"] * 10, "created", *["saved"] * 10]


def test_two_who_change_the_same_many_in_opposite_orders_do_not_lock_each_other_out() -> None:
    ids = [a_run().id for _ in range(30)]

    def claimed(by: Actor, order: Sequence[UUID]) -> list[str]:
        results, _ = bulk.change_many("claim", order, {}, by=by)
        return [result.refusal.code if result.refusal else "done" for result in results]

    alices, bobs = at_once([lambda: claimed(ALICE, ids), lambda: claimed(BOB, ids[::-1])])
    assert sorted([set(alices) == {"done"}, set(bobs) == {"done"}]) == [False, True]
    assert {*alices, *bobs} == {"done", "already_claimed"}
    assert len(set(UserTaskRun.objects.values_list("user_id", flat=True))) == 1


def test_of_many_at_once_and_single_ones_each_run_goes_to_one() -> None:
    runs = [a_run() for _ in range(12)]
    singles = [lambda run=run: operations.claim(run.id, by=BOB) for run in runs[:6]]
    *answers, many = at_once([*singles, lambda: bulk.change_many("claim", [run.id for run in runs], {}, by=ALICE)[0]])
    refused = [result.refusal is not None for result in many]
    assert [code == "done" for code in codes(answers)] == refused[:6]
    assert not any(refused[6:])
    assert all(told(run) == ["created", "assigned"] for run in runs)
