"""Webhooks: which endpoints an event goes to, what they are sent, how it is signed, and when it is tried again.

Messages are those of the Standard Webhooks specification.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from standardwebhooks.webhooks import Webhook

from . import json_text
from .content import event_content, outcome_content, run_content
from .models import Delivery, UserTaskEvent, WebhookEndpoint
from .outcomes import outcome_of

PREFIX = "user_task_run."
USER_AGENT = "usertasks/0.1"

FIRST_DELAY = 5.0
"""Seconds before the first retry; each delay is twice as long as the one before."""
JITTER = 0.2
MOST_FAILURES = 15
"""With the delays above, the fourteen retries take about a day."""
FIRST_HOLD, LONGEST_HOLD = 0.5, 60.0
"""Seconds for which an endpoint that fails is left alone."""
LONGEST_WAIT = 3600.0
"""Seconds for which we do as `Retry-After` says."""
SECONDS_TO_DIE = 3 * 24 * 3600
"""An endpoint that has taken nothing for so long is switched off."""

_chance = secrets.SystemRandom()


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


@dataclass(frozen=True)
class Message:
    """What is sent to whom; everything that an attempt needs to know without asking the database."""

    url: str
    secret: str
    id: str
    content: Mapping[str, Any]

    def signed(self, now: datetime) -> tuple[bytes, Mapping[str, str]]:
        """The body and the headers of an attempt at `now`."""
        body = json_text.write(self.content)
        signature = Webhook(self.secret).sign(self.id, now.astimezone(UTC), body.decode())
        return body, {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "webhook-id": self.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }


def message_of(delivery: Delivery, event: UserTaskEvent, endpoint: WebhookEndpoint, *, ended_at: int | None) -> Message:
    """The message about an event; its run as it is now. `ended_at` is the number of the event that ended the run.

    The outcome comes with that event and later ones: an earlier one may be sent late, but it happened before.
    """
    has_outcome = ended_at is not None and event.number >= ended_at
    content = {
        "type": PREFIX + event.type,
        "timestamp": event.time,
        "data": {
            "event": {**event_content(event), "run_id": event.run_id.hex, "position": event.position},
            "run": run_content(event.run),
            "outcome": outcome_content(outcome_of(event.run)) if has_outcome else None,
        },
    }
    return Message(endpoint.url, endpoint.secret, delivery.message_id, content)


def delay_after(failures: int) -> timedelta:
    """How long the next attempt is put off after so many failures."""
    return timedelta(seconds=FIRST_DELAY * 2 ** (failures - 1) * _chance.uniform(1 - JITTER, 1 + JITTER))


def hold_after(failures: int) -> timedelta:
    """How long an endpoint is left alone that has failed so often in a row."""
    return timedelta(seconds=min(LONGEST_HOLD, FIRST_HOLD * 2.0 ** min(failures - 1, 20)))


def asked_wait(retry_after: str, now: datetime) -> timedelta:
    """The wait that a `Retry-After` asks for, within reason: seconds, or a date."""
    is_number = retry_after.isascii() and retry_after.isdecimal()
    seconds = float(retry_after) if is_number else _seconds_until(retry_after, now)
    return timedelta(seconds=max(0.0, min(seconds, LONGEST_WAIT)))


def _seconds_until(date: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return 0.0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
