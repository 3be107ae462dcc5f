"""What is sent to whom, in which order, and how the other side knows that it is ours."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from standardwebhooks.webhooks import WebhookVerificationError

from tests.cast import a_definition, a_run, claimed_by, done_by
from tests.webhooks.conftest import Time, endpoint_of
from tests.webhooks.receivers import Receiver, receiving
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.deliveries import BUNDLE, THREADS_EACH, Deliveries
from usertasks.feed import publish
from usertasks.models import Delivery, DeliveryState, SwitchedOff, UserTaskField, UserTaskRun, WebhookEndpoint

pytestmark = pytest.mark.django_db


def types(receiver: Receiver, secret: str) -> list[str]:
    return [arrival.verified(secret)["type"] for arrival in receiver.arrivals]


def test_every_event_of_a_run_arrives_signed_and_in_order(
    endpoint: WebhookEndpoint, receiver: Receiver, alice: User, time: Time
) -> None:
    done_by(alice)
    time.pass_()
    names = ["created", "assigned", "completed"]
    assert types(receiver, endpoint.secret) == [f"user_task_run.{name}" for name in names]
    assert {arrival.headers["content-type"] for arrival in receiver.arrivals} == {"application/json"}
    assert {arrival.path for arrival in receiver.arrivals} == {"/hook"}
    assert len({arrival.id for arrival in receiver.arrivals}) == 3
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED}


def test_a_message_tells_the_event_the_run_and_where_it_stands_in_the_feed(
    endpoint: WebhookEndpoint, receiver: Receiver, time: Time
) -> None:
    run = a_run(user_id="alice")
    time.pass_()
    message = receiver.arrivals[0].verified(endpoint.secret)
    event = run.events.get()
    assert message["timestamp"] == message["data"]["event"]["time"] == event.time.isoformat().replace("+00:00", "Z")
    assert message["data"]["event"]["number"] == 1
    assert message["data"]["event"]["run_id"] == message["data"]["run"]["id"] == run.id.hex
    assert message["data"]["event"]["position"] == event.position
    assert message["data"]["run"]["status"] == "ASSIGNED"
    assert message["data"]["outcome"] is None


def test_a_message_that_was_changed_on_the_way_does_not_verify(
    endpoint: WebhookEndpoint, receiver: Receiver, time: Time
) -> None:
    a_run()
    time.pass_()
    arrival = receiver.arrivals[0]
    arrival.headers["webhook-id"] += "0"
    with pytest.raises(WebhookVerificationError):
        arrival.verified(endpoint.secret)


def outcomes(receiver: Receiver, secret: str) -> list[object]:
    return [arrival.verified(secret)["data"]["outcome"] for arrival in receiver.arrivals]


def test_the_outcome_comes_with_the_event_that_ends_the_run_and_with_later_ones(
    endpoint: WebhookEndpoint, receiver: Receiver, alice: User, time: Time
) -> None:
    optional = [UserTaskField(name="note", type="STR", required=False)]
    run = claimed_by(alice, definition=a_definition("note", optional))
    operations.add_comment(run.id, "before", by=actor_for(alice))
    operations.complete(run.id, {}, by=actor_for(alice))
    operations.add_comment(run.id, "after", by=actor_for(alice))
    time.pass_()
    done = {"status": "DONE", "output": {"note": None}, "failure": None}
    assert outcomes(receiver, endpoint.secret) == [None, None, None, done, done]


def test_a_cancelled_run_ends_with_its_failure(
    endpoint: WebhookEndpoint, receiver: Receiver, mona: User, time: Time
) -> None:
    operations.cancel(a_run(on_cancellation_exception_name="gave-up").id, by=actor_for(mona))
    time.pass_()
    failure = {"name": "gave-up", "kind": "EXCEPTION", "message": "The user task was cancelled."}
    assert outcomes(receiver, endpoint.secret) == [None, {"status": "CANCELLED", "output": None, "failure": failure}]


def test_only_the_events_that_were_asked_for_are_sent(
    service: User, receiver: Receiver, alice: User, time: Time
) -> None:
    endpoint = endpoint_of(service, receiver.url, "completed", "cancelled")
    done_by(alice)
    time.pass_()
    assert types(receiver, endpoint.secret) == ["user_task_run.completed"]


def test_what_happened_before_the_endpoint_was_made_is_not_sent(service: User, receiver: Receiver, time: Time) -> None:
    a_run()
    time.pass_()
    endpoint_of(service, receiver.url)
    time.pass_()
    assert receiver.arrivals == []


def test_later_events_of_a_run_wait_for_the_one_that_fails_and_other_runs_do_not(
    endpoint: WebhookEndpoint, receiver: Receiver, alice: User, time: Time
) -> None:
    receiver.statuses = [500]
    run, other = claimed_by(alice), a_run()
    time.pass_()
    time.pass_(seconds=2)
    assert [arrival.verified(endpoint.secret)["data"]["run"]["id"] for arrival in receiver.arrivals] == [
        run.id.hex,
        other.id.hex,
    ]
    time.pass_(seconds=10)
    told = [arrival.verified(endpoint.secret)["data"]["event"] for arrival in receiver.arrivals]
    assert [(event["run_id"], event["number"]) for event in told] == [
        (run.id.hex, 1),
        (other.id.hex, 1),
        (run.id.hex, 1),
        (run.id.hex, 2),
    ]


def test_what_waits_for_a_failed_delivery_is_put_off_with_it_and_follows_it_at_once(
    endpoint: WebhookEndpoint, receiver: Receiver, alice: User, service: User, time: Time
) -> None:
    receiver.status = 500
    done_by(alice)
    time.pass_()
    for _ in range(5):
        time.pass_until_due(Delivery.objects.order_by("position")[0])
    first, *others = Delivery.objects.order_by("position")
    assert {other.next_attempt_at for other in others} == {first.next_attempt_at}
    receiver.status = 204
    operations.redeliver(endpoint.pk, first.pk, by=actor_for(service), now=time.now)
    time.pass_()
    assert not Delivery.objects.pending().exists()
    told = [arrival.verified(endpoint.secret)["data"]["event"]["number"] for arrival in receiver.arrivals]
    assert told == [1] * 7 + [2, 3]


def test_a_failing_endpoint_delays_no_other(
    endpoint: WebhookEndpoint, receiver: Receiver, service: User, time: Time
) -> None:
    with receiving(status=500) as broken:
        failing = endpoint_of(service, broken.url)
        for _ in range(20):
            a_run()
        time.pass_()
    assert len(receiver.arrivals) == 20
    assert len(broken.arrivals) <= THREADS_EACH  # what was in the air at once; then it is left alone
    assert failing.deliveries.pending().count() == 20


def test_no_endpoint_takes_all_threads_of_a_worker(
    service: User, receiver: Receiver, job: Deliveries, time: Time
) -> None:
    first, second, third = (endpoint_of(service, receiver.url) for _ in range(3))
    definition = a_definition()
    for _ in range(THREADS_EACH * BUNDLE + 1):
        a_run(definition)
    time.job = Deliveries(job.courier)
    publish_only(time)
    items = job.take(time.now, 12)
    by_endpoint = {row.pk: job.in_the_air[row.pk] for row in (first, second, third)}
    assert by_endpoint == {first.pk: 6, second.pk: 3, third.pk: 1}
    assert len(items) == 10
    assert job.take(time.now, 2) == []  # each of them has its share already


def publish_only(time: Time) -> None:
    """Plan the deliveries of what has happened."""
    publish(time.now)


def test_a_worker_sends_some_and_gives_back_what_it_did_not_get_to(
    endpoint: WebhookEndpoint, receiver: Receiver, job: Deliveries, time: Time
) -> None:
    receiver.statuses = [204, 500]
    for _ in range(4):
        a_run()
    publish_only(time)
    [item] = job.take(time.now, 1)
    job.settle(item, job.perform(item), time.now)
    rows = Delivery.objects.order_by("position")
    assert [(row.state, row.attempts, len(row.log)) for row in rows] == [
        ("delivered", 1, 1),
        ("pending", 1, 1),
        ("pending", 0, 0),
        ("pending", 0, 0),
    ]
    assert job.in_the_air == {}


def test_whoever_was_too_slow_to_settle_changes_nothing(
    endpoint: WebhookEndpoint, receiver: Receiver, job: Deliveries, time: Time
) -> None:
    receiver.statuses = [500]
    a_run()
    publish_only(time)
    [slow] = job.take(time.now, 1)
    failure = job.perform(slow)
    time.pass_(seconds=61)  # the lease is over, and another worker delivers it
    job.settle(slow, failure, time.now)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 2)
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_an_owner_who_may_no_longer_see_every_run_is_sent_nothing(
    endpoint: WebhookEndpoint, receiver: Receiver, service: User, time: Time
) -> None:
    a_run()
    service.user_permissions.clear()
    time.pass_()
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.switched_off) == (False, SwitchedOff.OWNER)
    assert receiver.arrivals == []
    assert Delivery.objects.get().state == DeliveryState.DEAD


def test_an_owner_whose_account_is_closed_is_sent_nothing(receiver: Receiver, admin: User, time: Time) -> None:
    endpoint = endpoint_of(admin, receiver.url)
    a_run()
    User.objects.filter(pk=admin.pk).update(is_active=False)
    time.pass_()
    endpoint.refresh_from_db()
    assert endpoint.switched_off == SwitchedOff.OWNER
    assert receiver.arrivals == []


def test_an_endpoint_that_is_switched_off_gets_what_waited_when_it_is_on_again(
    endpoint: WebhookEndpoint, receiver: Receiver, service: User, time: Time
) -> None:
    a_run()
    publish_only(time)
    operations.change_endpoint(endpoint.pk, active=False, by=actor_for(service))
    a_run()
    time.pass_()
    assert receiver.arrivals == []
    operations.change_endpoint(endpoint.pk, active=True, by=actor_for(service))
    time.pass_()
    assert len(receiver.arrivals) == 1
    assert UserTaskRun.objects.count() == 2


def test_connections_are_kept_for_the_next_message(endpoint: WebhookEndpoint, receiver: Receiver, time: Time) -> None:
    for _ in range(5):
        a_run()
    time.pass_()
    a_run()
    time.pass_()
    assert len(receiver.arrivals) == 6
    assert receiver.connections < 3


def test_the_log_of_the_worker_tells_each_attempt_and_no_secret(
    endpoint: WebhookEndpoint, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    a_run()
    with caplog.at_level("INFO"):
        time.pass_()
    [line] = [record.getMessage() for record in caplog.records if "what=delivery" in record.getMessage()]
    assert f"endpoint={endpoint.pk.hex}" in line
    assert "status=204" in line
    assert endpoint.secret.removeprefix("whsec_") not in caplog.text
