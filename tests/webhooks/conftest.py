"""What the tests of webhooks share: somebody who may have endpoints, and a courier that does not wait for long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.webhooks.receivers import Receiver, receiving
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.courier import Courier
from usertasks.deliveries import Deliveries
from usertasks.models import Delivery, WebhookEndpoint
from usertasks.worker import work_off

IMPATIENT = 0.4
"""Seconds; the deadline of the courier of these tests."""


@pytest.fixture
def courier() -> Iterator[Courier]:
    courier = Courier(deadline=IMPATIENT)
    yield courier
    courier.close()


@pytest.fixture
def job(courier: Courier) -> Deliveries:
    return Deliveries(courier)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def endpoint(service: User, receiver: Receiver) -> WebhookEndpoint:
    return endpoint_of(service, receiver.url)


def endpoint_of(user: User, url: str, *event_types: str) -> WebhookEndpoint:
    return operations.create_endpoint(url, event_types=event_types, by=actor_for(user))


class Time:
    """Moves on when a test says so; everything that is due by then is done."""

    def __init__(self, job: Deliveries) -> None:
        self.job, self.now = job, timezone.now()

    def pass_(self, **later: float) -> datetime:
        """Let so much time pass, and have the worker do what is due."""
        self.now += timedelta(**later)
        work_off([self.job], self.now)
        return self.now

    def pass_until_due(self, delivery: Delivery) -> datetime:
        """To the next attempt of a delivery, and beyond the time for which its endpoint is left alone."""
        delivery.refresh_from_db()
        endpoint = WebhookEndpoint.objects.get(pk=delivery.endpoint_id)
        self.now = max(self.now, delivery.next_attempt_at, endpoint.held_until or self.now)
        return self.pass_()


@pytest.fixture
def time(job: Deliveries) -> Time:
    return Time(job)
