"""Who has knocked, and from where: a request of Django as an actor."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

from .actors import Actor, Door, Origin, actor_for


def actor_of(request: HttpRequest, door: Door) -> Actor:
    """The signed-in person of a page, coming through that door."""
    return actor_for(request.user, origin=Origin(door, address_of(request)))


def address_of(request: HttpRequest) -> str | None:
    """The address that the request came from: behind a proxy, the one that the proxy has seen."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        # Each proxy adds the address that it has seen at the end; what stands before that anybody may have written.
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2]
    return plain_address(address.strip())


@lru_cache(maxsize=4096)
def plain_address(text: str) -> str | None:
    """An IPv4 or IPv6 address as it is stored, or None for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address).partition("%")[0]
