"""How much work there is and how it flows: the figures of a team, for whoever leads groups or may see everything.

What each figure means, docs/team.md says. How many queries it takes is fixed, and what they read is bounded by the work
that is open and by that of the period. What is left out is said beside the figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    JSONNull,
    OuterRef,
    Q,
    Subquery,
    When,
)
from django.db.models.functions import TruncDate
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from django.utils.translation import gettext as _

from .actors import Actor
from .errors import Fault, InvalidArgument, NotFound
from .models import EventType, Status, UserTaskEvent, UserTaskRun
from .models.runs import UserTaskRunQuerySet

MOST_NAMED = 12
"""So many groups, definitions and people are named; the others are counted together."""
MOST_TIMED = 10_000
"""Of so many runs the times are looked at, the newest ones."""
MEDIAN, MOST = 50, 90
"""The percentiles that are told."""

AGES: Sequence[timedelta] = (
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=30),
)
"""Where one band of ages ends and the next begins; the last band has no end."""


@dataclass(frozen=True)
class Team:
    """Whose work is looked at: that of these groups, or all there is."""

    groups: frozenset[str] | None

    def runs(self) -> UserTaskRunQuerySet:
        if self.groups is None:
            return UserTaskRun.objects.all()
        return UserTaskRun.objects.filter(user_group__in=sorted(self.groups))


@dataclass(frozen=True)
class Amount:
    """Open runs: those that nobody has, and those that somebody has."""

    unassigned: int
    assigned: int

    @property
    def total(self) -> int:
        return self.unassigned + self.assigned


@dataclass(frozen=True)
class Share:
    """What of the open runs belongs to one group, definition or person; None are the runs that have no such name."""

    name: str | None
    amount: Amount


@dataclass(frozen=True)
class Ranking:
    """The largest shares first, and what is left for all the others."""

    shares: Sequence[Share]
    others: Amount


@dataclass(frozen=True)
class OpenWork:
    """The open runs, cut in four ways; `ages` has one more than `AGES`, and `people` only what is assigned."""

    total: Amount
    ages: Sequence[Amount]
    groups: Ranking
    definitions: Ranking
    people: Ranking


@dataclass(frozen=True)
class Times:
    """How long it took in one group: half of `number` runs took at most `median`, nine of ten at most `most`."""

    user_group: str | None
    number: int
    median: timedelta
    most: timedelta


@dataclass(frozen=True)
class Day:
    """How many runs came in on a day, and how many were completed."""

    day: date
    came_in: int
    completed: int


@dataclass(frozen=True)
class Flow:
    """What happened in a period, day by day, and how long it took."""

    days: Sequence[Day]
    came_in: int
    completed: int
    to_claim: Sequence[Times]
    to_complete: Sequence[Times]

    @property
    def is_sampled(self) -> bool:
        """Whether the times are not those of all."""
        return max(self.came_in, self.completed) > MOST_TIMED


def has_team(by: Actor) -> bool:
    """Whether there is a team at whose work `by` may look."""
    return bool(by.leads) or by.holds("view_usertaskrun")


def team_of(by: Actor, user_group: str | None = None) -> Team:
    """The groups that `by` leads, or everything for whoever may see everything; or one group of these.

    Raises `NotFound` for whoever has no team, `InvalidArgument` for a group that is none of theirs.
    """
    if not has_team(by):
        raise NotFound("There is no such page.")
    sees_everything = by.holds("view_usertaskrun")
    if user_group is None:
        return Team(None if sees_everything else by.leads)
    if not sees_everything and user_group not in by.leads:
        raise InvalidArgument.at("user_group", Fault("not_a_choice", _("must be a group that you lead")))
    return Team(frozenset({user_group}))


def open_work(team: Team, now: datetime) -> OpenWork:
    """What is to be done now, in four queries."""
    runs = team.runs().open().order_by()
    ages = _ages(runs, now)
    total = _sum(ages)
    assigned = Amount(0, total.assigned)
    return OpenWork(
        total=total,
        ages=ages,
        groups=_ranking(runs, "user_group", total),
        definitions=_ranking(runs, "user_task_def_name", total),
        people=_ranking(runs.filter(status=Status.ASSIGNED), "user_id", assigned),
    )


def flow(team: Team, now: datetime, *, days: int) -> Flow:
    """What happened on this day and the days before it, whole ones of the current time zone, in four queries."""
    today = timezone.localdate(now)
    first = today - timedelta(days=days - 1)
    since = timezone.make_aware(datetime.combine(first, time.min))
    # Every status is named, for there is no index that does without.
    created = team.runs().filter(status__in=Status.values, scheduled_time__gte=since)
    completed = team.runs().filter(status=Status.DONE, completed_at__gte=since)
    came_in, done = _per_day(created, "scheduled_time"), _per_day(completed, "completed_at")
    each = [first + timedelta(days=number) for number in range(days)]
    return Flow(
        days=[Day(day, came_in.get(day, 0), done.get(day, 0)) for day in each],
        came_in=sum(came_in.values()),
        completed=sum(done.values()),
        to_claim=_times(_claimed(created)),
        to_complete=_times(_completed(completed)),
    )


def _ages(runs: UserTaskRunQuerySet, now: datetime) -> list[Amount]:
    limits = [None, *(now - age for age in AGES), None]
    counts: dict[str, Any] = {}
    for band, (newer, older) in enumerate(pairwise(limits)):
        within = Q(scheduled_time__gt=older) if older else Q()
        within &= Q(scheduled_time__lte=newer) if newer else Q()
        for status in (Status.UNASSIGNED, Status.ASSIGNED):
            counts[f"{status}_{band}"] = Count("pk", filter=within & Q(status=status))
    found = runs.aggregate(**counts)
    return [
        Amount(found[f"{Status.UNASSIGNED}_{band}"], found[f"{Status.ASSIGNED}_{band}"])
        for band in range(len(limits) - 1)
    ]


def _sum(amounts: Sequence[Amount]) -> Amount:
    return Amount(sum(amount.unassigned for amount in amounts), sum(amount.assigned for amount in amounts))


def _ranking(runs: UserTaskRunQuerySet, column: str, total: Amount) -> Ranking:
    rows = (
        runs.values_list(column)
        .annotate(
            unassigned=Count("pk", filter=Q(status=Status.UNASSIGNED)),
            assigned=Count("pk", filter=Q(status=Status.ASSIGNED)),
            total=Count("pk"),
        )
        .order_by("-total", column)[:MOST_NAMED]
    )
    shares = [Share(name, Amount(unassigned, assigned)) for name, unassigned, assigned, _total in rows]
    named = _sum([share.amount for share in shares])
    # What came in between the queries belongs to nobody yet; nothing is less than nothing.
    others = Amount(max(0, total.unassigned - named.unassigned), max(0, total.assigned - named.assigned))
    return Ranking(shares, others)


def _per_day(runs: UserTaskRunQuerySet, moment: str) -> dict[date, int]:
    days = runs.order_by().annotate(day=TruncDate(moment)).values_list("day")
    return dict(days.annotate(number=Count("pk")))


def _completed(runs: UserTaskRunQuerySet) -> Any:
    """The group of each of the newest runs, and how long it took to complete it."""
    return _took(runs, F("completed_at")).order_by("-completed_at")[:MOST_TIMED]


def _claimed(runs: UserTaskRunQuerySet) -> Any:
    """The same of the newest ones, until somebody first had what was created for a group.

    The events are asked for in the columns, not in conditions: so they are read for these runs and for no others. Nor
    is it asked whether there is one: of `EXISTS` PostgreSQL may make a list of all the events there are.
    """
    events = UserTaskEvent.objects.filter(run=OuterRef("pk"))
    was_nobodys = GreaterThan(Subquery(events.filter(number=1, data__user_id=JSONNull()).values("number")[:1]), 0)
    had = events.filter(type=EventType.ASSIGNED).exclude(data__new_user_id=JSONNull()).order_by("number")
    claimed_at = Case(When(was_nobodys, then=Subquery(had.values("time")[:1])))
    return _took(runs, claimed_at).order_by("-scheduled_time")[:MOST_TIMED]


def _took(runs: UserTaskRunQuerySet, end: Any) -> Any:
    took = ExpressionWrapper(end - F("scheduled_time"), DurationField())
    return runs.annotate(took=took).values_list("user_group", "took")


PERCENTILES = """
SELECT user_group, count(*), percentile_disc({median}) WITHIN GROUP (ORDER BY took),
    percentile_disc({most}) WITHIN GROUP (ORDER BY took)
