"""The one search: which runs there are, in which order, for REST, pages, admin and programs alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from . import closed_counts, full_text, listing_rows, open_counts, totals
from .actors import Actor
from .conditions_of import conditions_of
from .filterset import UserTaskRunFilterSet, asked_for
from .keysets import NoneOf, Stretch, Walk, Way, first_by_ways, first_of_all, ids_by_ways, walk_by_ways
from .known_conditions import is_movable, known_conditions
from .models import OPEN, TERMINAL, ClosedCount, Snooze, Status, UserTaskRun
from .models.counts import ClosedCountQuerySet, OpenCountQuerySet
from .models.orders import NEWEST, ORDERS, Order, Position, due_before, due_from
from .models.runs import UserTaskRunQuerySet, owners_seen_by

LIST_FIELDS = (
    "id",
    "wf_run_id",
    "user_task_def_name",
    "user_task_def_version",
    "user_id",
    "user_group",
    "status",
    "results",
    "notes",
    "scheduled_time",
    "epoch",
    "version",
    "due_at",
    "priority",
    "actions",
    "on_cancellation_exception_name",
    "completed_at",
    "excluded_user_ids",
)
"""The columns of a row of a list."""

type Part = UserTaskRunQuerySet | ClosedCountQuerySet | OpenCountQuerySet
"""Runs that are counted, or counts of runs."""


@dataclass(frozen=True)
class Page:
    """A page of rows with the columns of the search, and whether there are more of them in its direction."""

    rows: Sequence[Any]
    has_more: bool


WALKED = 500
"""How many runs are looked at one by one before all that have a word, or belong to a large workflow, are sorted."""

FEW = 1000
"""So many are sorted at once, without a look at whether that is needed."""

JOINED = 100
"""So many keys are looked up in the statement that finds them: for more, a planner would rather read all there is."""

LOOSE = ("wf_run_id", "text", "snoozed")
"""The filters that no index has in the order of a list: each has an index of its own. What is not snoozed is most."""


class Search:
    """What somebody looks for among what they may see. Raises `InvalidArgument` for what is unknown or malformed.

    `parameters` maps the name of a filter to its texts; a blank one is malformed, and only `status` may be repeated.
    `columns` are those of the rows of a page, `id` and `scheduled_time` among them; `texts` are those with JSON that is
    only to be passed on: see `json_text.passed`. Times need an offset, unless they come from a page, where people mean
    their own (`is_local`). `snoozed` is about what `snoozer` has put off, who is
    `by` unless somebody else is named.
    """

    moment: datetime | None = None

    def __init__(
        self,
        parameters: MultiValueDict[str, str],
        *,
        by: Actor,
        columns: Sequence[str] = LIST_FIELDS,
        texts: Sequence[str] = (),
        is_local: bool = False,
        snoozer: Actor | None = None,
    ) -> None:
        self.by = by
        self.columns = columns
        self.texts = texts
        self.filterset = UserTaskRunFilterSet(parameters, UserTaskRun.objects.all(), by=snoozer or by)
        self.given: dict[str, Any] = asked_for(parameters, is_local=is_local)
        self.order: Order = ORDERS[self.given.pop("sort", NEWEST.name)]

    def runs(self) -> UserTaskRunQuerySet:
        """Everything that matches, in no particular order."""
        runs: Any = UserTaskRun.objects.all()
        for name, value in self.given.items():
            runs = self.filterset.filters[name].filter(runs, value)
        owners = self._owners()
        if owners is None:
            return cast(UserTaskRunQuerySet, runs)
        user_ids, user_groups = owners
        return cast(UserTaskRunQuerySet, runs).filter(Q(user_id__in=user_ids) | Q(user_group__in=user_groups))

    def count(self) -> int:
        """How many match: as many as all pages have."""
        return counts_of([self])[0]

    def parts(self) -> list[tuple[int, Part]]:
        """Parts of what matches, whose sizes add up to its own where each counts with its sign.

        What is mine or my group's is what is mine, and what is my group's, less what is both: an index counts each of
        these without reading a run, and none counts the whole. What is not overdue is all, less what is. What has
        ended, and for who sees everything what is open, is counted already, where the filters leave that.
        """
        if self._loose():
            return [(1, self.runs())]
        if name := self._denied():
            asked = self._asking(**{name: "true"}).parts()
            return [*self._asking(**{name: None}).parts(), *((-sign, part) for sign, part in asked)]
        matching = self._matching()
        return [(sign, part) for sign, way in _signed(self._owners()) for part in self._parts_by(way, matching)]

    def _denied(self) -> str | None:
        """The filter without which everything, and with which few are counted, where it asks for the others."""
        if self.given.get("overdue") == "false":
            return "overdue"
        others = self.given.keys() - {"snoozed"}
        is_counted = self._owners() is None and open_counts.is_counted(others, OPEN)
        return "snoozed" if is_counted and self.given.get("snoozed") == "false" else None

    def _parts_by(self, way: Way, matching: UserTaskRunQuerySet) -> Iterator[Part]:
        """What comes by one way."""
        owners = {f"{name}__in": values for name, values in way.items()}
        statuses = self._possible(way, self._statuses())
        ended = TERMINAL.intersection(statuses) if closed_counts.is_counted(self.given) else frozenset()
        if ended:
            asked = {name: self.given[name] for name in closed_counts.OWNERS if name in self.given}
            yield ClosedCount.objects.of(sorted(ended), {**asked, **owners})
        left = [status for status in statuses if status not in ended]
        if not way and open_counts.is_counted(self.given, left):
            yield from open_counts.counted(timezone.now(), is_overdue="overdue" in self.given)
            return
        for condition in self._statuses_to_count(way, left):
            yield matching.filter(**owners, **condition)

    def page(self, *, limit: int, after: Position | None = None, before: Position | None = None) -> Page:
        """The first `limit` runs in the order asked for; beyond `after`, or the nearest that come before `before`.

        PostgreSQL takes the first keys of each way in which a run can be visible (mine, each of my groups) from an
        index, and reads the rows of the first among them: what a page costs depends on neither how much there is nor
        how far one has paged. Other databases get the same conditions joined by OR.
        """
        found: dict[Any, Any] = {}  # what ends between two statements is found by both
        for stretch in self._stretches(after, before):
            wanted = limit + 1 - len(found)
            found |= {row.id: row for row in self._rows(stretch, wanted) if row.id not in found} if wanted else {}
        page = list(found.values())[:limit]
        return Page(rows=page[::-1] if before else page, has_more=len(found) > limit)

    def first_ids(self, limit: int) -> tuple[list[UUID], bool]:
        """The ids of the first `limit` runs, and whether there are more."""
        lean = copy(self)
        lean.columns, lean.texts = ("id",), ()
        page = lean.page(limit=limit)
        return [row.id for row in page.rows], page.has_more

    def _stretches(self, after: Position | None, before: Position | None) -> Iterator[Stretch]:
        """The parts of the list in which the rows lie, the one at the place first."""
        orders = [self.order, *([self.order.ended] if self.order.ended else [])]
        place, is_back = before or after, before is not None
        if place:
            number = orders.index(place.order)
            orders = orders[: number + 1] if is_back else orders[number:]
        for order in reversed(orders) if is_back else orders:
            statuses = self._statuses_in(order)
            if statuses != []:
                side = {"before" if is_back else "after": place} if place and place.order == order else {}
                yield Stretch(order, statuses, is_back=is_back, **side)

    def _rows(self, stretch: Stretch, wanted: int) -> Sequence[Any]:
        """The first rows of a stretch."""
        if connection.vendor != "postgresql":
            return self._read(self._all_in(stretch), stretch, wanted)
        if not (loose := self._loose()):
            if wanted > JOINED:
                ids = ids_by_ways(self._beyond(stretch), self._ways(stretch), stretch, wanted)
                return self._read(UserTaskRun.objects.filter(pk__in=ids), stretch, wanted)
            return self._listed(lambda: self._first_conditions(stretch, wanted), stretch, wanted)
        # To know how many have a word takes all of its index's entries: first a look at what comes next.
        if (few := self._few([name for name in loose if name != "text"])) is not None:
            return self._read(self._among(few, stretch), stretch, wanted)
        walk = self._next(loose, stretch, wanted)
        rows = self._read(self._among(walk.ids, stretch), stretch, wanted)
        if len(rows) == wanted or walk.is_whole:
            return rows
        if "text" in loose and (few := self._few(["text"])) is not None:
            return self._read(self._among(few, stretch), stretch, wanted)
        return self._read(first_of_all(self._all_in(stretch), stretch, wanted), stretch, wanted)

    def _next(self, loose: Sequence[str], stretch: Stretch, wanted: int) -> Walk:
        """The next runs of the stretch that may match: what is in no index is asked of these alone."""
        if "wf_run_id" in loose and stretch.order.keys == NEWEST.keys:  # in which its index has them
            other, ways = self._asking(**dict.fromkeys(self.given)), [{"wf_run_id": [self.given["wf_run_id"]]}]
            return walk_by_ways(other._beyond(stretch), ways, stretch, wanted=wanted, most=WALKED)
        other = self._asking(**dict.fromkeys(loose if stretch.order.ended else [*loose, "overdue"]))
        return walk_by_ways(other._beyond(stretch), other._ways(stretch), stretch, wanted=wanted, most=WALKED)

    def _among(self, ids: Sequence[UUID], stretch: Stretch) -> UserTaskRunQuerySet:
        """What matches of these runs. They are few: the index of words would give all that have a word."""
        runs = self._asking(text=None)._all_in(stretch).filter(pk__in=ids)
        text = self.given.get("text")
        return full_text.containing(runs, text, vendor=connection.vendor, is_read=True) if text else runs

    def _read(self, runs: UserTaskRunQuerySet, stretch: Stretch, wanted: int) -> Sequence[Any]:
        return self._listed(lambda: conditions_of(runs), stretch, wanted)

    def _listed(self, write: Callable[[], tuple[str, Sequence[Any]]], stretch: Stretch, wanted: int) -> Sequence[Any]:
        try:
            conditions = write()
        except EmptyResultSet:
            return []
        by, is_back = stretch.order, stretch.is_back
        return listing_rows.read(conditions, self.columns, self.texts, by, is_back=is_back, limit=wanted)

    def _first_conditions(self, stretch: Stretch, wanted: int) -> tuple[str, Sequence[Any]]:
        """Those of `_first_in`, which are written once for whatever moment and place in the list."""
        owners, now, place = self._owners(), timezone.now(), stretch.after or stretch.before
        values = [value for value in place.values if is_movable(value)] if place else []
        key = (
            tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in self.given.items()),
            owners and tuple(map(tuple, owners)),
            self._snoozer(),
            (stretch.order.name, stretch.is_back, wanted),
            place and tuple(None if is_movable(value) else value for value in place.values),
        )
        return known_conditions(key, [now, *values], lambda: self._at(now)._first_in(stretch, wanted))

    def _at(self, now: datetime) -> Search:
        """The same search at a moment; else it is the one at which it asks."""
        other = copy(self)
        other.moment = now
        return other

    @property
    def _now(self) -> datetime:
        return self.moment or timezone.now()

    def _snoozer(self) -> str:
        return self.filterset.by.user_id if self.filterset.by else ""

    def _loose(self) -> list[str]:
        """The filters asked for that leave runs all over the order."""
        return [name for name in LOOSE if self.given.get(name, "false") != "false"]

    def _few(self, loose: Sequence[str]) -> list[UUID] | None:
        """The runs among which all that match are, where one of the loose filters says so and they are few."""
        for name in loose:
            ids = list(self._leaving(name)[: FEW + 1])
            if len(ids) <= FEW:
                return ids
        return None

    def _leaving(self, name: str) -> QuerySet[Any, Any]:
        """The ids of what one loose filter leaves."""
        if name == "snoozed":
            return Snooze.objects.of(self._snoozer(), self._now).values_list("run_id", flat=True)
        everything = UserTaskRun.objects.all()
        if name == "text":
            runs = full_text.containing(everything, self.given[name], vendor=connection.vendor)
        else:
            runs = everything.filter(wf_run_id=self.given[name]).newest_first()
        return runs.values_list("pk", flat=True)

    def _all_in(self, stretch: Stretch) -> UserTaskRunQuerySet:
        """Everything that matches in a stretch."""
        runs = self.runs().filter(*stretch.conditions)
        return runs if stretch.statuses is None else runs.filter(status__in=stretch.statuses)

    def _first_in(self, stretch: Stretch, wanted: int) -> UserTaskRunQuerySet:
        """What matches in a stretch; at least the first `wanted` of it, where the whole would cost more."""
        is_sifted = "overdue" in self.given or stretch.order.ended is not None
        return first_by_ways(self._beyond(stretch), self._ways(stretch), stretch, wanted, is_sifted=is_sifted)

    def _beyond(self, stretch: Stretch) -> UserTaskRunQuerySet:
        return self._matching(stretch.order).filter(*stretch.conditions)

    def _asking(self, **changes: str | None) -> Search:
        """The same search with other filters, None to be without one."""
        other = copy(self)
        other.given = {name: value for name, value in {**self.given, **changes}.items() if value is not None}
        return other

    def _ways(self, stretch: Stretch) -> list[Way]:
        """The ways in which a run can match, each of which one index answers in the order of the stretch.

        No index does without the status, so that where it is open it is spelled out; and the indexes of the orders of
        work hold the runs of one status each.
        """
        owners, statuses = self._owners(), stretch.statuses
        seen: list[Way] = [{}] if owners is None else [{"user_id": owners[0]}, {"user_group": owners[1]}]
        ways = [{**way, "status": self._possible(way, statuses)} for way in seen]
        if stretch.order.ended:
            ways = [{**way, "status": [status]} for way in ways for status in way["status"]]
        return [way for way in ways if all(way.values())]

    def _possible(self, way: Mapping[str, Any], statuses: Sequence[str] | None) -> list[str]:
        """Which of the statuses a run can have that comes by this way: what is somebody's is not unassigned."""
        nobodys = {Status.UNASSIGNED} if "user_id" in way or "user_id" in self.given else set()
        return [status for status in (Status.values if statuses is None else statuses) if status not in nobodys]

    def _matching(self, order: Order | None = None) -> UserTaskRunQuerySet:
        """What the filters but that of the status leave; of `overdue`, that the run was due by now.

        A way names its status once. PostgreSQL would multiply the odds of two conditions that say the same, and sort
        what it then believes to be few.
        """
        runs: Any = UserTaskRun.objects.all()
        for name, value in self.given.items():
            if name == "overdue":
                runs = _overdue(runs, value == "true", order, self._now)
            elif name == "snoozed" and order:
                runs = runs.filter(NoneOf(F("pk"), ArraySubquery(self._leaving(name))))
            elif name != "status":
                runs = self.filterset.filters[name].filter(runs, value)
        return cast(UserTaskRunQuerySet, runs)

    def _owners(self) -> tuple[list[str], list[str]] | None:
        """The users and the groups of which a run must have one to be seen, as far as the filters leave that open."""
        user_id, user_group = self.given.get("user_id"), self.given.get("user_group")
        users, groups = owners_seen_by(self.by)
        if self.by.holds("view_usertaskrun") or user_id in users or user_group in groups:
            return None
        can_be_mine = user_id is None and self._statuses() != [Status.UNASSIGNED]
        return users if can_be_mine else [], [] if user_group else groups

    def _statuses(self) -> list[str] | None:
        """The statuses that a run must have one of; None where all will do."""
        overdue = OPEN if self.given.get("overdue") == "true" else frozenset(Status.values)
        possible = overdue & set(self.given.get("status") or Status.values)
        return None if len(possible) == len(Status) else sorted(possible)

    def _statuses_in(self, order: Order) -> list[str] | None:
        """The same in the part of the list that has this order."""
        part = OPEN if order.ended else TERMINAL if order == self.order.ended else None
        statuses = self._statuses()
        return statuses if part is None else sorted(part & set(Status.values if statuses is None else statuses))

    def _statuses_to_count(self, way: Way, statuses: Sequence[str]) -> list[dict[str, Any]]:
        """Conditions on the status whose counts add up; where an index holds one status, each by itself."""
        if self.given.get("overdue") == "true":
            return [{"status": status} for status in statuses]
        if not way and self.given.keys() <= {"snoozed"} and len(statuses) == len(Status):
            return [{}]
        return [{"status__in": statuses}] if statuses else []


def _signed(owners: tuple[list[str], list[str]] | None) -> list[tuple[int, Way]]:
    """The ways in which a run can be seen, and less what comes by both."""
    if owners is None:
        return [(1, {})]
    mine, ours = {"user_id": owners[0]}, {"user_group": owners[1]}
    if not all(owners):
        return [(1, mine if owners[0] else ours)]
    return [(1, mine), (1, ours), (-1, {**mine, **ours})]


def _overdue(runs: Any, is_overdue: bool, order: Order | None, now: datetime) -> Any:
    """Those that were due by now, or were not; of what has ended, all that was asked for."""
    if order and not order.ended:  # read and left out: an index of the order and of the due dates is none
        late = Q(due_at__lt=now, status__in=OPEN)
        return runs.filter(due_at__lt=now) if is_overdue else runs if order.name == "ended" else runs.exclude(late)
    return runs.filter(due_before(now) if is_overdue else due_from(now))


def counts_of(searches: Sequence[Search]) -> list[int]:
    """How many runs each of the searches finds: as many as all of its pages have."""
    parts = [(number, sign, part) for number, search in enumerate(searches) for sign, part in search.parts()]
    found = totals.added_up(parts)
    return [found[number] for number in range(len(searches))]
