"""The change feed: every event of every run, in one order.

Transactions commit in another order than they begin, so an event has no place in the feed when it is written. It gets
one afterwards, when it is committed, from whoever publishes: they do so one at a time, and commit one after the other.
That is why a reader who follows the positions meets each event exactly once. What the outside world is to be told is
planned in the same transaction, so that it is planned once for each event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from . import notifications, webhooks
from .actors import Actor
from .models import Delivery, FeedHead, Mail, UserTaskEvent
from .models.feed import ONLY

BATCH = 500
"""Events that are published in one transaction."""

SCANNED = 5000
"""Positions that a reader looks at with one query: somebody who may see little does not search everything at once."""

# One statement, since the ORM knows no `UPDATE ... FROM`; SQLite and PostgreSQL both do. Within a run, ids grow as the
# numbers do, because whoever writes an event holds the lock on the run.
PLACE = """
UPDATE usertasks_usertaskevent SET position = %(head)s + ranked.place
FROM (
    SELECT id, row_number() OVER (ORDER BY id) AS place
    FROM (SELECT id FROM usertasks_usertaskevent WHERE position IS NULL ORDER BY id LIMIT %(batch)s) AS oldest
) AS ranked
WHERE usertasks_usertaskevent.id = ranked.id
"""


def publish(now: datetime) -> int:
    """Give the committed events without a place theirs, and plan what is to be told of them; how many there were."""
    total = 0
    while UserTaskEvent.objects.unpublished().exists():
        published = _publish_some(now)
        total += published
        if published < BATCH:
            break
    return total


@transaction.atomic
def _publish_some(now: datetime) -> int:
    head = _locked_head()
    with connection.cursor() as cursor:
        cursor.execute(PLACE, {"head": head.position, "batch": BATCH})
        count: int = cursor.rowcount
    if not count:
        return 0
    placed = UserTaskEvent.objects.filter(position__gt=head.position, position__lte=head.position + count)
    head.position += count
    head.save(update_fields=["position"])
    published = list(placed.order_by("position").select_related("run"))
    Delivery.objects.bulk_create(webhooks.deliveries_of(published, now))
    Mail.objects.bulk_create(notifications.mails_about(published, now), ignore_conflicts=True)
    return count


def _locked_head() -> FeedHead:
    """The head of the feed; whoever holds it is the only one to publish."""
    head = FeedHead.objects.select_for_update().filter(pk=ONLY).first()
    if head is None:  # a database that was emptied
        newest = UserTaskEvent.objects.aggregate(newest=Max("position"))["newest"] or 0
        FeedHead.objects.get_or_create(pk=ONLY, defaults={"position": newest})
        head = FeedHead.objects.select_for_update().get(pk=ONLY)
    return head


@dataclass(frozen=True)
class FeedPage:
    """Some events in order; the next page begins after `next_after`."""

    events: Sequence[UserTaskEvent]
    next_after: int


def events_after(position: int, *, limit: int, by: Actor) -> FeedPage:
    """The events of runs that `by` may see from beyond a position on, at most `limit`, as far as they are published.

    Looks at up to `SCANNED` positions: the page may be empty and yet not the last, then `next_after` has moved.
    """
    head = FeedHead.objects.filter(pk=ONLY).values_list("position", flat=True).first() or 0
    last = min(head, position + SCANNED)
    within = UserTaskEvent.objects.filter(position__gt=position, position__lte=last)
    events = list(within.visible_to(by).select_related("run").order_by("position")[:limit])
    next_after = events[-1].position if len(events) == limit else max(last, position)
    assert next_after is not None
    return FeedPage(events, next_after)
