"""The page of substitutes: the form that names one, and the periods as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from usertasks.actors import Actor
from usertasks.errors import Faults
from usertasks.models import Substitution
from usertasks.models.runs import MAX_ID
from usertasks.roles import Role

from .people import members_of
from .reasons import as_sentence

FIELD_OF = {"starts_at": "first_day", "ends_at": "last_day"}
"""Argument of the domain → the field of the form that asks for it."""


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")  # what a browser's control reads, in every language


class SubstituteForm(forms.Form):
    """Asks for whole days, in the time zone of the page; the last one is included."""

    required_names = frozenset({"substitute_id", "first_day", "last_day"})
    substitute_id = forms.CharField(
        label=_("Substitute"),
        max_length=MAX_ID,
        help_text=_("The user name of the colleague who sees and does your tasks while you are away."),
        widget=forms.TextInput(attrs={"list": "colleagues", "autocomplete": "off"}),
    )
    first_day = forms.DateField(label=_("First day"), widget=DayInput)
    last_day = forms.DateField(
        label=_("Last day"), widget=DayInput, help_text=_("Your substitute still does your tasks on this day.")
    )

    def __init__(self, data: Any = None, *, today: date) -> None:
        super().__init__(data, initial={"first_day": today})
        for name in ("first_day", "last_day"):
            self.fields[name].widget.attrs["min"] = today.isoformat()

    def add_faults(self, faults: Faults) -> None:
        """Say beside the fields what the domain has against them."""
        for name, found in faults.items():
            field = FIELD_OF.get(name, name)
            for fault in found:
                self.add_error(field if field in self.fields else None, as_sentence(fault.message))


@dataclass(frozen=True)
class Period:
    """A substitution as the page shows it."""

    row: Substitution
    is_in_force: bool
    can_end: bool

    @property
    def last_day(self) -> date | None:
        """The last day of it, where it ends with a day."""
        end = timezone.localtime(self.row.ends_at)
        return end.date() - timedelta(days=1) if end.time() == time.min else None


def periods_of(by: Actor, now: datetime) -> tuple[list[Period], list[Period]]:
    """Who stands in for them, and for whom they stand in: what is in force or planned, the next first."""
    rows = Substitution.objects.not_over(now).order_by("starts_at", "id")
    mine, theirs = Q(user_id=by.user_id), Q(substitute_id=by.user_id)
    found = [Period(row, row.starts_at <= now, row.user_id == by.user_id) for row in rows.filter(mine | theirs)]
    return [period for period in found if period.can_end], [period for period in found if not period.can_end]


def colleagues_of(by: Actor) -> list[str]:
    """Whom the form suggests: the others in the groups in which they work; sharing a role makes no colleague."""
    return [name for name in members_of(by.groups - {role.value for role in Role}) if name != by.user_id]
