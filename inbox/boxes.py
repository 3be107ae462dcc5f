"""The boxes: which runs lie in each, how many, and a page of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from django.http import QueryDict
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from usertasks.actors import Actor
from usertasks.errors import Fault, Faults, InvalidArgument
from usertasks.filters import Search, counts_of
from usertasks.models import OPEN, SavedFilter, Status
from usertasks.models.orders import MOST_URGENT, NEWEST, SOONEST, Order, Position
from usertasks.names import readable
from usertasks.roles import Role
from usertasks.saved_filters import saved_for
from usertasks.workload import has_team

from .counts import Counts, counts_for

PAGE_SIZE = 25
ROLES = frozenset(role.value for role in Role)
CURSORS = ("after", "before")


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
        return _url(self.name, get_script_prefix())

    def address(self, query: str) -> str:
        """That of the box, looked through by these filters."""
        return f"{self.url}?{query}" if query else self.url

    def given(self, parameters: QueryDict) -> MultiValueDict[str, str]:
        """The filters that somebody asked for: no cursor, no blank, and no order that is the usual one."""
        kept = {name: [text for text in texts if text] for name, texts in parameters.lists() if name not in CURSORS}
        if kept.get("sort") == [self.order.name]:
            del kept["sort"]
        return MultiValueDict({name: texts for name, texts in kept.items() if texts})

    def search(self, by: Actor, filters: MultiValueDict[str, str] | None = None) -> Search:
        """What lies in the box and matches. Raises `InvalidArgument`.

        A filter that makes the box is none to look through it with: a list that ignored it, or joined it, would show
        what was not asked for.
        """
        parameters: MultiValueDict[str, str] = filters.copy() if filters else MultiValueDict()
        criteria = self.criteria(by)
        fault = Fault("unknown_field", gettext("is no filter of this list"))
        if faults := {name: [fault] for name in parameters if name in criteria}:
            raise InvalidArgument.of(faults)
        for name, value in criteria.items():
            parameters[name] = value
        if "sort" not in parameters:
            parameters["sort"] = self.order.name
        return Search(parameters, by=self.seen_as(by), snoozer=by, is_local=True)


@cache
def _url(name: str, script_prefix: str) -> str:
    """A page has many links to the same few places."""
    return reverse(f"inbox:{name}")


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
            lambda by: {"status": Status.ASSIGNED, **AWAKE},
            seen_as=_as_substitute,
            is_for=lambda by: bool(by.stands_in_for),
        ),
        Box("done", _("Done"), lambda by: {"status": Status.DONE, "user_id": by.user_id}),
        Box("all", _("All"), lambda by: {}),
    )
}


@dataclass(frozen=True)
class Tab:
    """A box, a group's part of one, a saved filter or the page of the team, as the navigation shows it.

    `count` equals the number of rows in its list; None where it is no list, or cannot be asked for any more.
    """

    title: Any
    url: str
    box: Box | None
    count: int | None
    query: str = ""
    """The filters and the order, as the query of its address."""
    within: str = ""
    """`group`, `saved` or `team`, where it is no box of its own."""
    saved: SavedFilter | None = None

    @property
    def name(self) -> str:
        return self.within or (self.box.name if self.box else "")

    @property
    def section(self) -> str:
        """Under which heading it stands: the groups with the boxes."""
        return "boxes" if self.within in ("", "group") else self.within


def tabs_for(by: Actor) -> list[Tab]:
    """Every box they have, each of their groups, each saved filter, with exact counts.

    That takes one statement, and two or three more for whoever sees saved filters.
    """
    counts = counts_for(by, timezone.now())
    tabs: list[Tab] = []
    for box in BOXES.values():
        if not box.is_for(by):
            continue
        tabs.append(Tab(box.title, box.url, box, counts.boxes.get(box.name, 0)))
        if box.name == "groups":
            tabs += _tabs_of_groups(box, counts, by)
    tabs += _tabs_of_saved(by) if counts.has_saved else []
    return tabs + ([Tab(_("Team"), reverse("inbox:team"), None, None, within="team")] if has_team(by) else [])


def query_of(filters: MultiValueDict[str, str]) -> str:
    """The same filters, as the query of an address."""
    return urlencode([(name, text) for name, texts in filters.lists() for text in texts])


def open_tab(tabs: Sequence[Tab], box: Box, query: str) -> Tab | None:
    """The one whose list is shown: that of exactly these filters, else that of the box."""
    of_box = [tab for tab in tabs if tab.box == box]
    asked = sorted(parse_qsl(query))
    exactly = (tab for tab in of_box if tab.query and sorted(parse_qsl(tab.query)) == asked)
    return next(exactly, next((tab for tab in of_box if not tab.query), None))


def _tabs_of_groups(box: Box, counts: Counts, by: Actor) -> list[Tab]:
    """Each of their groups, where they have several; one that stands for a role is none where work waits."""
    groups = sorted(by.groups - (ROLES - counts.groups.keys()), key=lambda group: (group.casefold(), group))
    return [_tab_of_group(box, group, counts.groups.get(group, 0)) for group in groups] if len(groups) > 1 else []


def _tab_of_group(box: Box, group: str, count: int) -> Tab:
    query = urlencode({"user_group": group})
    return Tab(group, box.address(query), box, count, query=query, within="group")


def _tabs_of_saved(by: Actor) -> list[Tab]:
    saved = [(kept, search_of(kept, by)) for kept in saved_for(by) if kept.box in BOXES]
    numbers = iter(counts_of([search for _kept, search in saved if search]))
    return [_tab_of_saved(kept, next(numbers) if search else None) for kept, search in saved]


def _tab_of_saved(kept: SavedFilter, count: int | None) -> Tab:
    box = BOXES[kept.box]
    return Tab(kept.name, box.address(kept.query), box, count, query=kept.query, within="saved", saved=kept)


def search_of(kept: SavedFilter, by: Actor) -> Search | None:
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


@dataclass(frozen=True)
class Look:
    """What a look into a box shows: a page, how many there are in all, and what is wrong with what was asked.

    `search` is what was asked, where nothing is wrong with it.
    """

    found: Listing = NOTHING
    total: int = 0
    faults: Faults = field(default_factory=dict)
    search: Search | None = None


def look_into(
    box: Box, filters: MultiValueDict[str, str], tab: Tab | None, *, by: Actor, after: str = "", before: str = ""
) -> Look:
    """A page of what matches. What `tab` has counted already is not counted again."""
    try:
        search = box.search(by, filters)
    except InvalidArgument as refusal:
        return Look(faults=refusal.faults)
    is_counted = tab is not None and (tab.query != "" or set(filters) <= {"sort"})
    total = tab.count if tab and is_counted else None
    found = listing(search, after=after, before=before)
    return Look(found, search.count() if total is None else total, search=search)


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
