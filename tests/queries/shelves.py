"""Every request there is, and what is noted while each of its people makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.queries import admin, api, calls, pages
from tests.queries.asking import Call, Row, Watch, ask, call, noting
from tests.queries.places import places_of
from tests.queries.world import World

SHELVES: Mapping[str, Sequence[Row | Call]] = {
    "api": api.ROWS,
    "pages": pages.ROWS,
    "admin": admin.ROWS,
    "calls": calls.ROWS,
}


def asked_of(
    row: Row | Call, world: World, watching: Callable[[str], Watch[Any]] = lambda by: noting
) -> Mapping[str, list[Any]]:
    """The request as each of its people makes it → the shapes of its statements, or what `watching` notes of them."""
    if isinstance(row, Call):
        return {f"{row} by {row.by}": call(row, world, watching(row.by))}
    return {f"{row} by {by}": ask(row, by, world, places_of(row.pattern, world, by), watching(by)) for by in row.by}
