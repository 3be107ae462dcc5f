"""Where nothing is sent to: addresses that are not public, in whatever form they come, unless they are allowed."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.cast import a_run
from tests.webhooks.conftest import IMPATIENT, Time, endpoint_of
from tests.webhooks.receivers import Receiver
from usertasks.addresses import Address, AddressRefused, checked_addresses, fault_of_url, is_public, target_of
from usertasks.courier import Courier
from usertasks.deliveries import Deliveries
from usertasks.models import Delivery, DeliveryState

PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]
NOT_PUBLIC = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:0a00:1::1", "2001::1", "100::1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_a_host_on_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_private_local_reserved_or_wraps_such_an_address_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


def resolving(*texts: str) -> Courier:
    """A courier for whom every name stands for these addresses."""

    def resolve(host: str, port: int) -> Sequence[Address]:
        return [ip_address(text) for text in texts]

    return Courier(deadline=IMPATIENT, resolve=resolve)


@pytest.fixture
def nothing_allowed(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "017700000001",
        "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "0",
    ],
)  # fmt: skip
def test_loopback_is_refused_however_it_is_spelled(
    courier: Courier, receiver: Receiver, nothing_allowed: None, host: str
) -> None:
    answer = courier.post(f"http://{host}:{receiver.port}/", b"", {})
    assert answer.error.startswith("address_refused:")
    assert receiver.connections == 0


def test_a_name_that_stands_for_loopback_is_refused(receiver: Receiver, nothing_allowed: None) -> None:
    answer = resolving("127.0.0.1").post(f"http://hooks.example.com:{receiver.port}/", b"", {})
    assert answer.error.startswith("address_refused:")
    assert receiver.connections == 0


def test_one_address_that_is_not_public_is_one_too_many(nothing_allowed: None) -> None:
    with pytest.raises(AddressRefused):
        checked_addresses("hooks.example.com", 443, lambda host, port: [ip_address("8.8.8.8"), ip_address("10.0.0.1")])


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(receiver: Receiver, settings: Settings) -> None:
    """Whoever answers the second question about a name otherwise than the first is not asked twice."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "127.0.0.2")]

    courier = Courier(deadline=IMPATIENT, resolve=rebinding)
    answer = courier.post(f"http://hooks.example.com:{receiver.port}/", b"", {})
    courier.close()
    assert (answer.status, asked) == (204, ["hooks.example.com"])
    assert receiver.arrivals[0].headers["host"] == f"hooks.example.com:{receiver.port}"


def test_if_the_first_address_does_not_answer_the_next_one_is_tried(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.0/8", "::1"]
    courier = resolving("::1", "127.0.0.1")
    assert courier.post(f"http://hooks.example.com:{receiver.port}/", b"", {}).status == 204
    courier.close()


@pytest.mark.parametrize(
    ("allowed", "host", "is_allowed"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "localhost", True),
        (["127.0.0.0/8"], "0x7f.1", True),
        (["localhost."], "LOCALHOST", True),
        (["localhost"], "127.0.0.1", False),
        (["127.0.0.2"], "127.0.0.1", False),
        (["::1"], "127.0.0.1", False),
        (["127.0.0.1"], "[::ffff:127.0.0.1]", True),
        (["example.com"], "localhost", False),
    ],
)
def test_a_deployment_allows_names_addresses_and_networks(
    receiver: Receiver, settings: Settings, allowed: list[str], host: str, is_allowed: bool
) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = allowed
    courier = Courier(deadline=IMPATIENT)
    answer = courier.post(f"http://{host}:{receiver.port}/", b"", {})
    courier.close()
    assert (answer.status == 204, answer.error.startswith("address_refused")) == (is_allowed, not is_allowed)


@pytest.mark.django_db
def test_a_delivery_to_an_address_that_is_refused_fails_and_says_so(
    service: User, receiver: Receiver, time: Time, settings: Settings
) -> None:
    endpoint_of(service, receiver.url)
    settings.WEBHOOK_ALLOWED_HOSTS = []
    a_run()
    time.pass_()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.failures) == (DeliveryState.PENDING, 1)
    assert delivery.log[0]["error"].startswith("address_refused:")
    assert receiver.arrivals == []


@pytest.mark.django_db
def test_a_name_that_nobody_knows_is_a_failure(service: User, time: Time, settings: Settings) -> None:
    def unknown(host: str, port: int) -> Sequence[Address]:
        raise OSError("Name or service not known")

    endpoint_of(service, "https://hooks.example.com/")
    a_run()
    time.job = Deliveries(Courier(deadline=IMPATIENT, resolve=unknown))
    time.pass_()
    assert "not known" in Delivery.objects.get().log[0]["error"]


GOOD = [
    "https://example.com", "https://example.com/", "https://example.com:8443/a/b?c=d&e", "HTTPS://EXAMPLE.COM/x",
    "https://xn--bcher-kva.example/", "https://bücher.example/ü?q=ü", "https://127.0.0.1/", "https://[2606:4700::1111]:443/x",
    "https://under_score.example/", "https://example.com./", "http://127.0.0.1:9000/hook", "http://localhost:9000/",
]  # fmt: skip
BAD = [
    "", "example.com", "/hook", "//example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
    "javascript:alert(1)", "https://", "https:///path", "https://:443/", "https://user@example.com/",
    "https://user:password@example.com/", "https://@example.com/", "https://example.com/#top", "https://example.com/#",
    "https://example.com:0/", "https://example.com:65536/", "https://example.com:x/", "https://example.com:-1/",
    "https://exa mple.com/", "https://example.com/\n", "https://example.com/\r\nX: y", "https://example.com\\@evil.example/",
    "https://[::1/", "https://[::1%25eth0]/", "https://[nonsense]/", "https://-example.com/", "https://a..example/",
    f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/", "https://exa%6dple.com/", "https://\x00/",
    "https://example.com/\ud800", "http://example.com/", "http://10.0.0.1/",
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_is_taken(url: str) -> None:
    assert fault_of_url(url) is None
    assert target_of(url).path.startswith("/")


@pytest.mark.parametrize("url", BAD)
def test_a_bad_url_is_refused(url: str) -> None:
    fault = fault_of_url(url)
    assert fault is not None
    assert fault.code == "invalid"


def test_a_url_that_is_too_long_is_refused() -> None:
    fault = fault_of_url("https://example.com/" + "x" * 2000)
    assert fault is not None
    assert fault.code == "out_of_range"
