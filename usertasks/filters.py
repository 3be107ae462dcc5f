"""The one search: which runs there are, in which order, for REST, pages, admin and programs alike."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import batched
from typing import Any, cast

from django.db import connection
from django.db.models import BooleanField, CharField, Count, Func, Q, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThan, LessThan
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext

from . import json_text
from .actors import Actor
from .errors import Fault, InvalidArgument
from .filterset import UserTaskRunFilterSet
from .models import OPEN, Status, UserTaskRun
from .models.orders import MOST_URGENT, NEWEST, ORDERS, SOONEST, Order, Position, due_before
from .models.runs import STATUSLESS, UserTaskRunQuerySet, owners_seen_by
from .moment_filters import LOCAL_TIME

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


TIMES = ("earliest_start", "latest_start")


@dataclass(frozen=True)
class Page:
    """A page of rows with the columns of the search, and whether there are more of them in its direction."""

    rows: Sequence[Any]
    has_more: bool


INDEXED_ALONE = frozenset({"wf_run_id", "text"})
"""The filters that leave so little that nothing else need be known."""

type Way = dict[str, list[str]]
"""Column → the values of which a run must have one."""


class Search:
    """What somebody looks for among what they may see. Raises `InvalidArgument` for what is unknown or malformed.

    `parameters` maps the name of a filter to its texts; a blank one is malformed, and only `status` may be repeated.
    `columns` are those of the rows of a page, `id` and `scheduled_time` among them; `texts` are those with JSON that is
    only to be passed on: see `json_text.passed`. Times need an offset, unless they come from a page, where people mean
    their own (`is_local`). `snoozed` is about what `snoozer` has put off, who is
    `by` unless somebody else is named.
    """

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
        faults = {
            name: [Fault("unknown_field", gettext("is no filter"))]
            for name in parameters
            if name not in UserTaskRunFilterSet.base_filters
        }
        for name, values in parameters.lists():
            if "" in values or (len(values) > 1 and name != "status"):
                faults.setdefault(name, [Fault("invalid", gettext("must be given once, and not blank"))])
            elif not is_local and name in TIMES and LOCAL_TIME.fullmatch(values[0]):
                faults[name] = [Fault("invalid", gettext("must have an offset, such as Z or +01:00"))]
        for name, errors in self.filterset.form.errors.get_json_data().items():
            faults.setdefault(name, [Fault(_code(error["code"]), error["message"]) for error in errors])
        if faults:
            raise InvalidArgument.of(faults)
        self.given: dict[str, Any] = {name: value for name, value in self.filterset.form.cleaned_data.items() if value}
        self.order: Order = ORDERS[self.given.pop("sort", NEWEST.name)]

    def runs(self) -> UserTaskRunQuerySet:
        """Everything that matches, in no particular order."""
        runs = cast(UserTaskRunQuerySet, self.filterset.qs)
        owners = self._owners()
        if owners is None:
            return runs
        user_ids, user_groups = owners
        return runs.filter(Q(user_id__in=user_ids) | Q(user_group__in=user_groups))

    def parts(self) -> list[tuple[int, UserTaskRunQuerySet]]:
        """Parts of what matches, whose sizes add up to its own where each counts with its sign.

        What is mine or my group's is what is mine, and what is my group's, less what is both: an index counts each of
        these without reading a run, and none counts the whole.
        """
        owners = self._owners()
        if owners is None or not INDEXED_ALONE.isdisjoint(self.given):
            return [(1, self.runs())]
        runs = cast(UserTaskRunQuerySet, self.filterset.qs)
        is_overdue = self.given.get("overdue") == "true"
        each = [runs.filter(status=status) for status in self._statuses() or ()] if is_overdue else [runs]
        return [part for runs in each for part in _mine_and_ours(runs, *owners)]

    def page(self, *, limit: int, after: Position | None = None, before: Position | None = None) -> Page:
        """The first `limit` runs in the order asked for; beyond `after`, or the nearest that come before `before`.

        PostgreSQL takes the first keys of each way in which a run can be visible (mine, each of my groups) from an
        index, and reads the rows of the first among them: what a page costs depends on neither how much there is nor
        how far one has paged. Other databases get the same conditions joined by OR.
        """
        is_back = before is not None
        runs = self._ordered_runs(limit + 1, _beyond(self.order, after, before), is_back=is_back)
        order = self.order.by(is_reversed=is_back)
        columns = (Cast(name, AsJson()) if name in self.texts else name for name in self.columns)
        row = _row_of(tuple(self.columns))
        found = [row(*values) for values in runs.order_by(*order).values_list(*columns)[: limit + 1]]
        page = found[:limit]
        return Page(rows=page[::-1] if is_back else page, has_more=len(found) > limit)

    def _ordered_runs(self, wanted: int, beyond: Sequence[Any], *, is_back: bool) -> UserTaskRunQuerySet:
        """What matches beyond a place; at least the first `wanted` of it, where the whole would cost more.

        A workflow run has few runs, and words have an index of their own.
        """
        if not INDEXED_ALONE.isdisjoint(self.given) or connection.vendor != "postgresql":
            return self.runs().filter(*beyond)
        matching: UserTaskRunQuerySet = self._matching_but_for_status().filter(*beyond)
        ways = self._ways()
        if len(ways) == 1 and all(len(values) == 1 for values in ways[0].values()):
            return matching.filter(**{name: value for name, (value,) in ways[0].items()})
        if not ways:
            return matching.none()
        keys = _first_keys(matching, ways, self.order, wanted, is_back=is_back)
        return UserTaskRun.objects.filter(pk__in=keys)

    def _ways(self) -> list[Way]:
        """The ways in which a run can match, each of which one index answers, newest first.

        Few indexes do without the status, so that where it is open it is spelled out.
        """
        owners = self._owners()
        seen: list[Way] = [{}] if owners is None else [{"user_id": owners[0]}, {"user_group": owners[1]}]
        statuses = self._statuses()
        ways = []
        for way in seen:
            columns = {name for name in ("user_task_def_name", "user_id", "user_group") if name in self.given} | {*way}
            if statuses is None and columns in STATUSLESS:
                ways.append(way)
                continue
            possible = Status.values if statuses is None else statuses
            nobodys = {Status.UNASSIGNED} if "user_id" in columns else set()
            ways.append({**way, "status": [status for status in possible if status not in nobodys]})
        if self._is_about_work():
            # The indexes of these orders hold the runs of one status each, which has to be spelled out.
            ways = [{**way, "status": [status]} for way in ways for status in way["status"]]
        return [way for way in ways if all(way.values())]

    def _is_about_work(self) -> bool:
        """Whether this is about open runs only, and in an order in which one works."""
        return self.order in (SOONEST, MOST_URGENT) and OPEN.issuperset(self._statuses() or Status.values)

    def _matching_but_for_status(self) -> UserTaskRunQuerySet:
        """What the other filters leave; of `overdue`, that the run was due by now.

        A way names its status once. PostgreSQL would multiply the odds of two conditions that say the same, and sort
        what it then believes to be few.
        """
        runs: Any = UserTaskRun.objects.all()
        for name, value in self.given.items():
            if name == "overdue" and value == "true":
                now = timezone.now()
                # In the other orders it is read and left out: an index of the order and of the due dates is none.
                runs = runs.filter(due_before(now) if self._is_about_work() else Q(due_at__lt=now))
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


@lru_cache
def _row_of(columns: tuple[str, ...]) -> Any:
    """The type of the rows with these columns."""
    return namedtuple("Row", columns)  # the names are known when it runs


class AsJson(TextField):
    """A column with JSON, read as it stands."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return value if value is None else json_text.passed(value)


