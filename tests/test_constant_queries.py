"""No request takes more statements where there is more: each is asked in a small world and in one five times as large.

What a request reads of it is bounded by its page, so that the number of statements says how often it asks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.queries import admin, api, calls, pages
from tests.queries.asking import all_patterns, methods_of, status_of
from tests.queries.places import places_of
from tests.queries.shelves import SHELVES, asked_of
from tests.queries.world import World, world_of
from usertasks.rpc.servicer import SERVED

pytestmark = pytest.mark.django_db

SMALL, LARGE = 2, 10
TO_NOTHING = (403, 405)
"""How an address answers to a method that it does not serve; where the admin lets nobody do something, 403."""
ONLY_LOOKED_AT = re.compile(
    r"|api/v1/|healthz|readyz|inbox/(?:(?:all|done|groups|overdue|snoozed|standing-in)/)?"
    r"|admin/(?:login/|r/.*)?|admin/usertasks/(?:usertaskevent|refusal|mail)/"
    r"|admin/\w+/\w+/(?:<path:object_id>/(?:history/)?|export/<str:form>/|<int:pk>/preview/)"
)
"""Addresses that do not look at the method: a POST is answered like a GET."""

Statements = Mapping[str, list[str]]


@pytest.fixture(autouse=True)
def pace(settings: Any) -> None:
    """Everything is asked at once."""
    settings.API_RATE = 0


def statements_of(shelf: str, size: int) -> Statements:
    with world_of(size) as world:
        return {name: asked for row in SHELVES[shelf] for name, asked in asked_of(row, world).items()}


@pytest.mark.parametrize("shelf", SHELVES)
def test_no_request_takes_more_statements_where_there_is_more(shelf: str) -> None:
    small, large = statements_of(shelf, SMALL), statements_of(shelf, LARGE)
    growing = {name: large[name] for name in small if len(large[name]) > len(small[name])}
    told = {
        f"{name}: {len(small[name])}, then {len(asked)}": (Counter(asked) - Counter(small[name])).most_common(3)
        for name, asked in growing.items()
    }
    assert not told


def test_every_address_is_asked_by_every_method_that_it_serves() -> None:
    """An address that is new is asked above as soon as it has a row; what has none has to answer nothing."""
    asked = {(row.method, row.pattern) for shelf in (api, pages, admin) for row in shelf.ROWS}
    known = set(all_patterns())
    assert {pattern for _method, pattern in asked} <= known
    with world_of(1) as world:
        missing = {
            f"{method} {pattern}"
            for pattern in known
            for method in methods_of(pattern, places_of(pattern, world))
            if (method, pattern) not in asked and does_something(method, pattern, world)
        }
    assert not missing


def does_something(method: str, pattern: str, world: World) -> bool:
    places = places_of(pattern, world)
    status = status_of(method, pattern, world, places)
    if ONLY_LOOKED_AT.fullmatch(pattern):
        return method == "GET" or status != status_of("GET", pattern, world, places)
    return status not in TO_NOTHING


def test_every_call_is_asked() -> None:
    assert {row.rpc for row in calls.ROWS} == SERVED
