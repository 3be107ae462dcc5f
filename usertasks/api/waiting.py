"""Waiting: a request that asks for an answer later keeps its thread until then, and nothing else.

Between two looks it holds no connection to the database. How many requests of a process may wait at once is limited, so
that the other threads of the web server stay free for those who do not; one that finds no place is answered at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.request import Request

from ..actors import Actor
from ..bearers import Bearer
from ..errors import NotSignedIn
from .authentication import caller_of

MAX_SECONDS = 30
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.1, 1.0, 1.5
"""Seconds between two looks: short at first, because most answers are near."""


class Clock:
    """The time of those who wait."""

    def now(self) -> float:
        """Seconds since any moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class WaitingRoom:
    """Where the requests of this process wait; it has as many places as `USERTASKS["MAX_WAITERS"]` says."""

    clock: Clock = field(default_factory=Clock)
    taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait[Seen](
        self,
        request: Request,
        actor: Actor,
        look: Callable[[Actor], Seen],
        is_enough: Callable[[Seen], bool],
        *,
        seconds: float,
    ) -> Seen:
        """What is seen once it is enough, or when the time is over; at once where no place is free.

        `actor` is the caller; each further look is that of the caller as they are by then. Raises `NotSignedIn` when
        the account or the token is gone.
        """
        seen = look(actor)
        if is_enough(seen) or not seconds:
            return seen
        with self._place() as has_place:
            pauses = self._pauses(seconds) if has_place else iter(())
            for pause in pauses:
                _give_connection_back()
                self.clock.sleep(pause)
                seen = look(caller_by_now(request))
                if is_enough(seen):
                    break
        return seen

    @contextmanager
    def _place(self) -> Iterator[bool]:
        """Whether there is one; it is free again afterwards."""
        with self._lock:
            has_place = self.taken < settings.USERTASKS["MAX_WAITERS"]
            self.taken += has_place
        try:
            yield has_place
        finally:
            with self._lock:
                self.taken -= has_place

    def _pauses(self, seconds: float) -> Iterator[float]:
        end, pause = self.clock.now() + seconds, FIRST_PAUSE
        while (left := end - self.clock.now()) > 0:
            yield min(pause, left)
            pause = min(pause * GROWTH, LONGEST_PAUSE)


room = WaitingRoom()


def caller_by_now(request: Request) -> Actor:
    """The caller, asked anew. Raises `NotSignedIn` where the account was closed or the token is valid no more."""
    if isinstance(request.auth, Bearer):
        request.auth = request.auth.by_now()
        return caller_of(request)
    user = User.objects.filter(pk=request.user.pk, is_active=True).first() if request.user.pk else None
    if user is None:
        raise NotSignedIn("Nobody is signed in any more.")
    request.user = user  # what it was granted is remembered on the one before
    return caller_of(request)


def _give_connection_back() -> None:
    """To the pool, or closed; in a transaction, which a request has only in a test, it is kept."""
    if not connection.in_atomic_block:
        connection.close()
