"""The keys that the company's issuer signs its tokens with, read from where its discovery document says.

They are fetched when first needed, and kept. Whatever tokens say, they are fetched at most once a minute, so that
made-up key ids cost the issuer nothing; and an issuer that is down for a while is not missed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import httpcore
import jwt
from django.conf import settings

from . import json_text
from .addresses import Target, target_of
from .courier import FAILURES, Clock, TimedStream, trusted
from .errors import Malformed

DISCOVERY = "/.well-known/openid-configuration"

FRESH = 600.0
"""Seconds after which the keys are fetched again, because one may have been withdrawn."""
BETWEEN_TRIES = 60.0
"""Seconds at least between two attempts to fetch them."""
BETWEEN_FIRST_TRIES = 10.0
"""The same as long as there are none at all."""
KEPT = 24 * 3600.0
"""Seconds for which they are believed when the issuer cannot be asked."""
DEADLINE = 4.0
"""Seconds for all of an attempt, from connecting to the last byte."""
MOST_READ = 256 * 1024
"""Bytes of a document."""
MOST_KEYS = 100
SHORTEST_RSA = 2048

FAMILIES: Mapping[tuple[str, str | None], frozenset[str]] = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}
"""Kind and curve of a key → what it may verify. A shared secret is none of these: whoever verifies could sign."""

log = logging.getLogger("usertasks.issuer")


class NoKeys(Exception):
    """The keys could not be had; the words may be logged."""


@dataclass(frozen=True)
class SigningKey:
    """A public key and the algorithms that it fits."""

    kid: str | None
    algorithms: frozenset[str]
    public: Any


@dataclass(frozen=True)
class Held:
    """The keys of the last attempt that succeeded, and when that was."""

    keys: tuple[SigningKey, ...] = ()
    since: float = float("-inf")


class KeyRing:
    """The keys of one issuer; for many threads, of which one fetches."""

    def __init__(self, issuer: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds since any moment."""
        self.issuer = issuer
        self.clock = clock
        self._held = Held()
        self._tried_at = float("-inf")
        self._fetching = threading.Lock()

    def find(self, kid: str | None, algorithm: str) -> SigningKey | None:
        """The key of that id which fits the algorithm; without an id, the only one that does."""
        held = self._held
        if self.clock() - held.since >= FRESH:
            self._fetch_unless_done(held, waits=not held.keys)
        held = self._held
        found = self._fitting(held, kid, algorithm)
        if found is None:
            self._fetch_unless_done(held, waits=True)
            found = self._fitting(self._held, kid, algorithm)
        return found

    def _fitting(self, held: Held, kid: str | None, algorithm: str) -> SigningKey | None:
        if self.clock() - held.since >= KEPT:
            return None
        fitting = [key for key in held.keys if algorithm in key.algorithms and kid in (None, key.kid)]
        return fitting[0] if len(fitting) == 1 else None

    def _fetch_unless_done(self, seen: Held, *, waits: bool) -> None:
        """Fetch the keys, unless that was tried lately, or somebody else has just done it after `seen`.

        While somebody does it, whoever `waits` shares what comes of it; the others go on with what there is.
        """
        if not self._fetching.acquire(blocking=waits):
            return
        try:
            if self._held is seen and self._may_try():
                self._fetch()
        finally:
            self._fetching.release()

    def _may_try(self) -> bool:
        return self.clock() - self._tried_at >= (BETWEEN_TRIES if self._held.keys else BETWEEN_FIRST_TRIES)

    def _fetch(self) -> None:
        try:
            keys = published_keys(self.issuer)
        except NoKeys as problem:
            log.warning("The keys of the issuer could not be fetched: %s", problem)
        else:
            self._held = Held(keys, self.clock())
        finally:
            self._tried_at = self.clock()  # at the end, so that those who come meanwhile wait for it


@lru_cache(maxsize=8)
def ring_of(issuer: str) -> KeyRing:
    """The one of this process."""
    return KeyRing(issuer)


