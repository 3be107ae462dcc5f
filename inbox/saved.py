"""Filters that people keep: the form that saves one, and the list of them as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usertasks.actors import Actor
from usertasks.errors import Faults, InvalidArgument
from usertasks.models import SavedFilter
from usertasks.models.personal import MAX_FILTER_NAME

from .boxes import BOXES, Box, Tab, query_of
from .forms import ORDERS, Chip, SearchBar
from .reasons import as_sentence


class SaveForm(forms.Form):
    """Asks for a name and for who sees it; which box and which filters it is about, the list has written into it."""

    required_names = frozenset({"name"})
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=MAX_FILTER_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    user_group = forms.ChoiceField(label=gettext_lazy("Who sees it"), required=False)
    box = forms.ChoiceField(widget=forms.HiddenInput, choices=[(name, name) for name in BOXES])
    query = forms.CharField(widget=forms.HiddenInput, strip=False)

    def __init__(self, data: Any = None, *, by: Actor, **more: Any) -> None:
        super().__init__(data, prefix="saved", **more)
        groups = [(group, _("Everybody in %(group)s") % {"group": group}) for group in sorted(by.groups | by.leads)]
        self.fields["user_group"].choices = [("", _("Only me")), *groups]  # type: ignore[attr-defined]
        self.by = by

    def clean(self) -> dict[str, Any]:
        """Only what can be asked for is worth a name."""
        given = {**self.cleaned_data}
        if "box" not in given or "query" not in given:
            raise forms.ValidationError(_("It is not clear what is to be kept. Please go back to the list."))
        box = BOXES[given["box"]]
        filters = box.given(QueryDict(given["query"]))
        try:
            box.search(self.by, filters)
        except InvalidArgument as refusal:
            raise forms.ValidationError(as_sentence(refusal.detail)) from None
        if not filters:
            raise forms.ValidationError(_("Look for something first, or choose an order: this list has its place."))
        return {**given, "query": query_of(filters)}

    def add_faults(self, faults: Faults) -> None:
        """Say beside the fields what the domain has against them."""
        for name, found in faults.items():
            for fault in found:
                self.add_error(name if name in ("name", "user_group") else None, as_sentence(fault.message))


@dataclass(frozen=True)
class Line:
    """A saved filter in the list: its place in the navigation, and what it looks for."""

    kept: SavedFilter
    tab: Tab
    chips: Sequence[Chip]
    order: Any
    """The order in words; None where it is the usual one."""
    is_mine: bool


def lines_of(tabs: Sequence[Tab], by: Actor) -> list[Line]:
    """Every saved filter that they see, their own first."""
    lines = [_line(tab.saved, tab, tab.box, by) for tab in tabs if tab.saved and tab.box]
    return sorted(lines, key=lambda line: not line.is_mine)


def _line(kept: SavedFilter, tab: Tab, box: Box, by: Actor) -> Line:
    filters = box.given(QueryDict(kept.query))
    bar = SearchBar(filters, name=box.name, fixed=box.criteria(by), order=box.order.name)
    order = ORDERS.get(filters.get("sort", ""))
    return Line(kept, tab, bar.chips, order, is_mine=kept.user_id == by.user_id)
