"""Runs are purged while people work with them: nobody waits for ever, nothing is lost, and the audit stays intact."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from threading import Event
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tests.audit.histories import report
from tests.cast import a_run, done_by
from tests.races.crowd import at_once
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.audit import seal
from usertasks.audit.rows import one_moment
from usertasks.errors import Refused
from usertasks.models import PurgedEvent, UserTaskEvent, UserTaskRun
from usertasks.retention import purge_runs

pytestmark = pytest.mark.django_db(transaction=True)


def purge(*, anonymise: bool = False) -> int:
    now = timezone.now()
    return sum(step.done for step in purge_runs(now, now=now, batch=2, anonymise=anonymise))


def talk(runs: Iterable[UUID], user: User) -> None:
    actor = actor_for(user)
    for run_id in runs:
        with suppress(Refused):
            operations.add_comment(run_id, "still here", by=actor)


@pytest.mark.postgresql
def test_people_who_comment_and_workers_who_publish_go_on_while_runs_are_purged(alice: User, bob: User) -> None:
    runs = [done_by(alice).id for _ in range(12)]
    seal(timezone.now())
    publishing: list[Callable[[], object]] = [partial(seal, timezone.now()) for _ in range(2)]
    answers = at_once(
        [
            *publishing,
            partial(talk, runs, alice),
            partial(talk, runs[::-1], bob),
            partial(purge, anonymise=True),
            purge,
            purge,
        ]
    )
    assert not [answer for answer in answers if isinstance(answer, Refused)]
    seal(timezone.now())
    purge()
    assert not UserTaskRun.objects.exists()
    assert report().is_intact
    assert PurgedEvent.objects.count() >= 3 * len(runs)


@pytest.mark.postgresql
def test_a_run_that_somebody_holds_is_left_for_the_next_time(alice: User) -> None:
    held, free = done_by(alice), done_by(alice)
    seal(timezone.now())
    is_held, may_go = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            operations.add_comment(held.id, "wait", by=actor_for(alice))
            is_held.set()
            assert may_go.wait(30)

    def purge_meanwhile() -> int:
        assert is_held.wait(30)
        try:
            return purge()
        finally:
            may_go.set()

    assert at_once([hold, purge_meanwhile])[1] == 1
    assert set(UserTaskRun.objects.values_list("pk", flat=True)) == {held.pk}
    assert not UserTaskRun.objects.filter(pk=free.pk).exists()


def test_a_verification_keeps_nobody_waiting_and_sees_one_moment(alice: User) -> None:
    run = a_run()
    may_write, is_written = Event(), Event()

    def look() -> list[int]:
        with one_moment():
            counts = [UserTaskEvent.objects.count()]
            may_write.set()
            assert is_written.wait(30)
            return [*counts, UserTaskEvent.objects.count()]

    def write() -> None:
        assert may_write.wait(30)
        operations.claim(run.id, by=actor_for(alice))
        seal(timezone.now())
        is_written.set()

    assert at_once([look, write])[0] == [1, 1]
    assert UserTaskEvent.objects.count() == 2
    assert report().is_intact
