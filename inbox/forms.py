"""The search form: what the filters of the contract look like to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from usertasks.errors import Fault, Faults, InvalidArgument
from usertasks.models import Status

MOMENT = {"type": "datetime-local"}


class SearchForm(forms.Form):
    """Asks for filters and shows what was asked; what is wrong with them is `filters.Search`'s to say.

    `fixed` are the filters that make the box, which are not asked for. `groups` and `definitions` are suggested.
    """

    text = forms.CharField(label=_("Search"), widget=forms.TextInput(attrs={"type": "search"}))
    user_task_def_name = forms.CharField(label=_("Definition"), widget=forms.TextInput(attrs={"list": "definitions"}))
    status = forms.ChoiceField(label=_("Status"), choices=[("", _("Any")), *Status.choices])
    user_id = forms.CharField(label=_("User"))
    user_group = forms.CharField(label=_("Group"), widget=forms.TextInput(attrs={"list": "groups"}))
    earliest_start = forms.CharField(label=_("Created from"), widget=forms.TextInput(attrs=MOMENT))
    latest_start = forms.CharField(label=_("Created until"), widget=forms.TextInput(attrs=MOMENT))
    wf_run_id = forms.CharField(label=_("Workflow run"))
    overdue = forms.ChoiceField(
        label=_("Due"), choices=[("", _("Any time")), ("true", _("Overdue")), ("false", _("Not overdue"))]
    )
    snoozed = forms.ChoiceField(
        label=_("Snoozed"), choices=[("", _("Any")), ("true", _("Snoozed")), ("false", _("Not snoozed"))]
    )

    sort = forms.ChoiceField(
        label=_("Sort by"),
        choices=[
            ("", _("As usual")),
            ("newest", _("Newest first")),
            ("oldest", _("Oldest first")),
            ("due", _("Due first")),
            ("priority", _("Highest priority first")),
        ],
    )

    def __init__(
        self,
        data: MultiValueDict[str, str],
        *,
        fixed: Mapping[str, str],
        groups: Iterable[str],
        definitions: Iterable[str],
    ) -> None:
        super().__init__(data)
        self.groups, self.definitions = sorted(groups), definitions
        for name in fixed:
            del self.fields[name]

    def _clean_fields(self) -> None:
        """Nothing: `Search` reads the same parameters, and its word is the one that counts."""

    def require_offered(self, filters: MultiValueDict[str, str]) -> None:
        """Refuse a filter that the box does not have: a list that ignored it would show what was not asked for."""
        fault = Fault("unknown_field", "is no filter of this list")
        if faults := {name: [fault] for name in filters if name not in self.fields}:
            raise InvalidArgument.of(faults)

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
