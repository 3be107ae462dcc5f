"""Where we send to of our own accord: which URLs are taken, and which addresses of the network one may connect to.

A URL is checked when somebody gives it. What its name stands for is checked when we connect, and then we connect to
the very address that was checked: a name may stand for something else a moment later.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from . import json_text
from .errors import Fault

type Address = IPv4Address | IPv6Address

MAX_URL = 2000
PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[-a-z0-9_]{0,62})(?:\.[a-z0-9_][-a-z0-9_]{0,62})*\.?", re.IGNORECASE)
UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")
# What RFC 3986 lets stand in a path or a query, and percent signs that are there already.
AS_IT_STANDS = "/%:@!$&'()*+,;=?-._~"

PUBLIC = ip_network("2000::/3")
"""Where the addresses of hosts on the internet lie in IPv6."""
TRANSLATED = ip_network("64:ff9b::/96")
"""NAT64: an IPv4 address in the last 32 bits."""
NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own, and the metadata service of one cloud
        "127.0.0.0/8",
        "168.63.129.16/32",  # what the machines of one cloud ask about themselves
        "169.254.0.0/16",  # this link, and the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved and broadcast
        "2001::/23",  # tunnels, such as Teredo, and protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address may be inside
        "3fff::/20",
    )
)


class AddressRefused(Exception):
    """The host stands for an address that is not public, and the deployment does not allow it."""


@dataclass(frozen=True)
class Target:
    """A URL as HTTP wants it: the host without brackets, `path` with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True)
class AllowedHosts:
    """What a deployment allows beside the public internet: names, and addresses or networks."""

    names: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]

    def has_address(self, address: Address) -> bool:
        return any(address in network for network in self.networks)

    def has_host(self, host: str) -> bool:
        """Whether a host is allowed by the name, or the address, that it is called by."""
        if _plain(host) in self.names:
            return True
        try:
            return self.has_address(ip_address(host))
        except ValueError:
            return False


def allowed_hosts() -> AllowedHosts:
    """Those of the setting `WEBHOOK_ALLOWED_HOSTS`."""
    return _allowed(tuple(settings.WEBHOOK_ALLOWED_HOSTS))


@cache
def _allowed(entries: tuple[str, ...]) -> AllowedHosts:
    names, networks = set(), []
    for entry in entries:
        try:
            networks.append(ip_network(entry.strip("[]"), strict=False))
        except ValueError:
            names.add(_plain(entry))
    return AllowedHosts(frozenset(names), tuple(networks))


def _plain(host: str) -> str:
    return host.strip().rstrip(".").lower()


def fault_of_url(url: str) -> Fault | None:
    """Why a URL cannot be sent to, whatever its name stands for, or None."""
    if len(url) > MAX_URL:
        return Fault("out_of_range", _("must be at most %(number)s characters") % {"number": MAX_URL})
    if json_text.flaw_of_text(url) or UNPRINTABLE.search(url):
        return Fault("invalid", _("must not contain spaces, backslashes or control characters"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        return Fault("invalid", _("is not a URL: %(problem)s") % {"problem": problem})
    if parts.scheme not in PORTS:
        return Fault("invalid", _("must begin with https:// or http://"))
    if "@" in parts.netloc or "#" in url:
        return Fault("invalid", _("must have no user, password or fragment"))
    host = _ascii_host(parts)
    if host is None or port == 0:
        return Fault("invalid", _("must name a host, and a port from 1 to 65535 if any"))
    if parts.scheme == "http" and not (settings.DEBUG or allowed_hosts().has_host(host)):
        return Fault("invalid", _("must begin with https://, unless the deployment allows this host"))
    return None


def _ascii_host(parts: SplitResult) -> str | None:
    """The host as the network knows it, or None if there is none of that name."""
    host = parts.hostname or ""
    try:
        if ":" in host:
            return None if "%" in host else str(IPv6Address(host))
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # UnicodeError included
        return None
    return host if HOST.fullmatch(host) else None


def target_of(url: str) -> Target:
    """What to connect to and what to ask for. Raises `ValueError` for a URL that `fault_of_url` refuses."""
    parts = urlsplit(url)
    host = _ascii_host(parts)
    if host is None or parts.scheme not in PORTS:
        raise ValueError("This URL cannot be sent to.")
    path = quote(parts.path or "/", safe=AS_IT_STANDS)
    query = quote(parts.query, safe=AS_IT_STANDS)
    path_and_query = f"{path}?{query}" if query else path
    return Target(parts.scheme, host, parts.port or PORTS[parts.scheme], path_and_query)


type Resolve = Callable[[str, int], Sequence[Address]]


def resolve(host: str, port: int) -> Sequence[Address]:
    """The addresses of a host, in the order in which to try them. Raises `OSError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as problem:
        raise OSError(f"This is not the name of a host: {problem}") from None
    return list(dict.fromkeys(ip_address(address[0]) for *_, address in found))


def checked_addresses(host: str, port: int, resolve: Resolve = resolve) -> Sequence[Address]:
    """The addresses of a host, all of which may be connected to. Raises `AddressRefused`, and `OSError`."""
    allowed = allowed_hosts()
    addresses = resolve(host, port)
    if _plain(host) in allowed.names:
        return addresses
    for address in addresses:
        if not (is_public(address) or allowed.has_address(_unwrapped(address))):
            raise AddressRefused(f"{host} is {address}, which is not a public address.")
    return addresses


def is_public(address: Address) -> bool:
    """Whether it is the address of a host on the internet: not private, local, multicast, reserved or wrapped so."""
    address = _unwrapped(address)
    if isinstance(address, IPv6Address) and address not in PUBLIC:
        return False
    return not any(address in network for network in NOT_PUBLIC)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in TRANSLATED:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
