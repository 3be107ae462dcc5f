"""The list from which somebody came to a task: what stands beside it there, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.http import QueryDict
from django.urls import reverse

from usertasks.actors import Actor
from usertasks.errors import InvalidArgument
from usertasks.filters import Search
from usertasks.models import OPEN, UserTaskRun
from usertasks.names import readable
from usertasks.rules import Action, decide

from .back import safe_back
from .boxes import BOXES

COLUMNS = (
    "id",
    "user_task_def_name",
    "scheduled_time",
    "due_at",
    "priority",
    "status",
    "user_id",
    "user_group",
    "excluded_user_ids",
)
"""What an order compares, a name for people, and what the rules ask for."""

AT_ONCE, AT_MOST = 20, 200
"""So many are looked at in one query, and in all: a list can be long in which nothing is left to do."""


def list_address(text: str) -> str:
    """The address of a page of the inbox to go back to: this one, or that of the first list.

    It comes from a browser, and is not believed blindly. The page of a task stands for the list that it came from.
    """
    tasks = f"{reverse('inbox:mine')}tasks/"
    address = safe_back(text)
    if address.startswith(tasks):
        address = safe_back(parse_qs(urlsplit(address).query).get("back", [""])[-1])
    return reverse("inbox:mine") if address.startswith(tasks) else address


@dataclass(frozen=True)
class Step:
    """Another task of the list; its address leads back to the list as well."""

    title: str
    url: str


@dataclass(frozen=True)
class Steps:
    """What stands beside a task in the list, in its order."""

    before: Step | None = None
    after: Step | None = None


NOWHERE = Steps()


def steps_from(run: UserTaskRun, back: str, *, by: Actor) -> Steps:
    """The tasks before and after this one in the list at the address `back`."""
    search = _search_at(back, by)
    if search is None:
        return NOWHERE
    place = search.order.position_of(run)
    before, after = (search.page(limit=1, **side).rows for side in ({"before": place}, {"after": place}))
    return Steps(_step(before, back), _step(after, back))


def next_to_do(run: UserTaskRun, back: str, *, by: Actor) -> Step | None:
    """The next task after this one in the list at the address `back` that is theirs to do.

    What others have is left out, unless `run`, as it was, was no task of theirs either; and so is what they have put
    off, unless the list is of that.
    """
    search = _search_at(back, by, is_for_work=True)
    own = replace(by, permissions=frozenset(), leads=frozenset())
    doer = own if decide(Action.COMPLETE, run, own).allowed else by
    following = _after(run, search) if search else iter(())
    return _step([row for row in following if decide(Action.COMPLETE, row, doer).allowed][:1], back)


def _after(run: UserTaskRun, search: Search) -> Iterator[Any]:
    place, has_more, seen = search.order.position_of(run), True, 0
    while has_more and seen < AT_MOST:
        page = search.page(limit=AT_ONCE, after=place)
        yield from page.rows
        has_more, seen = page.has_more, seen + len(page.rows)
        place = search.order.position_of(page.rows[-1]) if page.rows else place


def _search_at(back: str, by: Actor, *, is_for_work: bool = False) -> Search | None:
    """What the list at that address looks for; None where there is no such list."""
    address = urlsplit(back)
    box = {box.url: box for box in BOXES.values()}.get(address.path)
    if box is None:
        return None
    filters = box.given(QueryDict(address.query))
    if is_for_work:
        usual: dict[str, list[str]] = {"status": sorted(OPEN), "snoozed": ["false"]}
        for name in usual.keys() - filters.keys() - box.criteria(by).keys():
            filters.setlist(name, usual[name])
    try:
        search = box.search(by, filters)
    except InvalidArgument:
        return None
    search.columns = COLUMNS
    return search


def _step(rows: Sequence[Any], back: str) -> Step | None:
    if not rows:
        return None
    url = reverse("inbox:task", args=[rows[0].id])
    return Step(readable(rows[0].user_task_def_name), f"{url}?{urlencode({'back': back})}")
