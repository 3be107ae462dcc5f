"""The search form: what the filters of the contract look like to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from usertasks.errors import Faults
from usertasks.models import Status

MOMENT = {"type": "datetime-local"}
STATUSES: Mapping[Status, Any] = {
    Status.UNASSIGNED: _("Unassigned"),
    Status.ASSIGNED: _("Assigned"),
    Status.DONE: _("Done"),
    Status.CANCELLED: _("Cancelled"),
}
ORDERS: Mapping[str, Any] = {
    "newest": _("Newest first"),
    "oldest": _("Oldest first"),
    "due": _("Due first"),
    "priority": _("Highest priority first"),
}
DUE: Mapping[str, Any] = {"true": _("Overdue"), "false": _("Not overdue")}
SNOOZED: Mapping[str, Any] = {"true": _("Snoozed"), "false": _("Not snoozed")}
WORDS: Mapping[str, Mapping[str, Any]] = {
    "status": {status.value: word for status, word in STATUSES.items()},
    "overdue": DUE,
    "snoozed": SNOOZED,
}
"""What the choices of a filter are called."""
ALWAYS_SHOWN = ("text", "sort")
"""What stands above every list; the other filters are behind a button."""


@dataclass(frozen=True)
class Chip:
    """A filter that is on, in words, and the query of the list without it."""

    label: Any
    value: Any
    without: str


class SearchForm(forms.Form):
    """Asks for filters and shows what was asked; what is wrong with them is `filters.Search`'s to say.

    `fixed` are the filters that make the box, which are not asked for, and `order` is the box's own.
    """

    text = forms.CharField(
        label=_("Search"),
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autocomplete": "off",
                "placeholder": _("Search in notes, definition and answers"),
            }
        ),
    )
    sort = forms.ChoiceField(label=_("Sort by"))
    user_task_def_name = forms.CharField(label=_("Definition"), widget=forms.TextInput(attrs={"list": "definitions"}))
    user_id = forms.CharField(label=_("User"))
    user_group = forms.CharField(label=_("Group"), widget=forms.TextInput(attrs={"list": "groups"}))
    overdue = forms.ChoiceField(label=_("Due"), choices=[("", _("Any time")), *DUE.items()])
    snoozed = forms.ChoiceField(label=_("Snoozed"), choices=[("", _("Any")), *SNOOZED.items()])
    earliest_start = forms.CharField(label=_("Created from"), widget=forms.TextInput(attrs=MOMENT))
    latest_start = forms.CharField(label=_("Created until"), widget=forms.TextInput(attrs=MOMENT))
    wf_run_id = forms.CharField(label=_("Workflow run"))
    status = forms.MultipleChoiceField(
        label=_("Status"), choices=list(STATUSES.items()), widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        data: MultiValueDict[str, str],
        *,
        fixed: Iterable[str],
        order: str,
    ) -> None:
        shown = data.copy()
        shown.setlistdefault("sort", [order])
        super().__init__(shown)
        self.given = data
        for name in fixed:
            del self.fields[name]
        usual = {order: gettext("%(order)s (as usual)") % {"order": ORDERS[order]}}
        self.fields["sort"].choices = list({**ORDERS, **usual}.items())  # type: ignore[attr-defined]

    def _clean_fields(self) -> None:
        """Nothing: `Search` reads the same parameters, and its word is the one that counts."""

    def add_faults(self, faults: Faults) -> None:
        """Put each fault beside its field, and let a text be seen that the browser's own control would hide."""
        for name, found in faults.items():
            for fault in found:
                if name not in self.fields:
                    self.add_error(None, f"{name}: {fault.message}")
                    continue
                if isinstance(widget := self.fields[name].widget, forms.TextInput):
                    widget.input_type = "text"
                self.add_error(name, fault.message)

    @property
    def more(self) -> list[forms.BoundField]:
        """The filters that are behind a button."""
        return [self[name] for name in self.fields if name not in ALWAYS_SHOWN]

    @property
    def is_wrong_inside(self) -> bool:
        """Whether a fault is said where one would have to open something to see it."""
        return any(name in self.fields and name not in ALWAYS_SHOWN for name in self.errors)

    @property
    def number_on(self) -> int:
        """How many filters are on."""
        return len(set(self.given) - {"sort"})

    @property
    def number_inside(self) -> int:
        """How many filters are on that are behind a button."""
        return len(set(self.given) - set(ALWAYS_SHOWN))


class SearchBar:
    """What stands above a list. The form takes longer to make than the rows: it is made where somebody looks for
    something, and else once for each box, order and language. `name` is that of the box."""

    def __init__(
        self,
        given: MultiValueDict[str, str],
        *,
        name: str,
        fixed: Iterable[str],
        order: str,
        groups: Iterable[str] = (),
        definitions: Sequence[str] = (),
        faults: Faults | None = None,
    ) -> None:
        self.given, self.name, self.fixed, self.order, self.faults = given, name, fixed, order, faults or {}
        self.groups, self.definitions = sorted(groups), definitions

    @cached_property
    def form(self) -> SearchForm:
        form = SearchForm(self.given, fixed=self.fixed, order=self.order)
        form.add_faults(self.faults)
        return form

    @property
    def key(self) -> tuple[Any, ...] | None:
        """What the form looks like where nothing is looked for; None where something is."""
        if self.faults or set(self.given) - {"sort"}:
            return None
        return self.name, self.given.get("sort")

    @cached_property
    def chips(self) -> list[Chip]:
        """The filters that are on, each with a way to be rid of it."""
        pairs = [(name, text) for name, texts in self.given.lists() for text in texts]
        return [
            Chip(_label(name), _words(name, text), urlencode([pair for pair in pairs if pair != (name, text)]))
            for name, text in pairs
            if name != "sort"
        ]


def _label(name: str) -> Any:
    return SearchForm.base_fields[name].label if name in SearchForm.base_fields else name


def _words(name: str, text: str) -> Any:
    """What was given, as the form says it."""
    if name in WORDS:
        return WORDS[name].get(text, text)
    return _as_moment(text) if name in ("earliest_start", "latest_start") else text


@dataclass(frozen=True)
class Head:
    """The head of a column that sorts: what pressing it does, and in which direction the column is sorted now."""

    word: Any
    hint: Any
    query: str
    arrow: str = ""
    """`up`, `down`, or nothing where the list is sorted by something else."""


def heads_of(order: str, sorts: Mapping[str, str]) -> list[Head]:
    """Due, priority and created, which stand beside each other; `sorts` are the queries of the orders."""
    created = "oldest" if order == "newest" else "newest"
    return [
        Head(_("Due"), ORDERS["due"], sorts["due"], arrow="up" if order == "due" else ""),
        Head(_("Priority"), ORDERS["priority"], sorts["priority"], arrow="down" if order == "priority" else ""),
        Head(_("Created"), ORDERS[created], sorts[created], arrow={"newest": "down", "oldest": "up"}.get(order, "")),
    ]


def _as_moment(text: str) -> str:
    try:
        return date_format(datetime.fromisoformat(text), "SHORT_DATETIME_FORMAT")
    except ValueError:
        return text
