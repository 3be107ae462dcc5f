"""The form with which a definition is put: its own parts, and one small form for each of its fields."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME
from django.utils.translation import gettext_lazy as _

from ..conditions import ANSWERED, TESTS
from ..errors import Fault
from ..fieldtype import FieldType
from ..fieldtypes import FIELD_TYPES
from ..models import UserTaskDef, UserTaskField
from ..operations.definitions import faults_of_definition
from .form_parts import JsonObject, add_faults, error_of
from .rule_inputs import CONDITIONS, INPUTS, SHOW_IF, RuleInput, kinds_of, show_if_read
from .timer_forms import TimerForms, timer_forms

if TYPE_CHECKING:
    DefinitionModelForm = forms.ModelForm[UserTaskDef]
    FieldModelForm = forms.ModelForm[UserTaskField]
    FieldModelFormSet = forms.BaseInlineFormSet[UserTaskField, UserTaskDef, forms.ModelForm[UserTaskField]]
else:
    DefinitionModelForm = FieldModelForm = forms.ModelForm
    FieldModelFormSet = forms.BaseInlineFormSet

PREVIEW = "_preview"
"""The button that shows the form instead of saving the definition."""

LIVE = "live"
"""What the script of the page sends in place of that button: it is answered with the preview alone."""

STEP = 10
"""Between the order of one field and that of the next, so that another can go between them."""


class LongText(forms.CharField):
    """Several lines exactly as typed: a browser sends CR LF for every end of a line."""

    widget = forms.Textarea

    def __init__(self, *, rows: int = 2, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, widget=forms.Textarea(attrs={"rows": rows, "cols": 60}), **kwargs)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class DefinitionForm(DefinitionModelForm):
    """What a definition says of itself. A preview is shown in the form, so that it never counts as valid."""

    description = LongText(rows=3, label=_("Description"), help_text=_("For whoever fills in the form."))
    newest_seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    """The newest version when the page was opened: what was put meanwhile shall not be undone unseen."""

    class Meta:
        model = UserTaskDef
        fields = ("name", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.newest = newest_version(self.instance.name)
        self.initial["newest_seen"] = self.newest

    @cached_property
    def timers(self) -> TimerForms | None:
        """What runs do by themselves; None, so that it stays as it is, where a form was sent without it."""
        if not self.is_bound:
            return timer_forms(actions=self.instance.actions)
        return timer_forms(self.data) if "timers-TOTAL_FORMS" in self.data else None

    @property
    def is_preview(self) -> bool:
        return PREVIEW in self.data

    def is_valid(self) -> bool:
        return super().is_valid() and not self.is_preview

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        name = values.get("name", self.instance.name)
        add_faults(self, faults_of_definition(name, [], values.get("description", "")))
        if self.timers and not self.timers.is_valid():
            self.add_error(None, ValidationError(_("Please correct the timers."), code="timers"))
        if not self.is_preview:
            self._refuse_when_stale(values.get("newest_seen"))
        return values

    def _refuse_when_stale(self, seen: int | None) -> None:
        """Say once that there is a newer version now; who saves again has been told."""
        if None in (seen, self.newest) or seen == self.newest:
            return
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data[self.add_prefix("newest_seen")] = str(self.newest)  # type: ignore[index]
        message = _(
            "Version %(newest)s was put since you opened this page: look at it first. "
            "Saving again puts what stands here on top of it."
        ) % {"newest": self.newest}
        self.add_error(None, ValidationError(message, code="stale"))


def newest_version(name: str) -> int | None:
    """The newest version of that name, or None."""
    newest = UserTaskDef.objects.named(name).newest_first().first()
    return newest.version if newest else None


RULE_KEYS = frozenset(rule.key for rule in INPUTS)
IN_SHOW_IF = frozenset({"show_if", *TESTS, ANSWERED})

PARTS = ("name", "type", "display_name", "description", "required", "validation", "presentation")
"""What a field consists of."""


RuleFields: Any = type("RuleFields", (forms.Form,), {rule.key: rule.form_field() for rule in INPUTS})
"""A form of the inputs for what a field mostly says of its answers and of itself."""


class FieldForm(FieldModelForm, RuleFields):  # type: ignore[misc]
    """One field. Whether its name is taken is a matter of the form as a whole, not of what is in the database.

    What its inputs say is laid into `validation` and `presentation` when the form is cleaned.
    """

    name = forms.CharField(label=_("Name"), strip=False, help_text=_("The key of the answer in the results."))
    display_name = forms.CharField(
        label=_("Display name"), strip=False, required=False, help_text=_("What people read; the name if blank.")
    )
    description = LongText(label=_("Description"), help_text=_("A hint beside the question."))
    validation = JsonObject(
        label=_("Validation"),
        help_text=_('What an answer may be, as far as no input above says it: {"choices": [" a "]}'),
    )
    presentation = JsonObject(
        label=_("Presentation"), help_text=_('How the form asks, as far as no input above says it: {"rows": 4}')
    )
    show_if_field = forms.CharField(
        label=_("Only if"), strip=False, required=False, help_text=_("Name of another field.")
    )
    show_if_test = forms.ChoiceField(label=_("Is asked"), choices=CONDITIONS, required=False)
    show_if_value = forms.CharField(label=_("What"), strip=False, required=False)
    order = forms.IntegerField(
        label=_("Order"), required=False, help_text=_("15 comes between 10 and 20; a blank one comes last.")
    )

    class Meta:
        model = UserTaskField
        fields = PARTS

    def validate_unique(self) -> None:
        """See the class."""

    def validate_constraints(self) -> None:
        """See the class."""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if kind := FIELD_TYPES.get(values.get("type", "")):
            for rule in INPUTS:
                self._take(rule, kind)
        return values

    def _take(self, rule: RuleInput, kind: FieldType) -> None:
        text = self.cleaned_data.get(rule.key)
        if not text:
            return
        if not rule.fits(kind):
            self.add_error(rule.key, ValidationError(_("Is not for this type."), code="unknown_field"))
        else:
            self._lay(rule.part, rule.key, rule.read(kind, text), beside=rule.key)

    def _lay(self, part: str, key: str, value: Any, *, beside: str) -> None:
        """Lay what an input says into the part of the field that it belongs to."""
        rules = self.cleaned_data.get(part)
        if rules is None:  # the JSON cannot be read, which is said there
            return
        if key in rules:
            message = _("Stands in the JSON as %(key)s too: leave it in one of the two.") % {"key": key}
            self.add_error(beside, ValidationError(message, code="twice"))
        else:
            rules[key] = value

    def take_condition(self, kinds: Mapping[str, FieldType]) -> None:
        """Lay the typed `show_if` into the presentation; `kinds` are the types of all the fields by name."""
        name, test, value = (self.cleaned_data.get(part) for part in SHOW_IF)
        if test and not name:
            self.add_error("show_if_field", ValidationError(_("Name the field that decides."), code="required"))
        elif (name or value) and not test:
            self.add_error(
                "show_if_test", ValidationError(_("Say when, or clear what stands beside."), code="required")
            )
        elif name:
            self._lay("presentation", "show_if", show_if_read(self.cleaned_data, kinds), beside="show_if_field")

    def place_of(self, part: str, fault: Fault) -> str:
        """The input that a fault of a part is about: such a fault begins with the key, in quotation marks."""
        said = re.match(r"'(\w+)'", fault.message)
        key = said[1] if said else ""
        if part == "presentation" and self.cleaned_data.get("show_if_test") and key in IN_SHOW_IF:
            return SHOW_IF[0]
        return key if self.cleaned_data.get(key) and key in RULE_KEYS else part

    def field(self) -> UserTaskField:
        """The row that was typed in, unsaved; parts that cannot be read are as if blank."""
        parts = {part: self.cleaned_data[part] for part in PARTS if part in self.cleaned_data}
        return UserTaskField(**parts)

    def sort_key(self) -> float:
        order = self.cleaned_data.get("order")
        return math.inf if order is None else order


class FieldFormSet(FieldModelFormSet):
    """The fields of a definition: each time all of them are new, since each time they belong to a new version."""

    def initial_form_count(self) -> int:
        return 0 if self.is_bound else super().initial_form_count()

    def kept(self) -> list[FieldForm]:
        """The forms that were filled in and not struck out, in the order that was typed."""
        forms_in_order: list[FieldForm] = []
        for form in self.forms:
            assert isinstance(form, FieldForm)
            if form.has_changed() and not form.cleaned_data.get(DELETION_FIELD_NAME):
                forms_in_order.append(form)
        return sorted(forms_in_order, key=FieldForm.sort_key)

    def fields_put(self) -> list[UserTaskField]:
        return [form.field() for form in self.kept()]

    def validate_unique(self) -> None:
        """`clean` does."""

    def clean(self) -> None:
        """Put what the domain says of each part beside it."""
        kept = self.kept()
        kinds = kinds_of({form.cleaned_data.get("name", ""): form.cleaned_data.get("type") for form in kept})
        for form in kept:
            form.take_condition(kinds)
        for where, faults in faults_of_definition("any-name", [form.field() for form in kept], "").items():
            _, *place = where.split(".")
            if not place:
                raise ValidationError([error_of(fault) for fault in faults])
            form, part = kept[int(place[0])], place[1]
            if part not in form.errors:
                add_faults(form, {form.place_of(part, faults[0]): faults})
