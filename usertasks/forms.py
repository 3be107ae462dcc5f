"""The form that a definition describes: the inbox fills it in, the admin previews it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from .answers import check_results, defaults_of
from .conditions import Condition, conditions_of, hidden_among
from .controls import FileInput, PersonInput, size_of
from .errors import Fault, Faults
from .fieldtypes import type_of
from .presentation import text_of
from .validation import Field

PREFIX = "results"
HIDING = frozenset({"date", "time", "datetime-local"})
"""The inputs of HTML that show nothing where the text is not theirs."""


class Answer(forms.BoundField):
    """A field of a task's form, with what decides whether it is asked for."""

    form: TaskForm

    @property
    def condition(self) -> Condition | None:
        return self.form.conditions.get(self.name)

    def value(self) -> Any:
        if self.name in self.form.kept:
            return self.field.prepare_value(self.initial)
        return super().value()

    def _has_changed(self) -> bool:
        return self.name not in self.form.kept and super()._has_changed()  # type: ignore[misc]

    @property
    def is_hidden_now(self) -> bool:
        """Whether its condition does not hold for the answers as they are."""
        return self.name in self.form.hidden_names


@dataclass(frozen=True)
class Section:
    """Neighbours under one heading, which may be none; `anchor` is the heading's place in the page."""

    heading: str
    anchor: str
    answers: list[Answer]


class TaskForm(forms.Form):
    """The questions of a definition, answered with what a run has saved; bound, it gives `results`.

    An answer that was not touched, or not asked for, stays exactly as it is stored, however coarsely its control
    shows it. While nothing is saved at all, the form begins with the defaults. `people` are suggested where a person is
    asked for. Fields that are `kept` show and keep what is stored, whatever was sent.
    """

    bound_field_class = Answer

    def __init__(
        self,
        fields: Sequence[Field],
        results: Mapping[str, Any],
        data: Mapping[str, Any] | None = None,
        files: MultiValueDict[str, UploadedFile[Any]] | None = None,
        *,
        must_be_complete: bool = False,
        people: Sequence[str] = (),
        kept: Collection[str] = (),
    ) -> None:
        self.questions, self.kept = fields, kept
        self.required_names = frozenset(field.name for field in fields if field.required)
        self.conditions = conditions_of(fields)
        self.saved = results
        self.begun = results or defaults_of(fields)
        self.must_be_complete = must_be_complete
        self.results: dict[str, Any] = {}
        """What was answered, as JSON values in normal form; filled when the form is validated."""
        initial = {
            field.name: type_of(field).shown(field, self.begun[field.name])
            for field in fields
            if self.begun.get(field.name) is not None
        }
        super().__init__(data, files, prefix=PREFIX, initial=initial)
        for field in fields:
            self.fields[field.name] = self._control(field, people)

    def _control(self, field: Field, people: Sequence[str]) -> forms.Field:
        control, kind = type_of(field).control(field), type_of(field)
        control.help_text = "\n".join(filter(None, [field.description, kind.hint(field)]))
        widget = control.widget
        if field.required and not widget.use_fieldset:  # ARIA knows no required radio button
            widget.attrs["aria-required"] = "true"
        if isinstance(widget, PersonInput):
            widget.people = people
        if isinstance(widget, FileInput):
            widget.saved_size = size_of(self.saved.get(field.name) or "")
        return control

    @cached_property
    def hidden_names(self) -> set[str]:
        """The fields that the answers as they are leave out: as typed, else as saved."""
        if self.is_bound:
            self.is_valid()  # fills `results`
        return hidden_among(self.questions, self.results if self.is_bound else self.begun)

    @cached_property
    def sections(self) -> list[Section]:
        """The form in pieces: neighbours that name the same section belong together."""
        pieces = groupby(self.questions, key=lambda field: text_of(field, "section"))
        return [
            Section(heading, f"section-{number}", [cast(Answer, self[field.name]) for field in fields])
            for number, (heading, fields) in enumerate(pieces, start=1)
        ]

    @property
    def headings(self) -> list[Section]:
        """What a table of contents would list: nothing where there is only one."""
        found = [section for section in self.sections if section.heading]
        return found if len(found) > 1 else []

    def _clean_fields(self) -> None:
        """Turn what the browser sent into JSON values, field by field, then hold them all to the definition."""
        answers: dict[str, Any] = {}
        unreadable: dict[str, list[ValidationError]] = {}
        for field in self.questions:
            try:
                answers[field.name] = self._answer(field)
            except ValidationError as refusal:
                unreadable[field.name] = [_in_our_words(error) for error in refusal.error_list]
        self.results, faults = check_results(self.questions, answers, must_be_complete=self.must_be_complete)
        hidden = hidden_among(self.questions, self.results)
        for name, errors in unreadable.items():
            if name not in hidden:
                self.add_error(name, ValidationError(errors))
        self.add_faults({name: found for name, found in faults.items() if name not in unreadable})
        self._let_mistakes_be_seen()

    def _answer(self, field: Field) -> Any:
        """The JSON value that the browser sent for a field, None for none. Raises `ValidationError`."""
        bound = self[field.name]
        if field.name in self.kept:
            return self.saved.get(field.name)
        if bound.field.widget.value_omitted_from_data(self.data, self.files, bound.html_name):
            return self.saved.get(field.name)
        if bound.initial is not None and not bound.field.has_changed(bound.initial, bound.data):
            return self.begun[field.name]
        cleaned = bound.field.clean(bound.data)
        return None if cleaned is None or cleaned == "" else type_of(field).from_form(cleaned)

    def _let_mistakes_be_seen(self) -> None:
        """Show as text what the browser's own control would hide, such as a date that is none."""
        for name, errors in self.errors.as_data().items():
            widget = self.fields[name].widget if name in self.fields else None
            if isinstance(widget, forms.DateTimeInput | forms.TextInput) and widget.input_type in HIDING:
                widget.input_type = "text" if errors[0].code == "invalid" else widget.input_type

    def add_faults(self, faults: Faults) -> None:
        """Put each fault beside its field; one that belongs to none goes to the top."""
        for name, found in faults.items():
            for fault in found:
                self.add_error(name if name in self.fields else None, _as_error(fault))


def _in_our_words(error: ValidationError) -> ValidationError:
    """The same error with a code of `Fault`."""
    codes = {"invalid_choice": "not_a_choice", "wrong_type": "wrong_type", "out_of_range": "out_of_range"}
    return ValidationError(error.message, code=codes.get(error.code or "", "invalid"), params=error.params)


def _as_error(fault: Fault) -> ValidationError:
    message = _("Please answer this") if fault.code == "required" else fault.message[:1].upper() + fault.message[1:]
    return ValidationError(message + ".", code=fault.code)
