"""The conditions of searches that are asked for again and again, written once: all but the moment of the question.

Somebody's boxes are the same each time, and so is what a program looks for. To write their SQL takes as long as to make
the answer of the rows. What is kept says nothing of who may see what: the owners of which a run must have one are a
part of the key, and of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from .conditions_of import conditions_of
from .remembered import Remembered

LONG = 6000
"""Characters of SQL and parameters. What is longer is written each time, so that callers do not decide how much a
process remembers."""


@dataclass(frozen=True)
class Known:
    """Conditions, with the places of the parameters that are the moment."""

    text: str
    parameters: tuple[Any, ...]
    moments: frozenset[int]

    def at(self, now: datetime) -> tuple[str, Sequence[Any]]:
        return self.text, [now if place in self.moments else each for place, each in enumerate(self.parameters)]


KNOWN: Remembered[Hashable, Known] = Remembered(most=2000)


def conditions_at_once(key: Hashable, runs_at: Callable[[datetime], QuerySet[Any, Any]]) -> tuple[str, Sequence[Any]]:
    """The conditions of the runs that a function gives for this moment, as `conditions_of` has them.

    The key says everything on which they depend, but the moment. Raises `EmptyResultSet`.
    """
    now = timezone.now()
    if (known := KNOWN.get(key)) is not None:
        return known.at(now)
    text, parameters = conditions_of(runs_at(now))
    if len(text) + len(repr(parameters)) <= LONG:
        # PostgreSQL is given the very object; what is only equal to it is what somebody asked for.
        moments = frozenset(place for place, each in enumerate(parameters) if each is now)
        KNOWN.keep(key, Known(text, tuple(parameters), moments))
    return text, parameters
