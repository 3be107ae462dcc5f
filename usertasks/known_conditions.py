"""The conditions of searches that are asked for again and again, written once but for the moment and the place.

Somebody's boxes are the same each time, and so is what a program looks for. To write their SQL takes as long as to make
the answer of the rows. What is kept says nothing of who may see what: the owners of which a run must have one are a
part of the key, and of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from .conditions_of import conditions_of
from .models.orders import NEVER
from .remembered import Remembered

LONG = 6000
"""Characters of SQL and parameters. What is longer is written each time, so that callers do not decide how much a
process remembers."""


@dataclass(frozen=True)
class Known:
    """Conditions, and which of their parameters are another value each time: place → number of the value."""

    text: str
    parameters: tuple[Any, ...]
    places: Mapping[int, int]

    def of(self, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        parameters = list(self.parameters)
        for place, number in self.places.items():
            parameters[place] = values[number]
        return self.text, parameters


def is_movable(value: Any) -> bool:
    """Whether a value of a place in a list can be another one next time; a number may stand elsewhere as well, and so
    may the moment that never comes."""
    return isinstance(value, datetime | UUID) and value is not NEVER


KNOWN: Remembered[Hashable, Known] = Remembered(most=500)


def known_conditions(
    key: Hashable, values: Sequence[Any], write: Callable[[], QuerySet[Any, Any]]
) -> tuple[str, Sequence[Any]]:
    """The conditions of the runs that a function gives, as `conditions_of` has them. Raises `EmptyResultSet`.

    The key says everything on which they depend, but the values: moments and ids, each an object of its own. The first
    one, the moment of the question, need not be among the parameters; the others are, or nothing is kept.
    """
    if (known := KNOWN.get(key)) is not None:
        return known.of(values)
    text, parameters = conditions_of(write())
    if len(text) + len(repr(parameters)) <= LONG:
        # PostgreSQL is given the very objects; what is only equal to one is what somebody asked for.
        numbers = {id(value): number for number, value in enumerate(values)}
        places = {place: numbers[id(each)] for place, each in enumerate(parameters) if id(each) in numbers}
        if set(places.values()).issuperset(range(1, len(values))):
            KNOWN.keep(key, Known(text, tuple(parameters), places))
    return text, parameters
