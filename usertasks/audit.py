"""The audit: the refusals get their places in a chain, and the chains are verified.

Three chains hold each other: the events of a run, all published events in the order of the feed, and the refusals. A
changed row breaks its own link, a missing one leaves a gap that only a seal of a lawful deletion explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from . import chain, feed
from .models import EventType, Refusal

BATCH = 1000
CHANGING = (
    EventType.CREATED,
    EventType.ASSIGNED,
    EventType.SAVED,
    EventType.COMPLETED,
    EventType.CANCELLED,
)
"""The events of which each made a new version of its run."""


@dataclass(frozen=True)
class Finding:
    """A row that is not as it was written, or is gone."""

    what: str
    run_id: UUID | None = None
    number: int | None = None

    def __str__(self) -> str:
        if self.run_id is None:
            return self.what
        return f"run {self.run_id.hex}, event {self.number}: {self.what}"


def seal(now: datetime) -> None:
    """Give what is committed its place in the chains."""
    feed.publish(now)
    while _seal_some():
        pass


@transaction.atomic
def _seal_some() -> bool:
    if not Refusal.objects.filter(position__isnull=True).exists():
        return False
    head = feed.locked_head()
    refusals = list(Refusal.objects.filter(position__isnull=True).order_by("id")[:BATCH])
    for refusal in refusals:
        head.refusal_position += 1
        refusal.position = head.refusal_position
        refusal.link = head.refusal_link = chain.link_of_refusal(refusal.content(), head.refusal_link)
    Refusal.objects.bulk_update(refusals, ["position", "link"])
    head.save(update_fields=["refusal_position", "refusal_link"])
    return bool(refusals)
