"""The change feed: every event of every run, in one order.

Transactions commit in another order than they begin, so an event has no place in the feed when it is written. It gets
one afterwards, when it is committed, from whoever publishes: they do so one at a time, and commit one after the other.
That is why a reader who follows the positions meets each event exactly once. What the outside world is to be told is
planned in the same transaction, so that it is planned once for each event.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from . import chain, notifications, webhooks
from .actors import Actor
from .models import Delivery, FeedHead, Mail, UserTaskEvent
from .models.feed import ONLY

BATCH = 500
"""Events that are published in one transaction."""

BATCHES_OF_A_READER = 10
"""A reader who finds a backlog publishes so much of it, and leaves the rest to the next one."""

PATIENCE = "SET LOCAL lock_timeout = '500ms'"
"""How long a reader waits for others who publish; what they publish, it reads the next time."""

SCANNED, SCANS = 5000, 20
"""Positions that one query looks at, and queries for a page: who may see little does not search everything at once."""


def publish(now: datetime, *, batches: int | None = None, is_patient: bool = True) -> int:
    """Give the committed events without a place theirs, and plan what is to be told of them; how many there were.

    All of them, or as many `batches`. Who is not patient gets `OperationalError` where others publish for long.
    """
    total = done = 0
    while done != batches and UserTaskEvent.objects.unpublished().exists():
        published = _publish_some(now, is_patient=is_patient)
        total += published
        done += 1
        if published < BATCH:
            break
    return total


@transaction.atomic
def _publish_some(now: datetime, *, is_patient: bool) -> int:
    if not is_patient and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(PATIENCE)
    head = locked_head()
    # Within a run, ids grow as the numbers do, because whoever writes an event holds the lock on the run.
    events = list(UserTaskEvent.objects.unpublished().order_by("id").select_related("run")[:BATCH])
    if not events:
        return 0
    for event in events:
        head.position += 1
        event.position = head.position
        event.feed_link = head.link = chain.link_of_position(head.position, event.link, head.link)
    UserTaskEvent.objects.bulk_update(events, ["position", "feed_link"])
    head.save(update_fields=["position", "link"])
    Delivery.objects.bulk_create(webhooks.deliveries_of(events, now))
    Mail.objects.bulk_create(notifications.mails_about(events, now), ignore_conflicts=True)
    return len(events)


def locked_head() -> FeedHead:
    """The head of the feed; whoever holds it is the only one to publish."""
    head = FeedHead.objects.select_for_update().filter(pk=ONLY).first()
    if head is None:  # a database that was emptied
        newest = UserTaskEvent.objects.filter(position__isnull=False).order_by("-position").first()
        known = {"position": newest.position, "link": newest.feed_link} if newest else {}
        FeedHead.objects.get_or_create(pk=ONLY, defaults=known)
        head = FeedHead.objects.select_for_update().get(pk=ONLY)
    return head


@dataclass(frozen=True)
class FeedPage:
    """Some events in order, with the `wf_run_id` of their runs; the next page begins after `next_after`."""

    events: Sequence[UserTaskEvent]
    next_after: int


def read(position: int, *, limit: int, by: Actor, now: datetime) -> FeedPage:
    """`events_after`, with what has been committed so far: the feed is current without a worker, too."""
    with suppress(OperationalError):  # others are publishing; what has its place can be read all the same
        publish(now, batches=BATCHES_OF_A_READER, is_patient=False)
    return events_after(position, limit=limit, by=by)


def events_after(position: int, *, limit: int, by: Actor) -> FeedPage:
    """The events of runs that `by` may see from beyond a position on, at most `limit`, as far as they are published.

    Looks at a limited number of positions: the page may be short, even empty, and yet not the last.
    """
    head = FeedHead.objects.filter(pk=ONLY).values_list("position", flat=True).first() or 0
    events: list[UserTaskEvent] = []
    for _ in range(SCANS):
        if position >= head or len(events) == limit:
            break
        last = min(head, position + SCANNED)
        events += _visible_within(position, last, by)[: limit - len(events)]
        position = _position_of(events[-1]) if len(events) == limit else last
    return FeedPage(events, position)


def _visible_within(first: int, last: int, by: Actor) -> QuerySet[UserTaskEvent]:
    """What `by` may see from beyond the first position up to the last, in order."""
    events = UserTaskEvent.objects.filter(position__gt=first, position__lte=last).visible_to(by)
    columns = ("position", "run", "run__wf_run_id", "number", "time", "type", "actor", "data")
    return events.select_related("run").only(*columns).order_by("position")


def _position_of(event: UserTaskEvent) -> int:
    assert event.position is not None
    return event.position
