"""Webhook endpoints over REST: who may have one, what may be in it, and what became of each delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from tests.api.conftest import Caller, as_, nobody  # noqa: F401
from tests.cast import a_run, a_user
from tests.webhooks.conftest import Time, endpoint_of
from tests.webhooks.receivers import Receiver
from usertasks.api import webhook_shapes as shapes
from usertasks.models import Delivery, DeliveryState, EventType, WebhookEndpoint

pytestmark = pytest.mark.django_db
As = Callable[[User], Caller]

ENDPOINTS = "webhook-endpoints/"
URL = "https://hooks.example.com/usertasks"


@pytest.fixture
def caller(service: User) -> Caller:
    return Caller(service)


def made(caller: Caller, **body: Any) -> dict[str, Any]:
    answer = caller.post(ENDPOINTS, {"url": URL, **body})
    assert answer.status_code == 201
    return dict(answer.json())


def refusal(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def faults(answer: Any) -> dict[str, list[str]]:
    assert refusal(answer) == (400, "invalid_argument")
    return {name: [fault["code"] for fault in found] for name, found in answer.json()["errors"].items()}


def test_the_secret_is_told_once(caller: Caller) -> None:
    endpoint = made(caller, event_types=["completed"], description="billing")
    secret = endpoint.pop("secret")
    assert secret.startswith("whsec_")
    assert WebhookEndpoint.objects.get(pk=UUID(endpoint["id"])).secret == secret
    assert (endpoint["url"], endpoint["event_types"], endpoint["description"]) == (URL, ["completed"], "billing")
    assert (endpoint["active"], endpoint["switched_off"], endpoint["owner"]) == (True, None, "service")
    path = f"{ENDPOINTS}{endpoint['id']}/"
    for answer in (caller.get(path), caller.get(ENDPOINTS), caller.patch(path, {"active": True})):
        assert answer.status_code == 200
        assert secret not in answer.content.decode()
        assert "secret" not in answer.content.decode()
    assert caller.get(path).json() == endpoint


def test_answers_have_the_keys_that_are_described(caller: Caller, receiver: Receiver, time: Time) -> None:
    endpoint = made(caller, url=receiver.url)
    assert list(endpoint) == list(shapes.NewEndpoint().fields)
    a_run()
    time.pass_()
    [delivery] = caller.get(f"{ENDPOINTS}{endpoint['id']}/deliveries/").json()["results"]
    assert list(delivery) == list(shapes.WebhookDelivery().fields)
    assert list(delivery["event"]) == list(shapes.DeliveredEvent().fields)
    assert set(delivery["log"][0]) == set(shapes.LoggedAttempt().fields)


def test_an_endpoint_is_changed_switched_off_and_on_and_deleted(caller: Caller) -> None:
    path = f"{ENDPOINTS}{made(caller)['id']}/"
    changed = caller.patch(path, {"url": URL + "/2", "event_types": ["saved", "saved"], "description": "x"}).json()
    assert (changed["url"], changed["event_types"], changed["description"]) == (URL + "/2", ["saved"], "x")
    off = caller.patch(path, {"active": False}).json()
    assert (off["active"], off["switched_off"], off["url"]) == (False, "by_hand", URL + "/2")
    WebhookEndpoint.objects.update(failures=7)
    on = caller.patch(path, {"active": True}).json()
    assert (on["active"], on["switched_off"], on["failures"]) == (True, None, 0)
    assert caller.delete(path).status_code == 204
    assert refusal(caller.get(path)) == (404, "not_found")


def test_whoever_may_not_see_every_run_may_not_have_them_sent(as_: As, alice: User, nobody: Caller) -> None:  # noqa: F811
    assert refusal(as_(alice).post(ENDPOINTS, {"url": URL})) == (403, "not_allowed")
    assert refusal(nobody.post(ENDPOINTS, {"url": URL})) == (401, "not_signed_in")
    assert as_(alice).get(ENDPOINTS).json()["results"] == []


def test_whoever_loses_the_right_keeps_seeing_and_deletes_but_no_longer_changes(caller: Caller, service: User) -> None:
    path = f"{ENDPOINTS}{made(caller)['id']}/"
    service.user_permissions.clear()
    assert caller.get(path).status_code == 200
    assert refusal(caller.patch(path, {"url": URL})) == (403, "not_allowed")
    assert caller.delete(path).status_code == 204


def test_one_sees_ones_own_endpoints_and_whoever_may_change_all_sees_all(
    as_: As,  # noqa: F811
    caller: Caller,
    mona: User,
    admin: User,
) -> None:
    path = f"{ENDPOINTS}{made(caller)['id']}/"
    other = as_(mona)
    for answer in (
        other.get(path),
        other.patch(path, {"active": False}),
        other.delete(path),
        other.get(path + "deliveries/"),
        other.post(path + "deliveries/1/redeliver/"),
    ):
        assert refusal(answer) == (404, "not_found")
    assert other.get(ENDPOINTS).json()["results"] == []
    keeper = a_user("keeper", permissions=["change_webhookendpoint", "view_usertaskrun"])
    for caller_of_all in (as_(admin), as_(keeper)):
        assert len(caller_of_all.get(ENDPOINTS).json()["results"]) == 1
        assert caller_of_all.patch(path, {"description": "mine"}).status_code == 200


def test_changing_the_endpoints_of_others_takes_the_right_to_see_every_run(as_: As, caller: Caller) -> None:  # noqa: F811
    path = f"{ENDPOINTS}{made(caller)['id']}/"
    blind = as_(a_user("blind", permissions=["change_webhookendpoint"]))
    assert refusal(blind.patch(path, {"url": "https://evil.example/"})) == (403, "not_allowed")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"url": ["required"]}),
        ({"url": None}, {"url": ["wrong_type"]}),
        ({"url": 3}, {"url": ["wrong_type"]}),
        ({"url": ""}, {"url": ["invalid"]}),
        ({"url": "example.com"}, {"url": ["invalid"]}),
        ({"url": "http://example.com/"}, {"url": ["invalid"]}),
        ({"url": "https://user:pass@example.com/"}, {"url": ["invalid"]}),
        ({"url": "https://example.com/\0"}, {"url": ["invalid"]}),
        ({"url": "https://example.com/\ud800"}, {"url": ["invalid"]}),
        ({"url": URL + "x" * 2000}, {"url": ["out_of_range"]}),
        ({"url": URL, "event_types": "completed"}, {"event_types": ["wrong_type"]}),
        ({"url": URL, "event_types": None}, {"event_types": ["wrong_type"]}),
        ({"url": URL, "event_types": {}}, {"event_types": ["wrong_type"]}),
        ({"url": URL, "event_types": ["completed", "done"]}, {"event_types.1": ["not_a_choice"]}),
        ({"url": URL, "event_types": ["created", 3]}, {"event_types.1": ["wrong_type"]}),
        ({"url": URL, "description": 3}, {"description": ["wrong_type"]}),
        ({"url": URL, "description": "x" * 1001}, {"description": ["out_of_range"]}),
        ({"url": URL, "description": "\0"}, {"description": ["invalid"]}),
        ({"url": URL, "secret": "whsec_mine"}, {"secret": ["unknown_field"]}),
        ({"url": URL, "active": False}, {"active": ["unknown_field"]}),
        ({"url": "x", "event_types": ["x"]}, {"url": ["invalid"], "event_types.0": ["not_a_choice"]}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_new_endpoint_is_said(caller: Caller, body: Any, expected: dict[str, list[str]]) -> None:
    assert faults(caller.post(ENDPOINTS, body)) == expected
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"url": "nowhere"}, {"url": ["invalid"]}),
        ({"url": None}, {"url": ["wrong_type"]}),
        ({"active": "yes"}, {"active": ["wrong_type"]}),
        ({"active": None}, {"active": ["wrong_type"]}),
        ({"event_types": ["x"]}, {"event_types.0": ["not_a_choice"]}),
        ({"owner": "mona"}, {"owner": ["unknown_field"]}),
        ({"id": "0" * 32}, {"id": ["unknown_field"]}),
    ],
)
def test_what_is_wrong_with_a_change_is_said(caller: Caller, body: Any, expected: dict[str, list[str]]) -> None:
    endpoint = made(caller)
    path = f"{ENDPOINTS}{endpoint['id']}/"
    assert faults(caller.patch(path, body)) == expected
    assert caller.get(path).json()["url"] == endpoint["url"]


def test_what_does_not_exist_is_not_found(caller: Caller, receiver: Receiver) -> None:
    path = f"{ENDPOINTS}{made(caller)['id']}/"
    unknown = f"{ENDPOINTS}{uuid4().hex}/"
    for answer in (
        caller.get(unknown),
        caller.patch(unknown, {}),
        caller.delete(unknown),
        caller.get(unknown + "deliveries/"),
        caller.post(path + "deliveries/1/redeliver/"),
        caller.post(path + f"deliveries/{2**70}/redeliver/"),
        caller.get(f"{ENDPOINTS}not-a-guid/"),
    ):
        assert refusal(answer) == (404, "not_found")
    assert refusal(caller.post(path, {})) == (405, "method_not_allowed")


def test_deliveries_are_listed_newest_first_page_by_page(caller: Caller, receiver: Receiver, time: Time) -> None:
    path = f"{ENDPOINTS}{made(caller, url=receiver.url)['id']}/deliveries/"
    for _ in range(5):
        a_run()
    time.pass_()
    positions: list[int] = []
    page = caller.get(path + "?limit=2").json()
    assert page["previous"] is None
    while True:
        positions += [delivery["event"]["position"] for delivery in page["results"]]
        if page["next"] is None:
            break
        page = caller.get(page["next"].split("/api/v1/")[1]).json()
    assert positions == sorted(positions, reverse=True)
    assert len(positions) == 5
    back = caller.get(page["previous"].split("/api/v1/")[1]).json()
    assert [delivery["event"]["position"] for delivery in back["results"]] == positions[2:4]


def test_a_delivery_tells_its_attempts(caller: Caller, receiver: Receiver, time: Time) -> None:
    path = f"{ENDPOINTS}{made(caller, url=receiver.url)['id']}/deliveries/"
    receiver.statuses, receiver.body = [500], b"not today"
    run = a_run()
    time.pass_()
    [delivery] = caller.get(path).json()["results"]
    assert (delivery["state"], delivery["attempts"], delivery["status"]) == ("pending", 1, 500)
    assert (delivery["response"], delivery["error"], len(delivery["log"])) == ("not today", "", 1)
    assert delivery["next_attempt_at"] is not None
    assert delivery["event"] == {
        "position": delivery["event"]["position"],
        "run_id": run.id.hex,
        "number": 1,
        "type": EventType.CREATED,
    }
    assert delivery["webhook_id"] == receiver.arrivals[0].id
    time.pass_(minutes=2)
    [delivery] = caller.get(path).json()["results"]
    assert (delivery["state"], delivery["attempts"], delivery["status"]) == ("delivered", 2, 204)
    assert (delivery["next_attempt_at"], len(delivery["log"])) == (None, 2)


def test_redelivery_answers_with_the_delivery_pending_again(caller: Caller, receiver: Receiver, time: Time) -> None:
    endpoint = made(caller, url=receiver.url)
    path = f"{ENDPOINTS}{endpoint['id']}/deliveries/"
    a_run()
    time.pass_()
    Delivery.objects.update(state=DeliveryState.DEAD, failures=15)
    number = Delivery.objects.get().pk
    answer = caller.post(f"{path}{number}/redeliver/")
    assert (answer.status_code, answer.json()["id"], answer.json()["state"]) == (200, number, "pending")
    assert Delivery.objects.get().failures == 0
    time.pass_(seconds=5)
    assert [arrival.id for arrival in receiver.arrivals] == [answer.json()["webhook_id"]] * 2


def test_nothing_is_sent_again_to_an_endpoint_that_is_switched_off(
    caller: Caller, receiver: Receiver, time: Time
) -> None:
    path = f"{ENDPOINTS}{made(caller, url=receiver.url)['id']}/"
    a_run()
    time.pass_()
    caller.patch(path, {"active": False})
    answer = caller.post(f"{path}deliveries/{Delivery.objects.get().pk}/redeliver/")
    assert refusal(answer) == (409, "wrong_state")


@pytest.mark.parametrize("query", ["?limit=0", "?limit=x", "?cursor=x", "?cursor=WyJhIiwgIngiXQ", "?colour=red"])
def test_malformed_parameters_are_refused(caller: Caller, query: str) -> None:
    path = f"{ENDPOINTS}{made(caller)['id']}/deliveries/"
    assert refusal(caller.get(ENDPOINTS + query)) == (400, "invalid_argument")
    assert refusal(caller.get(path + query)) == (400, "invalid_argument")


def test_endpoints_are_listed_page_by_page(caller: Caller, service: User) -> None:
    ids = [endpoint_of(service, f"{URL}/{number}").pk.hex for number in range(3)]
    first = caller.get(ENDPOINTS + "?limit=2").json()
    second = caller.get(first["next"].split("/api/v1/")[1]).json()
    assert [row["id"] for row in first["results"] + second["results"]] == ids
    assert second["next"] is None


def test_a_list_of_deliveries_takes_the_same_few_queries_however_long_it_is(
    caller: Caller, receiver: Receiver, time: Time, django_assert_max_num_queries: Any
) -> None:
    path = f"{ENDPOINTS}{made(caller, url=receiver.url)['id']}/deliveries/"
    for _ in range(6):
        a_run()
    time.pass_()
    with django_assert_max_num_queries(4):
        assert len(caller.get(path).json()["results"]) == 6