FROM ({newest}) AS newest (user_group, took) WHERE took IS NOT NULL
GROUP BY user_group ORDER BY count(*) DESC, COALESCE(user_group, '') COLLATE "C" LIMIT {most_named}
"""


def _times(durations: Any) -> list[Times]:
    """What to tell of the groups with the most runs; where the database finds percentiles, no run need be read."""
    if connection.vendor != "postgresql":
        return _times_of((group, took) for group, took in durations if took is not None)
    newest, parameters = durations.query.sql_with_params()
    shares = {"median": MEDIAN / 100, "most": MOST / 100, "most_named": MOST_NAMED}
    with connection.cursor() as cursor:
        cursor.execute(PERCENTILES.format(newest=newest, **shares), parameters)
        return [Times(*row) for row in cursor.fetchall()]


def _times_of(durations: Iterable[tuple[str | None, timedelta]]) -> list[Times]:
    found: dict[str | None, list[timedelta]] = {}
    for user_group, took in durations:
        found.setdefault(user_group, []).append(took)
    busiest = sorted(found.items(), key=lambda group: (-len(group[1]), group[0] or ""))[:MOST_NAMED]
    return [Times(group, len(took), percentile(took, MEDIAN), percentile(took, MOST)) for group, took in busiest]


def percentile(durations: Sequence[timedelta], hundredths: int) -> timedelta:
    """The smallest of the durations that so many of a hundred do not exceed; there has to be one."""
    return sorted(durations)[-(-len(durations) * hundredths // 100) - 1]
