"""What is committed gets its place in the chains."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from .. import chain, feed
from ..models import Refusal

BATCH = 1000
"""Refusals that are sealed in one transaction."""


def seal(now: datetime) -> int:
    """Publish the events that are not published yet, and give the refusals their places; how many there were."""
    done = feed.publish(now)
    while sealed := _seal_some():
        done += sealed
    return done


def _seal_some() -> int:
    """Looking comes first, so that workers with nothing to do are in nobody's way."""
    return _seal() if Refusal.objects.filter(position__isnull=True).exists() else 0


@transaction.atomic
def _seal() -> int:
    head = feed.locked_head()
    refusals = list(Refusal.objects.filter(position__isnull=True).order_by("id")[:BATCH])
    for refusal in refusals:
        head.refusal_position += 1
        refusal.position = head.refusal_position
        refusal.link = head.refusal_link = chain.link_of_refusal(refusal, head.refusal_link)
    Refusal.objects.bulk_update(refusals, ["position", "link"])
    head.save(update_fields=["refusal_position", "refusal_link"])
    return len(refusals)
