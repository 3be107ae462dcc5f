"""The chain that makes the audit tell of tampering: each link is made from the one before it and from what is kept.

A link is an HMAC with a key that is not in the database: whoever can only write to the database cannot make one. What
is taken out or made anonymous by right gets a seal with the same key, so that it can be told from tampering.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
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


class Told(Protocol):
    """What a link says of an event."""

    run_id: UUID
    number: int
    time: datetime
    type: str
    actor: str
    data: Any
    door: str
    address: str | None


def link_of_event(event: Told, previous: str) -> str:
    """The link of an event within the history of its run."""
    return _signed("event", previous, _content(event))


def seal_of_change(event: Told, previous: str, link: str) -> str:
    """Says that an event was made anonymous by right, and what it says since; its link stays what it was."""
    return _signed("changed", previous, link, _content(event))


def link_of_position(position: int, link: str, previous: str) -> str:
    """The link of an event within the feed of all events."""
    return _signed("position", previous, position, link)


def seal_of_purge(position: int, link: str, feed_link: str) -> str:
    """Says that an event was deleted by right."""
    return _signed("purged", position, link, feed_link)


def link_of_refusal(content: Sequence[Any], previous: str) -> str:
    """The link of a refusal within the refusals; `content` are its columns."""
    return _signed("refusal", previous, *content)


def seal_of_changed_refusal(content: Sequence[Any], previous: str, link: str) -> str:
    """Says that a refusal was made anonymous by right, and what it says since."""
    return _signed("changed refusal", previous, link, *content)


def seal_of_beginning(position: int, link: str) -> str:
    """Says that the refusals up to a position were deleted by right."""
    return _signed("beginning", position, link)


def is_equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one, other)


def _content(event: Told) -> list[Any]:
    moment = event.time.astimezone(UTC).isoformat()
    return [
        event.run_id.hex,
        event.number,
        moment,
        str(event.type),
        event.actor,
        event.data,
        str(event.door),
        event.address,
    ]


def _signed(*content: Any) -> str:
    text = json_text.canonical(list(content)).encode()
    return hmac.digest(_key(settings.AUDIT_KEY or settings.SECRET_KEY), text, "sha256").hex()[:LENGTH]


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"usertasks.audit:" + secret.encode()).digest()