def published_keys(issuer: str) -> tuple[SigningKey, ...]:
    """The keys that an issuer publishes now. Raises `NoKeys`."""
    clock = Clock()
    clock.start(DEADLINE)
    with httpcore.ConnectionPool(ssl_context=trusted(), network_backend=TimedNetwork(clock)) as pool:
        discovery = _document(pool, issuer.rstrip("/") + DISCOVERY)
        if discovery.get("issuer") != issuer:
            raise NoKeys("the discovery document is that of another issuer: is JWT_ISSUER what it says, to the letter?")
        keys = signing_keys(_document(pool, discovery.get("jwks_uri")).get("keys"))
    if not keys:
        raise NoKeys("none of the keys can be used")
    return keys


class TimedNetwork(httpcore.NetworkBackend):
    """Connects as usual, and never waits beyond the deadline of the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._network = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return TimedStream(self._network.connect_tcp(host, port, self._clock.left()), self._clock)


def _document(pool: httpcore.ConnectionPool, url: Any) -> Mapping[str, Any]:
    """The JSON object at a URL; redirects are not followed. Raises `NoKeys`."""
    target = _target(url)
    request = httpcore.Request(
        "GET",
        httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
        headers=[("Host", target.host_header), ("Accept", "application/json"), ("User-Agent", "usertasks")],
    )
    try:
        status, body = _answer_to(pool, request)
        document = json_text.read(body) if status == 200 else None
    except Malformed:
        raise NoKeys("a document is no JSON") from None
    except FAILURES as problem:
        raise NoKeys(f"the issuer could not be reached ({type(problem).__name__})") from None
    if not isinstance(document, dict):
        raise NoKeys(f"a document is missing (status {status})" if status != 200 else "a document is no JSON object")
    return document


def _answer_to(pool: httpcore.ConnectionPool, request: httpcore.Request) -> tuple[int, bytes]:
    response = pool.handle_request(request)
    try:
        read = bytearray()
        for part in response.iter_stream():
            read += part
            if len(read) > MOST_READ:
                raise NoKeys(f"a document has more than {MOST_READ} bytes")
    finally:
        response.close()
    return response.status, bytes(read)


def _target(url: Any) -> Target:
    """Where a URL leads. Raises `NoKeys` for what cannot be trusted on its way here."""
    try:
        target = target_of(url)
    except (ValueError, TypeError, AttributeError):
        raise NoKeys("an address in the discovery document is none") from None
    if target.scheme != "https" and not (settings.DEBUG or _is_loopback(target.host)):
        raise NoKeys("an address does not begin with https://")
    return target


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def signing_keys(published: Any) -> tuple[SigningKey, ...]:
    """The usable ones among JSON Web Keys."""
    listed: Sequence[Any] = published[:MOST_KEYS] if isinstance(published, list) else []
    return tuple(key for entry in listed if isinstance(entry, dict) and (key := _signing_key(entry)))


def _signing_key(entry: Mapping[str, Any]) -> SigningKey | None:
    """A JSON Web Key (RFC 7517) as far as it verifies signatures, or None."""
    algorithms = _algorithms_of(entry)
    kid = entry.get("kid")
    if not algorithms or "d" in entry or not (kid is None or isinstance(kid, str)):
        return None
    try:
        public = jwt.PyJWK(dict(entry), algorithm=min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if entry["kty"] == "RSA" and public.key_size < SHORTEST_RSA:
        return None
    return SigningKey(kid, algorithms, public)


def _algorithms_of(entry: Mapping[str, Any]) -> frozenset[str]:
    """What a key may verify: by its kind, unless it says itself that it is for less."""
    kind, curve = entry.get("kty"), entry.get("crv")
    if not isinstance(kind, str) or not (curve is None or isinstance(curve, str)):
        return frozenset()
    if entry.get("use", "sig") != "sig" or not _is_for_verifying(entry.get("key_ops")):
        return frozenset()
    family = FAMILIES.get((kind, None if kind == "RSA" else curve), frozenset())
    named = entry.get("alg")
    return family if named is None else family & {named} if isinstance(named, str) else frozenset()


def _is_for_verifying(operations: Any) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)