def _mine_and_ours(
    runs: UserTaskRunQuerySet, user_ids: list[str], user_groups: list[str]
) -> list[tuple[int, UserTaskRunQuerySet]]:
    mine, ours = runs.filter(user_id__in=user_ids), runs.filter(user_group__in=user_groups)
    if not (user_ids and user_groups):
        return [(1, mine if user_ids else ours)]
    return [(1, mine), (1, ours), (-1, mine.filter(user_group__in=user_groups))]


def _first_keys(runs: UserTaskRunQuerySet, ways: Sequence[Way], order: Order, wanted: int, *, is_back: bool) -> RawSQL:
    """The ids of at least the first `wanted` of `runs` that come by one of these ways.

    The plan has a branch for each way and not for each value, as the union of as many queries would: planning that
    takes longer than answering it. A run can come by two ways at most: as mine, and as my group's. Nothing that a
    caller says is part of the text of the SQL.
    """
    falls = order.is_falling != is_back
    columns = {f"key_{key.name}": key.expression for key in order.keys}
    branches, parameters = [], []
    for way in ways:
        # One value is spelled out: an index of the runs of one status answers only where that stands in the query.
        only = {name: values[0] for name, values in way.items() if len(values) == 1}
        many = [name for name in way if name not in only]
        each = {name: RawSQL(f"each_{name}.value", [], CharField()) for name in many}  # nosec B611 # a column
        keys = runs.filter(**only, **each).order_by(*order.by(is_reversed=is_back)).values(**columns)[:wanted]
        sql, values = keys.query.sql_with_params()
        sources = "".join(f"unnest(%s::text[]) AS each_{name} (value) CROSS JOIN " for name in many)
        branches.append(f"SELECT keys.* FROM {sources}LATERAL ({sql}) AS keys")  # nosec B608 # compiled by Django; values are parameters
        parameters += [*(way[name] for name in many), *values]
    first = ", ".join(f"{name} {'DESC' if falls else 'ASC'}" for name in columns)
    union = " UNION ALL ".join(branches)
    text = f"SELECT key_id FROM ({union}) AS found ORDER BY {first} LIMIT {2 * wanted}"  # nosec B608 # names of columns, a number
    return RawSQL(text, parameters)  # nosec B611 # see above


