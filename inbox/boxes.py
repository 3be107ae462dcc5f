"""The boxes: which runs lie in each, how many, and a page of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from usertasks.actors import Actor
from usertasks.errors import InvalidArgument
from usertasks.filters import Search, counts_of
from usertasks.models import OPEN, SavedFilter, Status
from usertasks.models.orders import MOST_URGENT, NEWEST, SOONEST, Order, Position
from usertasks.names import readable
from usertasks.saved_filters import saved_for

PAGE_SIZE = 25


@dataclass(frozen=True)
class Box:
    """`criteria` are the filters that make the box; the others are offered to whoever looks through it.

    `seen_as` is whom the box shows what they may see; `is_for` says who has the box at all.
    """

    name: str
    title: Any
    criteria: Callable[[Actor], Mapping[str, str]]
    seen_as: Callable[[Actor], Actor] = lambda by: by
    is_for: Callable[[Actor], bool] = lambda by: True
    order: Order = NEWEST
    """In which it is shown unless somebody asks for another."""

    @property
    def url(self) -> str:
        return reverse(f"inbox:{self.name}")

    def search(self, by: Actor, filters: MultiValueDict[str, str] | None = None) -> Search:
        """What lies in the box and matches. Raises `InvalidArgument`."""
        parameters: MultiValueDict[str, str] = filters.copy() if filters else MultiValueDict()
        for name, value in self.criteria(by).items():
            parameters.appendlist(name, value)
        if "sort" not in parameters:
            parameters["sort"] = self.order.name
        return Search(parameters, by=self.seen_as(by), is_local=True)


def _as_substitute(by: Actor) -> Actor:
    """Nobody but a substitute: no run belongs to a user without a name."""
    return dataclasses.replace(by, user_id="", groups=frozenset(), permissions=frozenset(), leads=frozenset())


AWAKE = {"snoozed": "false"}

BOXES: Mapping[str, Box] = {
    box.name: box
    for box in (
        Box("mine", _("My tasks"), lambda by: {"status": Status.ASSIGNED, "user_id": by.user_id, **AWAKE}),
        Box("groups", _("My groups"), lambda by: {"status": Status.UNASSIGNED, **AWAKE}, seen_as=Actor.as_member),
        Box("overdue", _("Overdue"), lambda by: {"overdue": "true", **AWAKE}, order=SOONEST),
        Box("snoozed", _("Snoozed"), lambda by: {"snoozed": "true"}, order=MOST_URGENT),
        Box(
            "standing-in",
            _("Standing in"),
            lambda by: {"status": Status.ASSIGNED},
            seen_as=_as_substitute,
            is_for=lambda by: bool(by.stands_in_for),
        ),
        Box("done", _("Done"), lambda by: {"status": Status.DONE, "user_id": by.user_id}),
        Box("all", _("All"), lambda by: {}),
    )
}


@dataclass(frozen=True)
class Tab:
    """A box, a group's part of one or a saved filter as the navigation shows it.

    `count` equals the number of rows in its list; None where the list cannot be asked for any more.
    """

    title: Any
    url: str
    box: Box
    count: int | None
    query: str = ""
    """The filters and the order, as the query of its address."""
    within: str = ""
    """`group` or `saved`, where it is no box of its own."""
    saved: SavedFilter | None = None

    @property
    def name(self) -> str:
        return self.within or self.box.name


def tabs_for(by: Actor) -> list[Tab]:
    """Every box they have, each of their groups, each saved filter, with exact counts, in three queries at most."""
    boxes = [box for box in BOXES.values() if box.is_for(by)]
    saved = [(kept, _search_of(kept, by)) for kept in saved_for(by)]
    countable = [search for _kept, search in saved if search]
    groups = _counts_by_group(by)
    counts = counts_of([*(box.search(by) for box in boxes if box.name != "groups"), *countable])
    numbers = iter(counts)
    tabs: list[Tab] = []
    for box in boxes:
        tabs.append(Tab(box.title, box.url, box, sum(groups.values()) if box.name == "groups" else next(numbers)))
        if box.name == "groups" and len(groups) > 1:
            tabs += [_tab_of_group(box, group, count) for group, count in sorted(groups.items())]
    return tabs + [_tab_of_saved(kept, next(numbers) if search else None) for kept, search in saved]


def _counts_by_group(by: Actor) -> dict[str, int]:
    """How much waits in each of their groups."""
    waiting = BOXES["groups"].search(by).runs().order_by().values("user_group")
    found = dict(waiting.annotate(found=Count("pk")).values_list("user_group", "found"))
    return {group: found.get(group, 0) for group in by.groups}


def _tab_of_group(box: Box, group: str, count: int) -> Tab:
    query = urlencode({"user_group": group})
    return Tab(group, f"{box.url}?{query}", box, count, query=query, within="group")


def _tab_of_saved(kept: SavedFilter, count: int | None) -> Tab:
    box = BOXES[kept.box]
    return Tab(kept.name, f"{box.url}?{kept.query}", box, count, query=kept.query, within="saved", saved=kept)


def _search_of(kept: SavedFilter, by: Actor) -> Search | None:
    """What a saved filter looks for; None where that cannot be asked for."""
    try:
        return BOXES[kept.box].search(by, QueryDict(kept.query))
    except InvalidArgument:
        return None


@dataclass(frozen=True)
class Row:
    """A run as a line of a list: the columns of `filters.LIST_FIELDS`, and what a person wants to see at once."""

    run: Any
    title: str
    is_overdue: bool
    is_open: bool


@dataclass(frozen=True)
class Listing:
    """A page of rows, and the cursors with which to go on in either direction; `first` comes before `rows`."""

    rows: Sequence[Row]
    earlier: str | None
    later: str | None


NOTHING = Listing([], earlier=None, later=None)


def listing(search: Search, *, after: str = "", before: str = "") -> Listing:
    """The rows beyond `after` or before `before`; a cursor that cannot be read is as good as none."""
    beyond, until = _position(search.order, after), _position(search.order, before)
    page = search.page(limit=PAGE_SIZE, after=beyond, before=until)
    if until and not page.has_more:
        # The top is reached: a full page of it, instead of the few rows above the one before.
        beyond = until = None
        page = search.page(limit=PAGE_SIZE)
    now = timezone.now()
    rows = [_row(run, now) for run in page.rows]
    if not rows:
        return NOTHING
    first, last = (_cursor(search.order.position_of(row.run)) for row in (rows[0], rows[-1]))
    return Listing(rows, earlier=first if beyond or until else None, later=last if until or page.has_more else None)


def _row(run: Any, now: datetime) -> Row:
    is_open = run.status in OPEN
    return Row(
        run=run,
        title=readable(run.user_task_def_name),
        is_open=is_open,
        is_overdue=is_open and run.due_at is not None and run.due_at < now,
    )


def _cursor(position: Position) -> str:
    """Where a page ended, as text for an address."""
    return "_".join(position.texts())


def _position(order: Order, cursor: str) -> Position | None:
    try:
        return order.position(cursor.split("_"))
    except ValueError:
        return None
