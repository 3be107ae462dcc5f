"""The keys of the company's issuer: fetched when needed, shared, kept while it is down, never on a stranger's word."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.issuers import Issuer, Signer, answer_with, running_issuer, signer, unavailable
from usertasks import signing_keys as module
from usertasks.signing_keys import KeyRing, signing_keys

MINUTE, DAY = 60, 86_400


class Clock:
    moment = 1000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(issuer: Issuer, clock: Clock) -> KeyRing:
    return KeyRing(issuer.url, clock=clock)


def finds(ring: KeyRing, kid: str | None = "first", algorithm: str = "RS256") -> bool:
    return ring.find(kid, algorithm) is not None


def test_keys_are_fetched_when_needed_and_kept(issuer: Issuer, ring: KeyRing) -> None:
    assert issuer.asked == []
    assert all(finds(ring) for _ in range(50))
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_many_who_come_at_once_share_one_fetch(issuer: Issuer, ring: KeyRing) -> None:
    everybody_is_here = threading.Barrier(8)

    def find(_: int) -> bool:
        everybody_is_here.wait()
        return finds(ring)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(find, range(8)))
    assert issuer.fetches == 1


def test_made_up_key_ids_cost_the_issuer_one_call_a_minute_at_most(issuer: Issuer, ring: KeyRing, clock: Clock) -> None:
    assert finds(ring)
    assert not any(finds(ring, f"made-up-{number}") for number in range(100))
    assert issuer.fetches == 1
    clock.moment += MINUTE
    assert not any(finds(ring, f"made-up-{number}") for number in range(100))
    assert issuer.fetches == 2


def test_a_new_key_is_found_with_one_call(issuer: Issuer, ring: KeyRing, clock: Clock) -> None:
    assert finds(ring)
    issuer.keys.append(signer(kid="second").published())
    assert not finds(ring, "second")
    clock.moment += MINUTE
    assert all(finds(ring, kid) for kid in ("second", "first", "second"))
    assert issuer.fetches == 2


def test_a_key_that_was_withdrawn_is_worth_nothing_ten_minutes_later(
    issuer: Issuer, ring: KeyRing, clock: Clock
) -> None:
    assert finds(ring)
    issuer.keys[:] = [signer(kid="second").published()]
    clock.moment += 10 * MINUTE
    assert not finds(ring)
    assert finds(ring, "second")
    assert issuer.fetches == 2


def test_an_issuer_that_is_down_is_not_missed_for_a_day(issuer: Issuer, ring: KeyRing, clock: Clock) -> None:
    assert finds(ring)
    issuer.respond = unavailable
    for moment in (10 * MINUTE, 10 * MINUTE + 30, DAY - MINUTE):
        clock.moment = 1000 + moment
        assert finds(ring)
    assert issuer.fetches == 3
    clock.moment = 1000 + DAY
    assert not finds(ring)
    issuer.respond = lambda request: False
    clock.moment += MINUTE
    assert finds(ring)


def test_an_issuer_that_was_never_there_is_asked_every_ten_seconds(
    issuer: Issuer, ring: KeyRing, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.respond = unavailable
    assert not any(finds(ring) for _ in range(20))
    assert issuer.fetches == 1
    assert "could not be fetched" in caplog.text
    clock.moment += 10
    issuer.respond = lambda request: False
    assert finds(ring)


def test_nobody_listening_is_no_defect(clock: Clock) -> None:
    with running_issuer() as issuer:
        pass
    assert not finds(KeyRing(issuer.url, clock=clock))


def test_while_one_looks_for_newer_keys_the_others_go_on(issuer: Issuer, ring: KeyRing, clock: Clock) -> None:
    assert finds(ring)
    is_asked, may_answer = threading.Event(), threading.Event()

    def hold(request: BaseHTTPRequestHandler) -> bool:
        is_asked.set()
        may_answer.wait(3)
        return False

    issuer.respond = hold
    clock.moment += 10 * MINUTE
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(finds, ring)
        assert is_asked.wait(3)
        assert finds(ring)
        assert not first.done()
        may_answer.set()
        assert first.result()
    assert issuer.fetches == 2


def huge(request: BaseHTTPRequestHandler) -> bool:
    keys = json.dumps({"keys": [signer().published()]}).encode()
    return request.path == "/keys" and answer_with(request, 200, b" " * module.MOST_READ + keys)


def moved(request: BaseHTTPRequestHandler) -> bool:
    return request.path == "/keys" and answer_with(request, 302, b"", Location="/elsewhere")


def no_json(request: BaseHTTPRequestHandler) -> bool:
    return request.path == "/keys" and answer_with(request, 200, b"<html>")


def nested(request: BaseHTTPRequestHandler) -> bool:
    return request.path == "/keys" and answer_with(request, 200, b"[" * 100_000)


def no_object(request: BaseHTTPRequestHandler) -> bool:
    return answer_with(request, 200, [1])


@pytest.mark.parametrize("misbehave", [huge, moved, no_json, nested, no_object])
def test_what_is_no_list_of_keys_gives_none(
    issuer: Issuer, ring: KeyRing, misbehave: Callable[[BaseHTTPRequestHandler], bool]
) -> None:
    issuer.respond = misbehave
    assert not finds(ring)
    assert "/elsewhere" not in issuer.asked


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"issuer": "https://other.example"}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"jwks_uri": None}, "is none"),
        ({"jwks_uri": 5}, "is none"),
        ({"jwks_uri": ["http://127.0.0.1/keys"]}, "is none"),
        ({"jwks_uri": "file:///etc/passwd"}, "is none"),
        ({"jwks_uri": "//127.0.0.1/keys"}, "is none"),
        ({"jwks_uri": "http://keys.example/keys"}, "https://"),
        ({"jwks_uri": "http://127.0.0.1.example/keys"}, "https://"),
    ],
    ids=str,
)
def test_a_discovery_document_that_leads_astray_is_not_followed(
    issuer: Issuer, ring: KeyRing, says: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.says = says
    assert not finds(ring)
    assert why in caplog.text
    assert issuer.asked == ["/.well-known/openid-configuration"]


def test_an_issuer_that_never_ends_is_given_up(issuer: Issuer, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEADLINE", 0.2)
    is_over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> bool:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not is_over.wait(0.02):
            request.wfile.write(b" ")
        return True

    issuer.respond = drip
    began = time.monotonic()
    assert not finds(ring)
    is_over.set()
    assert time.monotonic() - began < 10, "it drips for 20 seconds"


def test_a_token_without_a_key_id_is_only_matched_where_there_is_no_doubt(issuer: Issuer, clock: Clock) -> None:
    issuer.keys = [signer().published(), signer("ES256", "second").published()]
    ring = KeyRing(issuer.url, clock=clock)
    assert finds(ring, None, "RS256")
    assert finds(ring, None, "ES256")
    issuer.keys.append(signer(kid="third").published())
    assert not finds(KeyRing(issuer.url, clock=clock), None, "RS256")


def test_a_key_verifies_only_what_it_is_for() -> None:
    first, curve, edwards = signer(), signer("ES256"), signer("EdDSA")
    usable = signing_keys([first.published(), curve.published(), edwards.published(), first.published(alg="PS256")])
    assert [sorted(key.algorithms) for key in usable] == [
        ["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"],
        ["ES256"],
        ["EdDSA"],
        ["PS256"],
    ]


@pytest.mark.parametrize(
    "entry",
    [
        signer().published(use="enc"),
        signer().published(use=5),
        signer().published(key_ops=["encrypt"]),
        signer().published(key_ops="verify"),
        signer().published(alg="HS256"),
        signer().published(alg="none"),
        signer().published(alg=["RS256"]),
        signer().published(alg="ES256"),
        signer().published(kid=5),
        signer().published(n="AQAB"),
        Signer("first", "RS256", rsa.generate_private_key(65537, 1024)).published(),
        signer().published(n=5),
        signer().published(e="%"),
        {**signer("ES256").secret(), "kid": "first"},
        signer("ES256").published(crv="secp256k1"),
        signer("ES256").published(crv=["P-256"]),
        signer("ES256").published(x="AAAA"),
        signer("ES256").published(y=None),
        signer("EdDSA").published(x="AAAA"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
        {"kty": "RSA"},
        {"kty": ["RSA"]},
        {},
        "text",
        None,
    ],
)
def test_what_is_no_key_of_ours_is_left_out(entry: Any) -> None:
    assert signing_keys([entry]) == ()
    assert len(signing_keys([entry, signer().published()])) == 1


@pytest.mark.parametrize("published", [None, {}, "keys", 5])
def test_what_is_no_list_has_no_keys(published: Any) -> None:
    assert signing_keys(published) == ()
