"""Open runs are counted while totals are made of the counts: nobody waits for that, and none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from tests.cast import a_definition, a_run, claimed_by
from tests.domain.open_counts import DAY, NOON, TODAY, counted, kept, require_right
from tests.races.crowd import at_once
from usertasks import operations, totals
from usertasks.actors import actor_for
from usertasks.models import UserTaskRun

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ANSWERS = {"requestedItem": "x", "justification": "y"}
DIFFERENCE = """
SELECT (SELECT coalesce(sum(runs), 0) FROM usertasks_opencount)
    - (SELECT count(*) FROM usertasks_usertaskrun WHERE status IN ('UNASSIGNED', 'ASSIGNED'))
"""


def difference() -> int:
    """How many runs more are counted than there are, at one moment."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCE)
        return int(cursor.fetchone()[0])


def test_whoever_begins_and_ends_runs_while_totals_are_made_loses_none(alice: User) -> None:
    definition, by = a_definition(), actor_for(alice)
    runs = [claimed_by(alice, due_at=NOON) for _ in range(4)]
    is_over = Event()
    seen: list[int] = []

    def complete(part: Sequence[UserTaskRun]) -> None:
        for run in part:
            operations.complete(run.id, ANSWERS, by=by)

    def create() -> None:
        for _ in range(10):
            a_run(definition, due_at=NOON + DAY)

    def fold() -> None:
        while not is_over.is_set():
            totals.fold()
            seen.append(difference())

    def work() -> None:
        try:
            at_once([create, create, lambda: complete(runs[:2]), lambda: complete(runs[2:])])
        finally:
            is_over.set()

    at_once([work, fold, fold])
    assert set(seen) == {0}
    assert kept() == {TODAY + DAY: 20}
    require_right()


def test_a_total_that_is_made_meanwhile_leaves_what_is_not_committed() -> None:
    is_written, may_end = Event(), Event()
    a_run(due_at=NOON)

    def create() -> int:
        with transaction.atomic():
            a_run(due_at=NOON)
            is_written.set()
            assert may_end.wait(30)
            return counted()

    def fold() -> tuple[int, int]:
        assert is_written.wait(30)
        try:
            return totals.fold(), counted()
        finally:
            may_end.set()

    assert at_once([create, fold]) == [2, (1, 1)]
    assert counted() == 2
    require_right()
