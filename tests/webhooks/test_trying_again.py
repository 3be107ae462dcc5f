"""What does not arrive is tried again for about a day, then given up; whoever never takes anything is switched off."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import a_run
from tests.webhooks.conftest import Time
from tests.webhooks.receivers import Receiver
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.deliveries import LOGGED
from usertasks.feed import publish
from usertasks.models import Delivery, DeliveryState, Mail, MailKind, SwitchedOff, WebhookEndpoint
from usertasks.webhooks import FIRST_DELAY, JITTER, LONGEST_HOLD, LONGEST_WAIT, MOST_FAILURES, asked_wait, hold_after

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.mark.parametrize("status", [500, 404, 302, 301, 304, 400, 401, 503])
def test_any_answer_but_a_2xx_is_a_failure(
    endpoint: WebhookEndpoint, receiver: Receiver, time: Time, status: int
) -> None:
    receiver.statuses, receiver.headers = [status], {"Location": receiver.url}
    a_run()
    time.pass_()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.failures) == (DeliveryState.PENDING, 1)
    assert delivery.log[0]["status"] == status
    assert len(receiver.arrivals) == 1  # a redirect is not followed


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(endpoint: WebhookEndpoint, receiver: Receiver, time: Time, status: int) -> None:
    receiver.statuses = [status]
    a_run()
    now = time.pass_()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.delivered_at) == (DeliveryState.DELIVERED, now)


def test_each_wait_is_about_twice_the_one_before_and_after_a_day_it_is_given_up(
    endpoint: WebhookEndpoint, receiver: Receiver, time: Time
) -> None:
    receiver.status = 500
    a_run()
    begin = time.pass_()
    delivery = Delivery.objects.get()
    for failures in range(1, MOST_FAILURES):
        delivery.refresh_from_db()
        wait = (delivery.next_attempt_at - time.now).total_seconds() / (FIRST_DELAY * 2 ** (failures - 1))
        assert 1 - JITTER <= wait <= 1 + JITTER
        assert delivery.failures == len(receiver.arrivals) == failures
        time.pass_until_due(delivery)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DEAD
    assert 0.7 * DAY < time.now - begin < 1.3 * DAY
    time.pass_(days=1)
    assert len(receiver.arrivals) == MOST_FAILURES
    assert len({arrival.id for arrival in receiver.arrivals}) == 1


def test_the_log_keeps_the_last_attempts(endpoint: WebhookEndpoint, receiver: Receiver, time: Time) -> None:
    receiver.status, receiver.body = 500, b"no\x00\xff" + b"x" * 5000
    a_run()
    time.pass_()
    delivery = Delivery.objects.get()
    delivery.log = [{"status": number} for number in range(LOGGED)]
    delivery.save()
    time.pass_until_due(delivery)
    delivery.refresh_from_db()
    assert [entry["status"] for entry in delivery.log] == [*range(1, LOGGED), 500]
    assert set(delivery.log[-1]) == {"time", "status", "latency_ms", "response", "error"}
    assert delivery.log[-1]["response"].startswith("no\ufffdx")
    assert len(delivery.log[-1]["response"]) < 1001


def test_after_a_success_an_endpoint_is_as_if_it_had_never_failed(
    endpoint: WebhookEndpoint, receiver: Receiver, time: Time
) -> None:
    receiver.statuses = [500, 500]
    a_run()
    time.pass_()
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failures) == (time.now, 1)
    assert endpoint.held_until == time.now + hold_after(1)
    time.pass_until_due(Delivery.objects.get())
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.held_until) == (2, time.now + hold_after(2))
    time.pass_until_due(Delivery.objects.get())
    endpoint.refresh_from_db()
    assert [endpoint.failing_since, endpoint.failures, endpoint.held_until] == [None, 0, None]


def test_a_failing_endpoint_gets_one_delivery_at_a_time(
    endpoint: WebhookEndpoint, receiver: Receiver, time: Time
) -> None:
    receiver.status = 500
    for _ in range(4):
        a_run()
    time.pass_()
    failed = len(receiver.arrivals)
    for more in (1, 2, 3):
        time.pass_(seconds=61)
        assert len(receiver.arrivals) == failed + more
    receiver.status = 200
    time.pass_(seconds=61)
    assert not Delivery.objects.pending().filter(next_attempt_at__lte=time.now).exists()


def test_an_endpoint_is_left_alone_for_a_minute_at_most() -> None:
    assert hold_after(1) == timedelta(seconds=0.5)
    assert hold_after(2) == timedelta(seconds=1)
    assert hold_after(1000) == timedelta(seconds=LONGEST_HOLD)


@pytest.mark.parametrize("status", [429, 503])
def test_whoever_asks_for_time_gets_it(endpoint: WebhookEndpoint, receiver: Receiver, time: Time, status: int) -> None:
    receiver.status, receiver.headers = status, {"Retry-After": "120"}
    a_run()
    a_run()
    time.pass_()
    tried = len(receiver.arrivals)
    time.pass_(seconds=119)
    assert len(receiver.arrivals) == tried
    time.pass_(seconds=1)
    assert len(receiver.arrivals) == tried + 1


def test_the_wait_that_is_asked_for_is_kept_within_reason() -> None:
    now = timezone.now()
    assert asked_wait("30", now) == timedelta(seconds=30)
    assert asked_wait("9" * 5000, now) == timedelta(seconds=LONGEST_WAIT)
    assert asked_wait(format_datetime(now + timedelta(seconds=90)), now) > timedelta(seconds=88)
    for odd in ("", "-5", "soon", "١٢", "1e9", format_datetime(now - DAY), "Sat, 99 Foo 2026 00:00:00 GMT"):
        assert asked_wait(odd, now) == timedelta()


def test_410_switches_the_endpoint_off_at_once(endpoint: WebhookEndpoint, receiver: Receiver, time: Time) -> None:
    receiver.status = 410
    a_run()
    time.pass_()
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.switched_off) == (False, SwitchedOff.GONE)
    assert Delivery.objects.get().state == DeliveryState.DEAD
    a_run()
    time.pass_(days=1)
    assert len(receiver.arrivals) == 1
    assert Delivery.objects.count() == 1


def fail_for_days(time: Time, days: int) -> None:
    """Something happens every day, and nothing is taken."""
    for _ in range(days):
        a_run()
        time.pass_()
        time.pass_(days=1)


def test_an_endpoint_that_takes_nothing_for_three_days_is_switched_off(
    endpoint: WebhookEndpoint, receiver: Receiver, time: Time
) -> None:
    receiver.status = 500
    fail_for_days(time, 2)
    endpoint.refresh_from_db()
    assert endpoint.active
    fail_for_days(time, 2)
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.switched_off) == (False, SwitchedOff.DEAD)
    assert not Delivery.objects.pending().exists()


def test_a_success_in_between_saves_an_endpoint(endpoint: WebhookEndpoint, receiver: Receiver, time: Time) -> None:
    receiver.status = 500
    fail_for_days(time, 2)
    receiver.statuses = [204]
    fail_for_days(time, 2)
    endpoint.refresh_from_db()
    assert endpoint.active


def test_the_owner_and_the_superusers_are_told_once_that_an_endpoint_was_switched_off(
    endpoint: WebhookEndpoint, receiver: Receiver, admin: User, alice: User, time: Time
) -> None:
    User.objects.filter(username__in=["service", "admin", "alice"]).update(email="someone@example.com")
    User.objects.create_superuser("closed", email="closed@example.com", is_active=False)
    User.objects.create_superuser("silent")
    receiver.status = 410
    a_run()
    time.pass_()
    time.pass_(days=1)
    mails = Mail.objects.filter(kind=MailKind.ENDPOINT)
    assert {mail.user.username for mail in mails} == {"service", "admin"}
    assert {mail.run for mail in mails} == {None}
    assert all(mail.occasion.startswith(f"endpoint:{endpoint.pk.hex}:") for mail in mails)
    assert [mail.content for mail in mails] == [{"url": receiver.url, "reason": SwitchedOff.GONE.value}] * 2


def test_what_was_given_up_can_be_sent_again_under_the_same_id(
    endpoint: WebhookEndpoint, receiver: Receiver, service: User, time: Time
) -> None:
    receiver.status = 500
    a_run()
    time.pass_()
    delivery = Delivery.objects.get()
    Delivery.objects.update(state=DeliveryState.DEAD)
    receiver.status = 200
    operations.redeliver(endpoint.pk, delivery.pk, by=actor_for(service), now=time.now)
    time.pass_()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures) == (DeliveryState.DELIVERED, 0)
    assert [entry["status"] for entry in delivery.log] == [500, 200]
    assert len({arrival.id for arrival in receiver.arrivals}) == 1
    assert len(receiver.arrivals) == 2


def test_what_was_delivered_can_be_sent_again_too(
    endpoint: WebhookEndpoint, receiver: Receiver, service: User, time: Time
) -> None:
    a_run()
    time.pass_()
    operations.redeliver(endpoint.pk, Delivery.objects.get().pk, by=actor_for(service), now=time.now)
    time.pass_()
    assert len(receiver.arrivals) == 2
    assert receiver.arrivals[0].id == receiver.arrivals[1].id


def test_an_endpoint_that_is_deleted_while_something_is_in_the_air_leaves_nothing_behind(
    endpoint: WebhookEndpoint, receiver: Receiver, service: User, time: Time
) -> None:
    receiver.status = 500
    a_run()
    publish(time.now)
    [item] = time.job.take(time.now, 1)
    operations.delete_endpoint(endpoint.pk, by=actor_for(service))
    time.job.settle(item, time.job.perform(item), time.now)
    assert not Delivery.objects.exists()
    assert time.job.in_the_air == {}
