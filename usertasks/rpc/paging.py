"""Pages over gRPC: a limit, and a bookmark that says where the last page ended. Clients only hand a bookmark back."""

from __future__ import annotations

import struct
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import Fault, InvalidArgument
from ..models.orders import Position, newest_position

DEFAULT_LIMIT = 100
"""LittleHorse's."""
MAX_LIMIT = 1000
MAX_ANSWER = 3 * 1024 * 1024
"""Bytes of a page of whole runs: clients take 4 MiB at most unless told otherwise, so a page ends early instead."""

# A mark of four bytes tells the kinds of bookmarks apart, and both from garbage.
RUN = struct.Struct(">4sq16s")
RUN_MARK = b"utr1"
DEFINITION = struct.Struct(">4si")
DEFINITION_MARK = b"utd1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def limit_of(request: Any) -> int:
    limit: int = request.limit if request.HasField("limit") else DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidArgument.at("limit", Fault("out_of_range", f"must be from 1 to {MAX_LIMIT}"))
    return limit


def run_bookmark(row: Any) -> bytes:
    microseconds = (row.scheduled_time - EPOCH) // timedelta(microseconds=1)
    identity: uuid.UUID = row.id
    return RUN.pack(RUN_MARK, microseconds, identity.bytes)


def run_position(bookmark: bytes) -> Position | None:
    """Where the page before ended; an empty bookmark is none, as in a loop that starts with it."""
    if not bookmark:
        return None
    try:
        mark, microseconds, identity = RUN.unpack(bookmark)
        moment = EPOCH + timedelta(microseconds=microseconds)
    except (struct.error, OverflowError):
        raise _garbage() from None
    if mark != RUN_MARK:
        raise _garbage()
    return newest_position(moment, uuid.UUID(bytes=identity))


def definition_bookmark(row: Any) -> bytes:
    name: str = row.name
    return DEFINITION.pack(DEFINITION_MARK, row.version) + name.encode()


def definition_position(bookmark: bytes) -> tuple[str, int] | None:
    """Name and version of the definition with which the page before ended."""
    if not bookmark:
        return None
    try:
        mark, version = DEFINITION.unpack_from(bookmark)
        name = bookmark[DEFINITION.size :].decode("ascii")
    except (struct.error, UnicodeDecodeError):
        raise _garbage() from None
    if mark != DEFINITION_MARK or "\0" in name:
        raise _garbage()
    return name, version


def _garbage() -> InvalidArgument:
    return InvalidArgument.at("bookmark", Fault("invalid", "is none that this list has given"))
