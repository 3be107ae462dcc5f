"""The form with which a definition is put: its own parts, and one small form for each of its fields."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME

from ..models import UserTaskDef, UserTaskField
from ..operations.definitions import faults_of_definition
from .form_parts import JsonObject, add_faults, error_of
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

    description = LongText(rows=3, help_text="For whoever fills in the form.")
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
            self.add_error(None, ValidationError("Please correct the timers.", code="timers"))
        if not self.is_preview:
            self._refuse_when_stale(values.get("newest_seen"))
        return values

    def _refuse_when_stale(self, seen: int | None) -> None:
        """Say once that there is a newer version now; who saves again has been told."""
        if None in (seen, self.newest) or seen == self.newest:
            return
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data[self.add_prefix("newest_seen")] = str(self.newest)  # type: ignore[index]
        message = (
            f"Version {self.newest} was put since you opened this page: look at it first. "
            "Saving again puts what stands here on top of it."
        )
        self.add_error(None, ValidationError(message, code="stale"))


def newest_version(name: str) -> int | None:
    """The newest version of that name, or None."""
    newest = UserTaskDef.objects.named(name).newest_first().first()
    return newest.version if newest else None


PARTS = ("name", "type", "display_name", "description", "required", "validation", "presentation")
"""What a field consists of."""


class FieldForm(FieldModelForm):
    """One field. Whether its name is taken is a matter of the form as a whole, not of what is in the database."""

    name = forms.CharField(strip=False, help_text="The key of the answer in the results.")
    display_name = forms.CharField(strip=False, required=False, help_text="What people read; the name if blank.")
    description = LongText(help_text="A hint beside the question.")
    validation = JsonObject(
        help_text='What an answer may be, as JSON: {"choices": ["a", "b"]}, {"min": 1}, {"max_length": 80}'
    )
    presentation = JsonObject(help_text='How the form asks, as JSON: {"widget": "textarea"}, {"placeholder": "…"}')
    order = forms.IntegerField(required=False, help_text="15 comes between 10 and 20; a blank one comes last.")

    class Meta:
        model = UserTaskField
        fields = PARTS

    def validate_unique(self) -> None:
        """See the class."""

    def validate_constraints(self) -> None:
        """See the class."""

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
        for where, faults in faults_of_definition("any-name", [form.field() for form in kept], "").items():
            _, *place = where.split(".")
            if not place:
                raise ValidationError([error_of(fault) for fault in faults])
            form, part = kept[int(place[0])], place[1]
            if part not in form.errors:
                add_faults(form, {part: faults})
