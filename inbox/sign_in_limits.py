"""How often somebody may try passwords: counted in the database, so that all web processes count together.

A name is held up at the address from which it was tried too often, and nowhere else: an attacker locks nobody out of
their own desk. A name that is tried from very many addresses is only slowed down, at each of them.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from usertasks.errors import Throttled

from .models import SignInAttempt

SPREAD = 10
"""So many times what one address may fail, a name may fail from anywhere before it is slowed down."""
SLOW, SLOW_TRIES = timedelta(minutes=1), 2
"""A name that is slowed down may be tried so often in that time, from each address."""
NETWORK = 64
"""Bits of an IPv6 address that one customer of a provider has to choose from are not counted."""


@dataclass(frozen=True)
class Limit:
    """At most `most` tries that failed within `period`."""

    key: str
    most: int
    period: timedelta


@dataclass(frozen=True)
class Attempt:
    """One try of a name from an address: counted when it begins, so that many at once are counted too."""

    name: str
    address: str
    now: datetime

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=settings.SIGN_IN_SECONDS)

    @property
    def keys(self) -> tuple[str, str, str]:
        """Of the name at the address, of the address, and of the name anywhere."""
        return _digest("here", self.name, self.address), _digest("address", self.address), _digest("name", self.name)

    def begin(self) -> None:
        """Raises `Throttled`, and then it does not count: whoever waits is not made to wait longer."""
        SignInAttempt.objects.filter(tried_at__lte=self.now - self.period).delete()
        rows = SignInAttempt.objects.bulk_create(SignInAttempt(key=key, tried_at=self.now) for key in self.keys)
        if wait := max((self._wait(limit) for limit in self._limits()), default=0):
            SignInAttempt.objects.filter(pk__in=[row.pk for row in rows]).delete()
            raise Throttled(_("There were too many attempts to sign in."), retry_after=wait)

    def succeed(self) -> None:
        """It was the right password: what failed before at this address is forgotten."""
        here, *elsewhere = self.keys
        SignInAttempt.objects.filter(key=here).delete()
        SignInAttempt.objects.filter(key__in=elsewhere, tried_at=self.now).delete()

    def _limits(self) -> Iterator[Limit]:
        here, address, name = self.keys
        yield Limit(here, settings.SIGN_IN_FAILURES, self.period)
        yield Limit(address, settings.SIGN_IN_FAILURES_PER_ADDRESS, self.period)
        if self._wait(Limit(name, SPREAD * settings.SIGN_IN_FAILURES, self.period)):
            yield Limit(here, SLOW_TRIES, SLOW)

    def _wait(self, limit: Limit) -> int:
        """The seconds until this try would be within the limit; none if it is."""
        tries = SignInAttempt.objects.filter(key=limit.key, tried_at__gt=self.now - limit.period)
        # This one is among them, so that many it may be; the one that has to be forgotten first is the next.
        too_many = list(tries.order_by("-tried_at").values_list("tried_at", flat=True)[limit.most : limit.most + 1])
        return max(1, ceil((too_many[0] + limit.period - self.now).total_seconds())) if too_many else 0


def _digest(*parts: str) -> str:
    text = "\0".join(part.replace("\0", "") for part in parts)
    return salted_hmac(__name__, text.encode("utf-8", "surrogatepass"), algorithm="sha256").hexdigest()


def attempt_of(name: str, address: str | None, now: datetime) -> Attempt:
    """The try of that name, however it is spelled, from that address (IPv4 or IPv6), as far as one is known."""
    # Django signs people in under any spelling of a name that Unicode takes for the same.
    return Attempt(unicodedata.normalize("NFKC", name).strip().casefold(), _network_of(address), now)


def _network_of(address: str | None) -> str:
    if not address:
        return ""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, NETWORK), strict=False).network_address)
