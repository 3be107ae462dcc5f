"""The form that a definition describes: the inbox fills it in, the admin previews it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from .controls import key_of
from .errors import Fault, Faults
from .fieldtypes import check_results, type_of
from .validation import Field

PREFIX = "results"


class TaskForm(forms.Form):
    """The questions of a definition, answered with what a run has saved; bound, it gives `results`.

    An answer that was not touched, or not asked for, stays exactly as it is stored, however coarsely its control
    shows it.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        results: Mapping[str, Any],
        data: Mapping[str, Any] | None = None,
        files: MultiValueDict[str, UploadedFile[Any]] | None = None,
        *,
        must_be_complete: bool = False,
    ) -> None:
        self.questions = fields
        self.required_names = frozenset(field.name for field in fields if field.required)
        self.saved = results
        self.must_be_complete = must_be_complete
        self.results: dict[str, Any] = {}
        """What was answered, as JSON values in normal form; filled when the form is validated."""
        initial = {
            field.name: _shown(field, results[field.name]) for field in fields if results.get(field.name) is not None
        }
        super().__init__(data, files, prefix=PREFIX, initial=initial)
        for field in fields:
            self.fields[field.name] = type_of(field).control(field)
            widget = self.fields[field.name].widget
            if field.required and not widget.use_fieldset:  # ARIA knows no required radio button
                widget.attrs["aria-required"] = "true"

    def _clean_fields(self) -> None:
        """Turn what the browser sent into JSON values, field by field, then hold them all to the definition."""
        answers: dict[str, Any] = {}
        unreadable: set[str] = set()
        for field in self.questions:
            bound = self[field.name]
            is_omitted = bound.field.widget.value_omitted_from_data(self.data, self.files, bound.html_name)
            if bound.initial is not None and (is_omitted or not bound.field.has_changed(bound.initial, bound.data)):
                answers[field.name] = self.saved[field.name]
                continue
            try:
                cleaned = bound.field.clean(bound.data)
            except ValidationError as error:
                self.add_error(field.name, error)
                unreadable.add(field.name)
                continue
            if cleaned is not None and cleaned != "":
                answers[field.name] = type_of(field).from_form(cleaned)
        self.results, faults = check_results(self.questions, answers, must_be_complete=self.must_be_complete)
        self.add_faults({name: found for name, found in faults.items() if name not in unreadable})

    def add_faults(self, faults: Faults) -> None:
        """Put each fault beside its field; one that belongs to none goes to the top."""
        for name, found in faults.items():
            for fault in found:
                self.add_error(name if name in self.fields else None, _as_error(fault))


def _shown(field: Field, value: Any) -> Any:
    """What the control of a field shows for a stored value."""
    return key_of(field, value) if "choices" in field.validation else type_of(field).to_form(value)


def _as_error(fault: Fault) -> ValidationError:
    message = _("Please answer this") if fault.code == "required" else fault.message[:1].upper() + fault.message[1:]
    return ValidationError(message + ".", code=fault.code)
