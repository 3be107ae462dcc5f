"""What the forms of the admin have in common: JSON that is typed, and faults that the domain finds."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from ..controls import JsonField
from ..errors import Fault, Faults


class JsonObject(JsonField):
    """A JSON object; nothing typed is an empty one."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 3, "cols": 60, "spellcheck": "false", "class": "json"})
        super().__init__(python_type=dict, type_name="object", required=False, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "" if value == {} else super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value) or {}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(initial or {}, data))


def add_faults(form: forms.BaseForm, faults: Faults) -> None:
    """Put each fault beside its part of the form, or on top where the form does not ask for it."""
    for part, found in faults.items():
        if part not in form.errors:
            form.add_error(part if part in form.fields else None, [error_of(fault) for fault in found])


def error_of(fault: Fault) -> ValidationError:
    """The fault as Django says such things."""
    message = fault.message[:1].upper() + fault.message[1:]
    return ValidationError(message.replace("%", "%%") + ".", code=fault.code)
