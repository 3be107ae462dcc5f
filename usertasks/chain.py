"""The chain that makes the audit tell of tampering: each link is made from the one before it and from what is kept.

A link is an HMAC with a key that is not in the database: whoever can only write to the database cannot make one. What
is taken out or made anonymous by right gets a seal with the same key, so that it can be told from tampering. The
functions `of_...` say what a link or a seal is about; `signed` makes it, `is_signed` verifies it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from . import json_text

LENGTH = 32
"""Characters of a link: 128 bits in hex."""

BEGINNING = ""
"""What the first link of a chain follows."""

Said = tuple[Any, ...]
"""What a link or a seal is about; its first word tells one kind from the others."""


class Told(Protocol):
    """What a link says of an event."""

    @property
    def run_id(self) -> UUID: ...
    @property
    def number(self) -> int: ...
    @property
    def time(self) -> datetime: ...
    @property
    def type(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def data(self) -> Any: ...
    @property
    def door(self) -> str: ...
    @property
    def address(self) -> str | None: ...


class ToldRefusal(Protocol):
    """What a link says of a refusal."""

    @property
    def position(self) -> int | None: ...
    @property
    def time(self) -> datetime: ...
    @property
    def action(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def on_behalf_of(self) -> str | None: ...
    @property
    def door(self) -> str: ...
    @property
    def address(self) -> str | None: ...
    @property
    def run_id(self) -> UUID | None: ...


def of_event(event: Told, previous: str) -> Said:
    """An event within the history of its run."""
    return ("event", previous, _content(event))


def of_changed_event(event: Told, previous: str, link: str) -> Said:
    """That an event was made anonymous by right, and what it says since; its link stays what it was."""
    return ("changed", previous, link, _content(event))


def of_position(position: int, link: str, previous: str) -> Said:
    """An event within the feed of all events."""
    return ("position", previous, position, link)


def of_purged_event(position: int, link: str, feed_link: str) -> Said:
    """That an event was deleted by right."""
    return ("purged", position, link, feed_link)


def of_refusal(refusal: ToldRefusal, previous: str) -> Said:
    """A refusal within the refusals."""
    return ("refusal", previous, _content_of_refusal(refusal))


def of_changed_refusal(refusal: ToldRefusal, previous: str, link: str) -> Said:
    """That a refusal was made anonymous by right, and what it says since."""
    return ("changed refusal", previous, link, _content_of_refusal(refusal))


def of_beginning(position: int, link: str) -> Said:
    """That the refusals up to a position were deleted by right."""
    return ("beginning", position, link)


def signed(said: Said) -> str:
    """Its link or seal."""
    return _signature(_key(_secrets()[0]), _text(said))


def is_signed(signature: str, said: Said) -> bool:
    """Whether this is its link or seal, made with the key of today or with one of before."""
    return signature.isascii() and any(hmac.compare_digest(signature, good) for good in signatures(said))


def signatures(said: Said) -> Iterator[str]:
    """Its link or seal under each key, that of today first."""
    text = _text(said)
    return (_signature(_key(secret), text) for secret in _secrets())


def link_of_event(event: Told, previous: str) -> str:
    return signed(of_event(event, previous))


def link_of_position(position: int, link: str, previous: str) -> str:
    return signed(of_position(position, link, previous))


def link_of_refusal(refusal: ToldRefusal, previous: str) -> str:
    return signed(of_refusal(refusal, previous))


# Both say the columns in the form that is the same before they were stored and after: databases spell addresses anew.


def _content(event: Told) -> list[Any]:
    where = [str(event.door), _address(event.address)]
    return [event.run_id.hex, event.number, _moment(event.time), str(event.type), event.actor, event.data, *where]


def _content_of_refusal(refusal: ToldRefusal) -> list[Any]:
    what = [refusal.action, refusal.code, refusal.actor, refusal.on_behalf_of]
    where = [str(refusal.door), _address(refusal.address), refusal.run_id and refusal.run_id.hex]
    return [refusal.position, _moment(refusal.time), *what, *where]


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _address(address: str | None) -> str | None:
    return address and str(ipaddress.ip_address(address))


def _text(said: Said) -> bytes:
    return json_text.canonical(list(said)).encode()


def _signature(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256").hex()[:LENGTH]


def _secrets() -> list[str]:
    return [settings.AUDIT_KEY or settings.SECRET_KEY, *settings.AUDIT_KEY_FALLBACKS]


@lru_cache(maxsize=16)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"usertasks.audit:" + secret.encode()).digest()
