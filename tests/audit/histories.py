"""Histories for the tests of the audit: long ones made fast, and what somebody with the database's password can do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from tests.cast import a_run
from usertasks import chain, operations
from usertasks.actors import Actor, Door, Origin
from usertasks.audit import Report, seal, verify
from usertasks.models import EventType, FeedHead, UserTaskEvent, UserTaskRun
from usertasks.models.feed import ONLY

EVENTS, REFUSALS = "usertasks_usertaskevent", "usertasks_refusal"
ALICE = Actor("alice", frozenset({"finance"}), origin=Origin(Door.REST, "192.0.2.7"))


def a_story() -> UserTaskRun:
    """A run that alice has claimed, saved and talked about: created, assigned, saved, and three comments."""
    run = operations.claim(a_run().id, by=ALICE)
    operations.save_progress(run.id, {"requestedItem": "lightsaber"}, by=ALICE)
    for words in ("blue", "or green", "or none"):
        operations.add_comment(run.id, words, by=ALICE)
    seal(timezone.now())
    return run


def a_long_history(length: int) -> UserTaskRun:
    """A run with so many events, the first two real; each of the others is written as an operation would write it."""
    run = operations.claim(a_run().id, by=ALICE)
    seal(timezone.now())
    head, last = FeedHead.objects.get(pk=ONLY), run.events.order_by("number")[1]
    link, events = last.link, []
    for number in range(3, length + 1):
        event = UserTaskEvent(
            run=run,
            number=number,
            time=last.time + timedelta(seconds=number),
            type=EventType.SAVED,
            actor="alice",
            data={"user_id": "alice", "results": {"requestedItem": f"lightsaber {number}", "amount": number / 8}},
            door=Door.REST,
            address="192.0.2.7",
            position=head.position + 1,
        )
        event.link = link = chain.link_of_event(event, link)
        head.position += 1
        event.feed_link = head.link = chain.link_of_position(head.position, link, head.link)
        events.append(event)
    UserTaskEvent.objects.bulk_create(events, batch_size=1000)
    head.save()
    UserTaskRun.objects.filter(pk=run.pk).update(version=length)
    return run


def sql(statement: str, *parameters: Any) -> None:
    """What somebody does who has the password of the database and not the key."""
    if connection.vendor == "sqlite":
        parameters = tuple(getattr(parameter, "hex", parameter) for parameter in parameters)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount != 0, "nothing was tampered with"


def report() -> Report:
    return verify(timezone.now())


def names(told: Report) -> Sequence[str]:
    """Which rows a report finds fault with."""
    return [finding.name for finding in told.findings]
