"""Webhooks in the admin: seen without their secrets, switched off and on, and sent again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.pages import Page, signed_in, url
from tests.cast import a_run, a_user
from tests.webhooks.conftest import Time
from tests.webhooks.receivers import Receiver
from usertasks.models import Delivery, DeliveryState, WebhookEndpoint

pytestmark = pytest.mark.django_db

ENDPOINTS = "admin:usertasks_webhookendpoint_"
DELIVERIES = "admin:usertasks_delivery_"


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def act(client: Client, address: str, action: str, pk: object) -> str:
    """What the list says after an action on one row."""
    return Page(client.post(address, {"action": action, "_selected_action": [str(pk)]}, follow=True)).text


def test_no_page_shows_the_secret(client: Client, endpoint: WebhookEndpoint, time: Time) -> None:
    a_run()
    time.pass_()
    for address in (
        url(f"{ENDPOINTS}changelist"),
        url(f"{ENDPOINTS}change", endpoint.pk),
        url(f"{DELIVERIES}changelist"),
        url(f"{DELIVERIES}change", Delivery.objects.get().pk),
    ):
        page = client.get(address)
        assert page.status_code == 200
        assert "whsec" not in page.content.decode()
        assert endpoint.secret[6:] not in page.content.decode()


def test_an_endpoint_is_switched_off_and_on(client: Client, endpoint: WebhookEndpoint) -> None:
    address = url(f"{ENDPOINTS}changelist")
    assert "1 endpoint switched off." in act(client, address, "switch_off", endpoint.pk)
    endpoint.refresh_from_db()
    assert not endpoint.active
    assert "1 endpoint switched on." in act(client, address, "switch_on", endpoint.pk)
    endpoint.refresh_from_db()
    assert endpoint.active


def test_a_delivery_is_read_with_its_log_and_sent_again(
    client: Client, endpoint: WebhookEndpoint, receiver: Receiver, time: Time
) -> None:
    receiver.status, receiver.body = 410, b"<b>gone fishing</b>"
    a_run()
    time.pass_()
    delivery = Delivery.objects.get()
    page = client.get(url(f"{DELIVERIES}change", delivery.pk)).content.decode()
    assert "&lt;b&gt;gone fishing&lt;/b&gt;" in page
    address = url(f"{DELIVERIES}changelist")
    assert "The endpoint is switched off." in act(client, address, "redeliver", delivery.pk)
    act(client, url(f"{ENDPOINTS}changelist"), "switch_on", endpoint.pk)
    assert "1 delivery to be sent again." in act(client, address, "redeliver", delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.PENDING


def test_nothing_is_typed_into_an_endpoint_or_a_delivery(client: Client, endpoint: WebhookEndpoint) -> None:
    assert client.get(url(f"{ENDPOINTS}add")).status_code == 403
    assert client.get(url(f"{DELIVERIES}add")).status_code == 403
    assert client.post(url(f"{ENDPOINTS}change", endpoint.pk), {"url": "https://evil.example"}).status_code == 403


def test_deliveries_are_found_by_an_exact_id(client: Client, endpoint: WebhookEndpoint, time: Time) -> None:
    run = a_run()
    time.pass_()
    address = url(f"{DELIVERIES}changelist")
    for term, count in ((run.pk.hex, 1), (str(endpoint.pk), 1), ("0" * 32, 0), ("nonsense", 0)):
        assert client.get(address, {"q": term}).context["cl"].result_count == count


def test_staff_without_the_permission_see_none_of_it(endpoint: WebhookEndpoint) -> None:
    clerk = signed_in(a_user("clerk", is_staff=True))
    assert clerk.get(url(f"{ENDPOINTS}changelist")).status_code == 403
    looker = signed_in(a_user("looker", is_staff=True, permissions=["view_webhookendpoint"]))
    text = act(looker, url(f"{ENDPOINTS}changelist"), "switch_off", endpoint.pk)
    assert "There is no such endpoint." in text
    endpoint.refresh_from_db()
    assert endpoint.active
