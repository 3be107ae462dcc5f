"""The job that delivers: what is due goes to its endpoint, in order within each run.

Deliveries to one endpoint are taken and settled a handful at a time, which a thread sends one after the other. No
endpoint is in the way of another: it has a few threads at most, and no more than its share of those that are free. One
that fails gets a single delivery after a while, until that succeeds. What failed is tried again for about a day.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When, prefetch_related_objects
from django.utils import timezone

from . import operations
from .actors import actor_for
from .courier import Answer, Courier
from .models import TERMINAL, Delivery, DeliveryState, EventType, Status, SwitchedOff, UserTaskEvent, WebhookEndpoint
from .models.webhooks import DeliveryQuerySet
from .operations import SEEING_ALL
from .webhooks import MOST_FAILURES, SECONDS_TO_DIE, Message, asked_wait, delay_after, hold_after, message_of
from .worker import LEASE_SECONDS, Item, log

THREADS_EACH = 8
"""Threads that a worker has for one endpoint."""
BUNDLE = 16
"""Deliveries that one thread sends one after the other."""
BUNDLE_SECONDS = 20
"""After this time a thread begins with no other delivery: with the last one, it is done well within the lease."""
LOGGED = 20
"""Attempts that a delivery remembers."""
FAILING = ("failing_since", "failures", "held_until")
ENDING = (EventType.COMPLETED, EventType.CANCELLED)
GONE = 410
WAITING = (429, 503)
"""The answers whose `Retry-After` counts."""


@dataclass(frozen=True)
class Bundle:
    """Leased deliveries to one endpoint, none of them of the same run, each with what is to be sent."""

    endpoint: WebhookEndpoint
    deliveries: Sequence[Delivery]
    messages: Sequence[Message]


@dataclass(frozen=True)
class Attempt:
    """What became of one delivery at `time`."""

    time: datetime
    answer: Answer

    @property
    def is_success(self) -> bool:
        return self.answer.status is not None and 200 <= self.answer.status < 300

    def entry(self) -> dict[str, Any]:
        """As the log of the delivery keeps it."""
        return {
            "time": self.time.isoformat(),
            "status": self.answer.status,
            "latency_ms": self.answer.latency_ms,
            "response": self.answer.text,
            "error": self.answer.error,
        }


@dataclass
class Deliveries:
    """Deliveries that are due; `courier` sends them."""

    courier: Courier = field(default_factory=Courier)
    in_the_air: Counter[UUID] = field(default_factory=Counter)
    """Bundles, by endpoint."""
    served: dict[UUID, datetime] = field(default_factory=dict)
    name = "delivery"

    def take(self, now: datetime, limit: int) -> Sequence[Item]:
        taken: list[Item] = []
        for endpoint in self._fairly(WebhookEndpoint.objects.with_due(now).select_related("owner")):
            free = limit - len(taken)
            room = min(THREADS_EACH, max(1, free // 2)) - self.in_the_air[endpoint.pk]
            if free > 0 and room > 0:
                taken += self._take_for(endpoint, now, room)
        return taken

    def _fairly(self, endpoints: Iterable[WebhookEndpoint]) -> list[WebhookEndpoint]:
        """Whoever was served longest ago comes first."""
        return sorted(endpoints, key=lambda endpoint: self.served.get(endpoint.pk, endpoint.created_at))

    def _take_for(self, endpoint: WebhookEndpoint, now: datetime, room: int) -> list[Item]:
        due = Delivery.objects.due(now).filter(endpoint=endpoint)
        if not may_be_sent(endpoint):
            switch_off(endpoint, SwitchedOff.OWNER, now)
            return []
        if endpoint.failing_since and not (due.exists() and _hold(endpoint, now)):
            return []
        leased = due.lease(now, seconds=LEASE_SECONDS, limit=1 if endpoint.failing_since else room * BUNDLE)
        self.served[endpoint.pk] = now
        messages = _messages_of(leased, endpoint)
        told = [delivery for delivery in leased if delivery.pk in messages]
        handfuls = [told[start::room] for start in range(min(room, len(told)))]
        self.in_the_air[endpoint.pk] += len(handfuls)
        return [
            Item(handful[0], Bundle(endpoint, handful, [messages[delivery.pk] for delivery in handful]))
            for handful in handfuls
        ]

    def perform(self, item: Item) -> list[Attempt]:
        """Send them until one fails, or it has taken long."""
        bundle: Bundle = item.work
        attempts: list[Attempt] = []
        end = time.monotonic() + BUNDLE_SECONDS
        for message in bundle.messages:
            attempts.append(self._send(message))
            if not attempts[-1].is_success or time.monotonic() > end:
                break
        return attempts

    def _send(self, message: Message) -> Attempt:
        now = timezone.now()
        body, headers = message.signed(now)
        return Attempt(now, self.courier.post(message.url, body, headers))

    def settle(self, item: Item, result: Any, now: datetime) -> None:
        bundle: Bundle = item.work
        self._landed(bundle.endpoint.pk)
        if isinstance(result, Exception):
            result = [Attempt(now, Answer(0, error=f"{type(result).__name__}: {result}"[:1000]))]
        _settle(bundle, result, now)
        for delivery, attempt in zip(bundle.deliveries, result, strict=False):
            _log(delivery, attempt.answer)

    def _landed(self, endpoint_id: UUID) -> None:
        self.in_the_air[endpoint_id] -= 1
        if self.in_the_air[endpoint_id] <= 0:
            del self.in_the_air[endpoint_id]


def may_be_sent(endpoint: WebhookEndpoint) -> bool:
    """Whether its owner is still somebody who may see every run."""
    owner = endpoint.owner
    return owner.is_active and (owner.is_superuser or actor_for(owner).holds(SEEING_ALL))


def switch_off(endpoint: WebhookEndpoint, reason: SwitchedOff, now: datetime) -> None:
    if operations.switch_off(endpoint.pk, reason, now=now):
        log("endpoint_off", endpoint=endpoint.pk.hex, reason=reason.value)


def _hold(endpoint: WebhookEndpoint, now: datetime) -> bool:
    """Let nobody else try an endpoint that is failing while this worker does."""
    held = WebhookEndpoint.objects.filter(pk=endpoint.pk, held_until=endpoint.held_until)
    return bool(held.update(held_until=now + timedelta(seconds=LEASE_SECONDS)))


def _messages_of(deliveries: Sequence[Delivery], endpoint: WebhookEndpoint) -> dict[int, Message]:
    """What is to be sent for each delivery, read all at once."""
    if not deliveries:
        return {}
    events = UserTaskEvent.objects.select_related("run").in_bulk([delivery.event_id for delivery in deliveries])
    ended = [event.run for event in events.values() if event.run.status in TERMINAL]
    prefetch_related_objects([run for run in ended if run.status == Status.DONE], "definition__fields")
    endings = UserTaskEvent.objects.filter(run__in=ended, type__in=ENDING).values_list("run", "number")
    ended_at = dict(endings) if ended else {}
    return {
        delivery.pk: message_of(delivery, event, endpoint, ended_at=ended_at.get(event.run_id))
        for delivery in deliveries
        if (event := events.get(delivery.event_id))
    }


@transaction.atomic
def _settle(bundle: Bundle, attempts: Sequence[Attempt], now: datetime) -> None:
    """Write down what became of each delivery that is still ours; those that were not tried can be taken again.

    At most the last attempt has failed. Whoever changes both locks the endpoint first, then its deliveries.
    """
    last = attempts[-1]
    endpoint = _locked(bundle.endpoint) if bundle.endpoint.failing_since or not last.is_success else None
    mine = _still_leased(bundle.deliveries)
    tried = list(zip(bundle.deliveries, attempts, strict=False))
    _delivered([(delivery, attempt) for delivery, attempt in tried if attempt.is_success and delivery.pk in mine], now)
    _give_back([delivery.pk for delivery in bundle.deliveries[len(attempts) :] if delivery.pk in mine], now)
    if endpoint and last.is_success:
        _recover(endpoint)
    elif endpoint and tried[-1][0].pk in mine:
        _failed(tried[-1][0], last, now)
        _count_failure(endpoint, last.answer, now, is_first=not bundle.endpoint.failing_since)


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint | None:
    return WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()


def _still_leased(deliveries: Sequence[Delivery]) -> set[int]:
    rows = Delivery.objects.pending().filter(pk__in=[delivery.pk for delivery in deliveries]).order_by("pk")
    found = dict(rows.select_for_update(no_key=True).values_list("pk", "attempts"))
    return {delivery.pk for delivery in deliveries if found.get(delivery.pk) == delivery.attempts}


def _delivered(settled: Sequence[tuple[Delivery, Attempt]], now: datetime) -> None:
    if settled:
        logs = [When(pk=delivery.pk, then=_logged(delivery, attempt)) for delivery, attempt in settled]
        Delivery.objects.filter(pk__in=[delivery.pk for delivery, _ in settled]).update(
            state=DeliveryState.DELIVERED, delivered_at=now, log=Case(*logs)
        )
    _let_follow([delivery for delivery, _ in settled if delivery.attempts > 1], now)


def _let_follow(retried: Sequence[Delivery], now: datetime) -> None:
    """What waited for these is due: see `_failed`."""
    for delivery in retried:
        _followers(delivery).filter(next_attempt_at__gt=now).update(next_attempt_at=now)


def _followers(delivery: Delivery) -> DeliveryQuerySet:
    """Those of the same run to the same endpoint that wait for it."""
    waiting = Delivery.objects.pending().filter(endpoint=delivery.endpoint_id, run=delivery.run_id)
    return waiting.filter(position__gt=delivery.position)


def _logged(delivery: Delivery, attempt: Attempt) -> Value:
    return Value([*delivery.log, attempt.entry()][-LOGGED:], output_field=Delivery._meta.get_field("log"))


def _give_back(untried: Sequence[int], now: datetime) -> None:
    if untried:
        Delivery.objects.filter(pk__in=untried).update(next_attempt_at=now, attempts=F("attempts") - 1)


def _recover(endpoint: WebhookEndpoint) -> None:
    endpoint.failing_since, endpoint.failures, endpoint.held_until = None, 0, None
    endpoint.save(update_fields=FAILING)


def _failed(delivery: Delivery, attempt: Attempt, now: datetime) -> None:
    """Try again later, or give up. What has to wait for it is put off too, so that nobody looks at it until then."""
    failures = delivery.failures + 1
    is_over = failures >= MOST_FAILURES or attempt.answer.status == GONE
    later = now + max(delay_after(failures), _wait_asked(attempt.answer, now))
    if is_over:
        _let_follow([delivery], now)
    else:
        _followers(delivery).filter(next_attempt_at__lt=later).update(next_attempt_at=later)
    Delivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.DEAD if is_over else DeliveryState.PENDING,
        next_attempt_at=later,
        failures=failures,
        log=_logged(delivery, attempt),
    )


def _wait_asked(answer: Answer, now: datetime) -> timedelta:
    return asked_wait(answer.retry_after, now) if answer.status in WAITING else timedelta()


def _count_failure(endpoint: WebhookEndpoint, answer: Answer, now: datetime, *, is_first: bool) -> None:
    """Leave the endpoint alone for a while, or for good. What was in the air together and fails counts once."""
    since = endpoint.failing_since or now
    if not (is_first and endpoint.failing_since):
        endpoint.failing_since = since
        endpoint.failures += 1
        endpoint.held_until = now + max(hold_after(endpoint.failures), _wait_asked(answer, now))
        endpoint.save(update_fields=FAILING)
    if answer.status == GONE:
        switch_off(endpoint, SwitchedOff.GONE, now)
    elif now - since >= timedelta(seconds=SECONDS_TO_DIE):
        switch_off(endpoint, SwitchedOff.DEAD, now)


def _log(delivery: Delivery, answer: Answer) -> None:
    log(
        "delivery",
        endpoint=delivery.endpoint_id.hex,
        message=delivery.message_id,
        attempt=delivery.attempts,
        status=answer.status,
        latency_ms=answer.latency_ms,
        error=answer.error.split(":")[0] or None,
    )
