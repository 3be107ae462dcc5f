"""How often one caller may call the API, and how often tokens may fail that come from one address.

All of it is in the memory of this process: each process of a deployment counts for itself, and a new one begins anew.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from .errors import Throttled

MOST_REMEMBERED = 10_000
"""So many callers, addresses or tokens at once; whoever was away the longest is forgotten first."""
NETWORK_OF_ONE = 64
"""The bits of an IPv6 address that name a network: whoever has one has all its addresses."""


@dataclass(frozen=True)
class Pace:
    """A bucket of `burst` tokens that fills at `per_second`; a call takes one."""

    per_second: float
    burst: int


class Buckets:
    """A bucket for each key. Of a bucket only the moment is kept at which it is full again."""

    def __init__(self, *, most: int = MOST_REMEMBERED, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds since any moment."""
        self.clock = clock
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, pace: Pace) -> float:
        """Take a token; the seconds until there is one again where there is none, and then none is taken."""
        with self._lock:
            now = self.clock()
            full_at = max(self._full_at.get(key, now), now) + 1 / pace.per_second
            seconds = _seconds_to_wait(full_at - now, pace)
            if not seconds:
                self._full_at[key] = full_at
                self._full_at.move_to_end(key)
                if len(self._full_at) > self._most:
                    self._full_at.popitem(last=False)
            return seconds

    def look(self, key: str, pace: Pace) -> float:
        """What `take` would tell."""
        now = self.clock()
        full_at = max(self._full_at.get(key, now), now) + 1 / pace.per_second
        return _seconds_to_wait(full_at - now, pace)

    def forget(self) -> None:
        """Fill all buckets."""
        with self._lock:
            self._full_at.clear()


def _seconds_to_wait(seconds_to_full: float, pace: Pace) -> float:
    seconds = seconds_to_full - pace.burst / pace.per_second
    return seconds if seconds > 1e-9 else 0.0  # less is an error of the arithmetic


class Known:
    """The digests of the tokens that were valid lately."""

    def __init__(self, *, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._digests: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, token: str) -> bool:
        return _digest_of(token) in self._digests

    def add(self, token: str) -> None:
        digest = _digest_of(token)
        with self._lock:
            self._digests[digest] = None
            self._digests.move_to_end(digest)
            if len(self._digests) > self._most:
                self._digests.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._digests.clear()


def _digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


callers, failures, known = Buckets(), Buckets(), Known()


def forget_everything() -> None:
    """Begin anew, as a new process would."""
    for memory in (callers, failures, known):
        memory.forget()


def require_pace(user_id: str) -> None:
    """Count a call of this caller, however they came. Raises `Throttled` where there were too many lately."""
    if settings.API_RATE:
        seconds = callers.take(user_id, Pace(settings.API_RATE, settings.API_BURST))
        if seconds:
            raise _too_many("Too many calls.", seconds)


def require_few_failures(address: str | None, token: str) -> None:
    """Raises `Throttled` for a token from an address from which too many came lately that are not valid.

    Not for one that was valid lately: it may come from somebody who shares the address with whoever tries.
    """
    if settings.API_FAILED_RATE:
        seconds = failures.look(_place(address), _pace_of_failures())
        if seconds and token not in known:
            raise _too_many(TOO_MANY_FAILURES, seconds)


def count_failure(address: str | None) -> None:
    """Count a token that is not valid. Raises `Throttled` where there were too many from that address lately."""
    if settings.API_FAILED_RATE:
        seconds = failures.take(_place(address), _pace_of_failures())
        if seconds:
            raise _too_many(TOO_MANY_FAILURES, seconds)


def remember_valid(token: str) -> None:
    """Whoever shares an address with others that try tokens is let in with this one."""
    if settings.API_FAILED_RATE:
        known.add(token)


TOO_MANY_FAILURES = "Too many tokens that are not valid have come from this address."


def _pace_of_failures() -> Pace:
    return Pace(settings.API_FAILED_RATE / 60, settings.API_FAILED_RATE)


def _place(address: str | None) -> str:
    """What counts as one address: of IPv6 the network; whoever comes without an address shares one."""
    if address is None or ":" not in address:
        return address or ""
    return str(ipaddress.IPv6Network((address, NETWORK_OF_ONE), strict=False))


def _too_many(detail: str, seconds: float) -> Throttled:
    whole = max(1, math.ceil(seconds))
    return Throttled(f"{detail} Try again in {whole} s.", retry_after=whole)