COUNTED_AT_ONCE = 250
"""SQLite takes a union of 500 at most, and whoever keeps a hundred filters asks for more."""


def counts_of(searches: Sequence[Search]) -> list[int]:
    """How many runs each of the searches finds: as many as all of its pages have; hardly ever in two statements."""
    counts = [
        part.order_by().annotate(box=Value(number), sign=Value(sign)).values("box", "sign").annotate(found=Count("pk"))
        for number, search in enumerate(searches)
        for sign, part in search.parts()
    ]
    totals = [0] * len(searches)
    for first, *more in batched(counts, COUNTED_AT_ONCE):
        for number, sign, found in first.union(*more, all=True).values_list("box", "sign", "found"):
            totals[number] += sign * found
    return totals


def search_from_json(parameters: dict[str, Any], *, by: Actor) -> Search:
    """A search whose filters come as a JSON object: texts, a list of texts for `status`, a boolean for `overdue`."""
    texts: MultiValueDict[str, str] = MultiValueDict()
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        spelled = ["true" if item is True else "false" if item is False else item for item in values]
        if not spelled or not all(isinstance(item, str) for item in spelled):
            raise InvalidArgument.at(f"filter.{name}", Fault("wrong_type", "must be a text or a list of texts"))
        texts.setlist(name, spelled)
    return Search(texts, by=by)


class Row(Func):
    """`(a, b)`: SQL compares such rows from left to right, and an index starts right there."""

    template = "(%(expressions)s)"
    output_field = BooleanField()


def _beyond(order: Order, after: Position | None, before: Position | None) -> list[LessThan | GreaterThan]:
    """What comes after `after`, or before `before`, in the order; among equals as well."""
    place = Row(*(key.expression for key in order.keys))
    sides = [(after, order.is_falling), (before, not order.is_falling)]
    return [(LessThan if is_less else GreaterThan)(place, _row(position)) for position, is_less in sides if position]


def _row(position: Position) -> Row:
    keys = zip(position.order.keys, position.values, strict=True)
    return Row(*(Value(value, key.field) for key, value in keys))


def _code(form_code: str) -> str:
    return "not_a_choice" if form_code == "invalid_choice" else "invalid"
