"""Many callers at once: real threads with connections of their own, let loose at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from usertasks.errors import Refused


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call returned or the `Refused` that it raised, in order; anything else that escapes fails the test."""
    start = Barrier(len(calls), timeout=30)

    def attempt(call: Callable[[], Any]) -> Any:
        try:
            if len(calls) <= ROOM_IN_THE_POOL:
                connection.ensure_connection()
            start.wait()
            return call()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(attempt, calls))


ROOM_IN_THE_POOL = 9
"""Threads that can each hold a connection before they start (settings: a pool of 10, one is the test's own)."""


def codes(answers: Sequence[Any]) -> list[str]:
    """`done`, or the code of the refusal."""
    return [answer.code if isinstance(answer, Refused) else "done" for answer in answers]
