"""Webhooks: which endpoints an event goes to, what they are sent, how it is signed, one attempt to deliver it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from .models import Delivery, UserTaskEvent, WebhookEndpoint


def deliveries_of(events: Sequence[UserTaskEvent], now: datetime) -> Iterator[Delivery]:
    """The deliveries, not yet saved, that these published events ask for."""
    endpoints = list(WebhookEndpoint.objects.filter(active=True))
    for event in events:
        assert event.position is not None
        for endpoint in endpoints:
            if endpoint.wants(event.type):
                yield Delivery(
                    endpoint=endpoint, event=event, run=event.run, position=event.position, next_attempt_at=now
                )
