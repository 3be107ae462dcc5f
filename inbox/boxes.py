"""The boxes: which runs lie in each, how many, and a page of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from usertasks.actors import Actor
from usertasks.filters import Position, Search
from usertasks.models import OPEN, Status
from usertasks.names import readable

PAGE_SIZE = 25


@dataclass(frozen=True)
class Box:
    """`criteria` are the filters that make the box; the others are offered to whoever looks through it.

    `seen_as` is whom the box shows what they may see; `is_for` says who has the box at all.
    """

    name: str
    title: Any
    criteria: Callable[[Actor], Mapping[str, str]]
    is_counted: bool = True
    seen_as: Callable[[Actor], Actor] = lambda by: by
    is_for: Callable[[Actor], bool] = lambda by: True

    @property
    def url(self) -> str:
        return reverse(f"inbox:{self.name}")

    def search(self, by: Actor, filters: MultiValueDict[str, str] | None = None) -> Search:
        """What lies in the box and matches. Raises `InvalidArgument`."""
        parameters: MultiValueDict[str, str] = filters.copy() if filters else MultiValueDict()
        for name, value in self.criteria(by).items():
            parameters.appendlist(name, value)
        return Search(parameters, by=self.seen_as(by), is_local=True)


def _as_member(by: Actor) -> Actor:
    """Whoever may see everything, or leads other groups, still has only their own groups in "my groups"."""
    return dataclasses.replace(by, permissions=frozenset(), leads=frozenset())


def _as_substitute(by: Actor) -> Actor:
    """Nobody but a substitute: no run belongs to a user without a name."""
    return dataclasses.replace(by, user_id="", groups=frozenset(), permissions=frozenset(), leads=frozenset())


BOXES: Mapping[str, Box] = {
    box.name: box
    for box in (
        Box("mine", _("My tasks"), lambda by: {"status": Status.ASSIGNED, "user_id": by.user_id}),
        Box("groups", _("My groups"), lambda by: {"status": Status.UNASSIGNED}, seen_as=_as_member),
        Box(
            "standing-in",
            _("Standing in"),
            lambda by: {"status": Status.ASSIGNED},
            seen_as=_as_substitute,
            is_for=lambda by: bool(by.stands_in_for),
        ),
        Box("done", _("Done"), lambda by: {"status": Status.DONE, "user_id": by.user_id}),
        Box("all", _("All"), lambda by: {}, is_counted=False),
    )
}


@dataclass(frozen=True)
class Tab:
    """A box as the navigation shows it; `count` equals the number of rows in its list."""

    box: Box
    count: int | None


def tabs_for(by: Actor) -> list[Tab]:
    """Every box they have with its count; "all" has none, because counting everything costs what there is."""
    boxes = (box for box in BOXES.values() if box.is_for(by))
    return [Tab(box, box.search(by).runs().count() if box.is_counted else None) for box in boxes]


@dataclass(frozen=True)
class Row:
    """A run as a line of a list: the columns of `filters.LIST_FIELDS`, and what a person wants to see at once."""

    run: Any
    title: str
    is_overdue: bool
    is_open: bool

    @property
    def cursor(self) -> str:
        """Where a page that ends here ended, as text for an address."""
        return f"{self.run.scheduled_time.isoformat()}_{self.run.id.hex}"


@dataclass(frozen=True)
class Listing:
    """A page of rows, and the cursors with which to go on in either direction."""

    rows: list[Row]
    newer: str | None
    older: str | None


def listing(search: Search, *, after: str = "", before: str = "") -> Listing:
    """The rows older than `after` or newer than `before`; a cursor that cannot be read is as good as none."""
    older_than, newer_than = _position(after), _position(before)
    page = search.newest(limit=PAGE_SIZE, after=older_than, before=newer_than)
    if newer_than and not page.has_more:
        # The top is reached: a full page of it, instead of the few rows above the one before.
        older_than = newer_than = None
        page = search.newest(limit=PAGE_SIZE)
    now = timezone.now()
    rows = [_row(run, now) for run in page.rows]
    if not rows:
        return Listing([], newer=None, older=None)
    return Listing(
        rows,
        newer=rows[0].cursor if older_than or newer_than else None,
        older=rows[-1].cursor if newer_than or page.has_more else None,
    )


def _row(run: Any, now: datetime) -> Row:
    is_open = run.status in OPEN
    return Row(
        run=run,
        title=readable(run.user_task_def_name),
        is_open=is_open,
        is_overdue=is_open and run.due_at is not None and run.due_at < now,
    )


def _position(cursor: str) -> Position | None:
    moment, _, run_id = cursor.partition("_")
    try:
        position = Position(datetime.fromisoformat(moment), UUID(run_id))
    except ValueError:
        return None
    return position if position.scheduled_time.tzinfo else None
