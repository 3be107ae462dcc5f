"""The page of a team: what is asked of it, its figures as plots and tables, and the stuck work with what one may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import cached_property
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from usertasks import workload
from usertasks.actors import Actor
from usertasks.errors import Faults
from usertasks.filterset import ExactText
from usertasks.models.runs import MAX_ID
from usertasks.names import readable
from usertasks.rules import Action, allowed_actions
from usertasks.stuck import Snag, Stuck, stuck_work
from usertasks.workload import Amount, OpenWork, Ranking, Team, Times

from .people import names_of_groups
from .plots import Bars, Columns, Item, Lines, bars, columns, lines
from .reasons import as_sentence

PERIODS: Sequence[tuple[str, Any]] = (
    ("7", gettext_lazy("The last 7 days")),
    ("30", gettext_lazy("The last 30 days")),
    ("90", gettext_lazy("The last 90 days")),
)
USUAL_PERIOD = "30"
TICKED = "tick"
"""The parameter that names the list of which every row is ticked: so it takes no script to choose them all."""

AGES: Sequence[tuple[Any, Any]] = (
    (gettext_lazy("under\n1 hour"), gettext_lazy("Under 1 hour")),
    (gettext_lazy("under\n1 day"), gettext_lazy("1 hour to 1 day")),
    (gettext_lazy("under\n3 days"), gettext_lazy("1 to 3 days")),
    (gettext_lazy("under\n1 week"), gettext_lazy("3 days to 1 week")),
    (gettext_lazy("under\n1 month"), gettext_lazy("1 week to 1 month")),
    (gettext_lazy("older"), gettext_lazy("Over 1 month")),
)
"""The bands of `workload.AGES`: below a column, where the lines are short, and in a table."""

SNAGS: Mapping[Snag, tuple[Any, Any]] = {
    Snag.OWNER_GONE: (
        gettext_lazy("The owner is gone"),
        gettext_lazy("Somebody has these who has no active account here: nobody will do them."),
    ),
    Snag.OWNER_OUTSIDE: (
        gettext_lazy("The owner is not in the group"),
        gettext_lazy("Somebody has these who is not, or no longer, in the group that they belong to."),
    ),
    Snag.GROUP_EMPTY: (
        gettext_lazy("The group has no members"),
        gettext_lazy("These wait in a group in which nobody has an active account: nobody can claim them."),
    ),
    Snag.OVERDUE: (gettext_lazy("Overdue"), gettext_lazy("Open, and past their due date; the most overdue first.")),
    Snag.WAITING: (
        gettext_lazy("Waiting for over a week"),
        gettext_lazy("Nobody has had these for more than a week; the oldest first."),
    ),
}
"""What each kind of stuck work is called, and what it means."""


class TeamForm(forms.Form):
    """Asks which group and which period; `by` chooses among the groups that they lead, or names any they may see."""

    user_group = ExactText(label=gettext_lazy("Group"), required=False, max_length=MAX_ID)
    period = forms.ChoiceField(label=gettext_lazy("Period"), choices=PERIODS, required=False)

    def __init__(self, given: QueryDict, *, by: Actor) -> None:
        self.is_asked = {name for name in given if name != TICKED and given[name]}
        self.given = given
        super().__init__({"period": USUAL_PERIOD, **{name: given[name] for name in self.is_asked}})
        self.groups: list[str] = []
        if by.holds("view_usertaskrun"):
            self.groups = names_of_groups()
            self.fields["user_group"].widget = forms.TextInput(attrs={"list": "groups"})
        else:
            led = [(name, name) for name in sorted(by.leads)]
            choices = [("", _("All that you lead")), *led]
            self.fields["user_group"].widget = forms.Select(choices=choices)

    def clean(self) -> None:
        """Refuse what is no filter, and what is given twice, as every list does."""
        for name in sorted(self.is_asked):
            if name not in self.fields:
                self.add_error(None, _("%(name)s is no filter of this page.") % {"name": name})
            elif len([text for text in self.given.getlist(name) if text]) > 1:
                self.add_error(name, _("Must be given once."))

    def add_faults(self, faults: Faults) -> None:
        for name, found in faults.items():
            for fault in found:
                self.add_error(name, as_sentence(fault.message))

    @property
    def days(self) -> int:
        return int(self.cleaned_data["period"] or USUAL_PERIOD)


@dataclass(frozen=True)
class Line:
    """A line of a table: what it is about, and the same numbers as in the plot."""

    name: str
    numbers: Sequence[str]


@dataclass(frozen=True)
class Plot:
    """A plot and the table of the same numbers; `kind` names its component, `key` its place in the page."""

    key: str
    kind: str
    title: str
    description: str
    drawn: Bars | Columns | Lines
    series: Sequence[str]
    heads: Sequence[str]
    table: Sequence[Line]


@dataclass(frozen=True)
class StuckRow:
    run: Any
    title: str
    is_overdue: bool
    is_movable: bool
    """Whether there is something that `by` may do with it here."""


@dataclass(frozen=True)
class StuckList:
    """One kind of stuck work, with the buttons that some of its rows allow."""

    stuck: Stuck
    title: Any
    meaning: Any
    rows: Sequence[StuckRow]
    can_assign: bool
    can_cancel: bool
    is_ticked: bool

    @property
    def is_movable(self) -> bool:
        return self.can_assign or self.can_cancel

    @property
    def number(self) -> str:
        return _number(self.stuck.number)

    @property
    def others(self) -> int:
        return self.stuck.number - len(self.rows)


class TeamPage:
    """What the template is given, as attributes."""

    def __init__(self, team: Team, by: Actor, now: datetime, *, days: int, ticked: str = "") -> None:
        self.team, self.by, self.now, self.ticked = team, by, now, ticked
        self.open: OpenWork = workload.open_work(team, now)
        self.flow = workload.flow(team, now, days=days)
        self.stuck = [self._list(stuck) for stuck in stuck_work(team, now)]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell: no open work, and none in the period."""
        return not (self.open.total.total or self.flow.came_in or self.flow.completed)

    @cached_property
    def sums(self) -> dict[str, str]:
        """The numbers at the top, by the names that the template has for them."""
        total, flow = self.open.total, self.flow
        numbers = {"open": total.total, "unassigned": total.unassigned, "assigned": total.assigned}
        return {name: _number(number) for name, number in numbers.items()} | {
            "came_in": _number(flow.came_in),
            "completed": _number(flow.completed),
        }

    @cached_property
    def plots(self) -> list[Plot]:
        made = [
            self._ranking("groups", _("Open work by group"), _("Group"), self.open.groups, _("No group")),
            self._ranking("definitions", _("Open work by kind of task"), _("Task"), self.open.definitions, ""),
            self._ages(),
            self._people(),
            self._throughput(),
        ]
        return [plot for plot in made if plot.table]

    @cached_property
    def times(self) -> list[tuple[str, str, str, list[Line]]]:
        """The key, the title, what they mean and the lines of the two tables of durations."""
        to_claim = _("From the moment a task came into a group until somebody first had it.")
        to_complete = _("From the moment a task was created until it was completed.")
        return [
            ("to-claim", _("Time to claim"), to_claim, _lines_of(self.flow.to_claim)),
            ("to-complete", _("Time to complete"), to_complete, _lines_of(self.flow.to_complete)),
        ]

    @property
    def heads_of_times(self) -> list[str]:
        return [_("Group"), _("Tasks"), _("Half within"), _("9 of 10 within")]

    @cached_property
    def most_timed(self) -> str:
        return _number(workload.MOST_TIMED)

    @property
    def stuck_lists(self) -> list[StuckList]:
        """Those that have something in them."""
        return [found for found in self.stuck if found.rows]

    def _list(self, stuck: Stuck) -> StuckList:
        actions = [allowed_actions(run, self.by) for run in stuck.rows]
        rows = [
            StuckRow(
                run=run,
                title=readable(run.user_task_def_name),
                is_overdue=run.due_at is not None and run.due_at < self.now,
                is_movable=Action.ASSIGN in allowed or Action.CANCEL in allowed,
            )
            for run, allowed in zip(stuck.rows, actions, strict=True)
        ]
        title, meaning = SNAGS[stuck.snag]
        can_assign = any(Action.ASSIGN in allowed for allowed in actions)
        can_cancel = any(Action.CANCEL in allowed for allowed in actions)
        return StuckList(stuck, title, meaning, rows, can_assign, can_cancel, self.ticked == stuck.snag)

    def _ranking(self, key: str, title: str, head: str, ranking: Ranking, nobodys: str) -> Plot:
        is_group = key == "groups"
        named = [
            (share.name if is_group else readable(share.name)) if share.name else nobodys for share in ranking.shares
        ]
        amounts = [share.amount for share in ranking.shares]
        if ranking.others.total:
            named, amounts = [*named, _("All others")], [*amounts, ranking.others]
        items = [Item(name, _parts(amount), _sum(amount)) for name, amount in zip(named, amounts, strict=True)]
        table = [Line(name, _numbers(amount)) for name, amount in zip(named, amounts, strict=True)]
        heads = [head, _("Unassigned"), _("Assigned"), _("Open")]
        return Plot(key, "bars", title, self._all_open(), bars(items), _series(), heads, table)

    def _ages(self) -> Plot:
        amounts = self.open.ages
        items = [
            Item(str(short), _parts(amount), _number(amount.total))
            for (short, _long), amount in zip(AGES, amounts, strict=True)
        ]
        table = [Line(str(long), _numbers(amount)) for (_short, long), amount in zip(AGES, amounts, strict=True)]
        heads = [_("Age"), _("Unassigned"), _("Assigned"), _("Open")]
        shown = table if self.open.total.total else []
        return Plot("ages", "columns", _("Open work by age"), self._all_open(), columns(items), _series(), heads, shown)

    def _people(self) -> Plot:
        shares, others = self.open.people.shares, self.open.people.others.total
        named = [(share.name or "", share.amount.assigned) for share in shares]
        if others:
            named.append((_("All others"), others))
        items = [Item(name, [0, number], _number(number)) for name, number in named]
        table = [Line(name, [_number(number)]) for name, number in named]
        assigned = self.open.total.assigned
        words = ngettext("%(number)s open task is assigned.", "%(number)s open tasks are assigned.", assigned)
        description = words % {"number": _number(assigned)}
        title, heads = _("Open work by person"), [_("Person"), _("Assigned")]
        return Plot("people", "bars", title, description, bars(items), [], heads, table)

    def _throughput(self) -> Plot:
        days = self.flow.days
        written = pgettext("how a day is written below a plot, in Django's letters", "j M")
        named = [date_format(day.day, written) for day in days]
        drawn = lines([[day.came_in for day in days], [day.completed for day in days]], named)
        series = [_("Came in"), _("Completed")]
        table = [
            Line(name, [_number(day.came_in), _number(day.completed)]) for name, day in zip(named, days, strict=True)
        ]
        description = _("%(came_in)s tasks came in, %(completed)s were completed.") % {
            "came_in": _number(self.flow.came_in),
            "completed": _number(self.flow.completed),
        }
        shown = table[::-1] if self.flow.came_in or self.flow.completed else []
        return Plot("days", "lines", _("Work per day"), description, drawn, series, [_("Day"), *series], shown)

    def _all_open(self) -> str:
        total = self.open.total
        return _("%(total)s open: %(unassigned)s unassigned, %(assigned)s assigned.") % {
            "total": _number(total.total),
            "unassigned": _number(total.unassigned),
            "assigned": _number(total.assigned),
        }


def _series() -> list[str]:
    return [_("Unassigned"), _("Assigned")]


def _parts(amount: Amount) -> list[int]:
    return [amount.unassigned, amount.assigned]


def _numbers(amount: Amount) -> list[str]:
    return [_number(amount.unassigned), _number(amount.assigned), _number(amount.total)]


def _sum(amount: Amount) -> str:
    """Both parts and what they make, as arithmetic is written everywhere."""
    return f"{_number(amount.unassigned)} + {_number(amount.assigned)} = {_number(amount.total)}"


def _number(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)


def _lines_of(times: Sequence[Times]) -> list[Line]:
    return [
        Line(took.user_group or _("No group"), [_number(took.number), in_words(took.median), in_words(took.most)])
        for took in times
    ]


def in_words(duration: timedelta) -> str:
    """How long it took, as people say it: "2 days, 3 hours"."""
    if duration < timedelta(minutes=1):
        return _("under a minute")
    now = timezone.now()
    return timesince(now - duration, now, depth=2)
