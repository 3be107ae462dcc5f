"""Receivers that time out, talk nonsense, talk too much or never stop: an attempt ends, and says why."""

from __future__ import annotations

import time as clock

import pytest
from django.contrib.auth.models import User

from tests.cast import a_run
from tests.webhooks import receivers
from tests.webhooks.conftest import IMPATIENT, Time, endpoint_of
from tests.webhooks.receivers import Behaviour, misbehaving, receiving
from usertasks.courier import MOST_KEPT, MOST_READ, Answer, Courier
from usertasks.models import Delivery, DeliveryState


def posted(courier: Courier, url: str) -> Answer:
    return courier.post(url, b"{}", {"webhook-id": "msg_1"})


@pytest.mark.parametrize("behaviour", [receivers.say_nothing, receivers.drip_a_header, receivers.drip_a_body])
def test_however_slowly_it_answers_the_deadline_holds(courier: Courier, behaviour: Behaviour) -> None:
    with misbehaving(behaviour) as url:
        begin = clock.monotonic()
        answer = posted(courier, url)
        took = clock.monotonic() - begin
    assert answer.status is None
    assert answer.error.startswith("timeout:")
    assert IMPATIENT <= took < IMPATIENT + 1
    assert IMPATIENT * 1000 <= answer.latency_ms < (IMPATIENT + 1) * 1000


def test_a_receiver_that_does_not_take_a_large_body_is_given_up_in_time(courier: Courier) -> None:
    with misbehaving(receivers.say_nothing) as url:
        begin = clock.monotonic()
        answer = courier.post(url, b"x" * 50_000_000, {})
        assert clock.monotonic() - begin < IMPATIENT + 1
    assert answer.error.startswith("timeout:")


@pytest.mark.parametrize("behaviour", [receivers.talk_garbage, receivers.hang_up])
def test_what_is_not_http_is_a_failure(courier: Courier, behaviour: Behaviour) -> None:
    with misbehaving(behaviour) as url:
        answer = posted(courier, url)
    assert answer.status is None
    assert answer.error.startswith(("RemoteProtocolError:", "ReadError:"))  # whichever end of the line is quicker


def test_nobody_there_is_a_failure(courier: Courier) -> None:
    with receiving() as receiver:
        url = receiver.url
    assert posted(courier, url).error.startswith("ConnectError:")


def test_a_long_answer_is_not_read_to_the_end(courier: Courier) -> None:
    with receiving(status=200, body=b"x" * 2_000_000) as receiver:
        answer = posted(courier, receiver.url)
        again = posted(courier, receiver.url)
    assert (answer.status, again.status) == (200, 200)
    assert len(answer.text) == MOST_KEPT
    assert receiver.connections == 2  # what is left of the answer is in nobody's way
    assert MOST_READ < 2_000_000


def test_a_redirect_is_an_answer_and_is_not_followed(courier: Courier) -> None:
    with receiving() as target, receiving(status=302, headers={"Location": target.url}) as receiver:
        assert posted(courier, receiver.url).status == 302
    assert target.arrivals == []


def test_a_proxy_of_the_environment_is_not_used(courier: Courier, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert posted(courier, receiver.url).status == 204
    assert proxy.arrivals == []


def test_a_connection_that_the_receiver_closed_meanwhile_is_no_failure(courier: Courier) -> None:
    with misbehaving(receivers.hang_up_at_the_second_request) as url:
        assert [posted(courier, url).status for _ in range(3)] == [204, 204, 204]
        courier.close()


def test_path_and_query_arrive_as_they_were_given(courier: Courier) -> None:
    with receiving() as receiver:
        posted(courier, f"http://127.0.0.1:{receiver.port}/a%20b/é;c=1?x=%26&y=ü")
        posted(courier, f"http://127.0.0.1:{receiver.port}")
    assert [arrival.path for arrival in receiver.arrivals] == ["/a%20b/%C3%A9;c=1?x=%26&y=%C3%BC", "/"]
    assert {arrival.headers["host"] for arrival in receiver.arrivals} == {f"127.0.0.1:{receiver.port}"}


@pytest.mark.django_db
@pytest.mark.parametrize("behaviour", [receivers.say_nothing, receivers.talk_garbage, receivers.drip_a_body])
def test_a_nasty_receiver_is_a_failed_attempt_that_is_logged(service: User, time: Time, behaviour: Behaviour) -> None:
    with misbehaving(behaviour) as url:
        endpoint_of(service, url)
        a_run()
        time.pass_()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.failures) == (DeliveryState.PENDING, 1)
    assert delivery.log[0]["status"] is None
    assert delivery.log[0]["error"]
