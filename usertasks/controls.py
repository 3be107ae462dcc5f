"""The form controls: how a page asks for each kind of value.

Every control takes whatever a browser sends and either cleans it or refuses it with a `ValidationError`; whether an
answer is required, and what its limits are, is not decided here (see `fieldtypes.check_results`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from .errors import Malformed
from .json_text import read
from .validation import Field

LONG_TEXT = 120
"""A text that may be longer than this many characters is asked for in several lines, unless a widget is named."""


def common(field: Field) -> dict[str, Any]:
    """What every control says of its field."""
    return {
        "label": field.display_name or field.name,
        "help_text": field.description,
        "required": False,
    }


def _attributes(field: Field, **more: Any) -> dict[str, Any]:
    placeholder = field.presentation.get("placeholder")
    return {"placeholder": placeholder, **more} if isinstance(placeholder, str) else more


def _is_long(field: Field) -> bool:
    widget = field.presentation.get("widget")
    return widget == "textarea" or (widget is None and field.validation.get("max_length", 0) > LONG_TEXT)


INPUT_TYPES = {"email": "email", "uri": "url", "date": "date", "time": "time"}
"""`format` of a text → type of the HTML input."""


def text(field: Field) -> forms.Field:
    """A line, several lines, or a choice."""
    if "choices" in field.validation:
        return choice(field)
    if _is_long(field):
        widget: forms.Widget = forms.Textarea(attrs=_attributes(field, rows=5))
    else:
        widget = forms.TextInput(attrs=_attributes(field, type=INPUT_TYPES.get(field.validation.get("format"), "text")))
    return Line(widget=widget, strip=False, **common(field))


class Line(forms.CharField):
    """Text exactly as typed; nothing but white space counts as no answer.

    Browsers send every line break as CR LF (HTML, form submission); it is kept as LF.
    """

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.to_python(initial), self.to_python(data))

    def clean(self, value: Any) -> str | None:
        cleaned = super().clean(value)
        return cleaned if cleaned and cleaned.strip() else None


def choice(field: Field) -> forms.Field:
    """One of the choices of the field, as a list to open or, when asked for, as radio buttons."""
    values = {json.dumps(value): value for value in field.validation["choices"]}
    options = [(key, str(value)) for key, value in values.items()]

    def value_of(key: str) -> Any:
        if key not in values:
            raise ValueError(key)
        return values[key]

    is_radio = field.presentation.get("widget") == "radio"
    return forms.TypedChoiceField(
        choices=options if is_radio else [("", "—"), *options],
        coerce=value_of,
        empty_value=None,
        widget=forms.RadioSelect if is_radio else forms.Select,
        **common(field),
    )


def key_of(field: Field, value: Any) -> str | None:
    """What `choice` shows for a stored value, or None if that is no choice."""
    return next((json.dumps(choice) for choice in field.validation["choices"] if choice == value), None)


def number(field: Field, kind: type[forms.IntegerField], step: str) -> forms.Field:
    """A number, or a choice of numbers."""
    if "choices" in field.validation:
        return choice(field)
    limits = {name: field.validation[name] for name in ("min", "max") if name in field.validation}
    return kind(widget=forms.NumberInput(attrs=_attributes(field, step=step, **limits)), **common(field))


def yes_or_no(field: Field) -> forms.Field:
    """Two radio buttons: unlike a tick box they tell "no" from "not answered yet"."""
    options = [("true", _("Yes")), ("false", _("No"))]
    unanswered = [] if field.required else [("", _("No answer"))]
    return forms.ChoiceField(choices=[*options, *unanswered], widget=forms.RadioSelect, **common(field))


class MomentField(forms.DateTimeField):
    """A date and time in the person's time zone."""

    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"})


def moment(field: Field) -> forms.Field:
    """A date with a time."""
    return MomentField(**common(field))


def pretty(value: Any) -> str:
    """JSON for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


class JsonField(forms.Field):
    """JSON of one type, typed as text; what is wrong is said with its line, and the text stays as it was typed."""

    def __init__(self, *, python_type: type, type_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.python_type = python_type
        self.type_name = type_name

    def prepare_value(self, value: Any) -> Any:
        return pretty(value) if isinstance(value, dict | list) else value

    def to_python(self, value: Any) -> Any:
        if not value or not value.strip():
            return None
        try:
            parsed = read(value)
        except Malformed as refusal:
            raise ValidationError(refusal.detail, code="invalid") from None
        if not isinstance(parsed, self.python_type):
            raise ValidationError(f"must be a JSON {self.type_name}", code="wrong_type")
        return parsed


def json_value(field: Field, python_type: type, type_name: str) -> forms.Field:
    """An object or array, typed as JSON."""
    widget = forms.Textarea(attrs=_attributes(field, rows=6, spellcheck="false", **{"class": "code"}))
    return JsonField(python_type=python_type, type_name=type_name, widget=widget, **common(field))


class FileInput(forms.FileInput):
    """A file that survives the page being shown again: browsers never refill a file input, so what was sent stays in a
    hidden input beside it (`saved` stands for the value that the run already has)."""

    template_name = "components/file_input.html"
    kept, removed, saved = "-kept", "-removed", "saved"
    max_bytes = 0
    saved_url = ""
    """Where the saved file can be had; a page that knows the run says so."""

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, UploadedFile[Any]], name: str
    ) -> Any:
        if upload := files.get(name):
            return upload
        return None if data.get(name + self.removed) else data.get(name + self.kept)

    def value_omitted_from_data(
        self, data: Mapping[str, Any], files: MultiValueDict[str, UploadedFile[Any]], name: str
    ) -> bool:
        return name not in files and name + self.kept not in data

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        if isinstance(value, UploadedFile):
            value = _content(value) if value.size and value.size <= self.max_bytes else None
        context["widget"]["kept"] = {"name": name + self.kept, "value": value} if value else None
        context["widget"]["saved_url"] = self.saved_url if value == self.saved else ""
        context["widget"]["removed"] = name + self.removed
        return context


class FileField(forms.Field):
    """A file, cleaned to its base64."""

    widget = FileInput

    def __init__(self, *, max_bytes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_bytes = self.widget.max_bytes = max_bytes

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data

    def to_python(self, value: Any) -> Any:
        if isinstance(value, UploadedFile):
            if not value.size:
                raise ValidationError(_("is empty"), code="invalid")
            if value.size > self.max_bytes:
                raise ValidationError(
                    _("must have at most %(max)d bytes") % {"max": self.max_bytes}, code="out_of_range"
                )
            return _content(value)
        return value or None


def _content(upload: UploadedFile[Any]) -> str:
    upload.seek(0)
    return base64.b64encode(upload.read()).decode()


def file(field: Field, max_bytes: int) -> forms.Field:
    """A file of at most `max_bytes`."""
    return FileField(max_bytes=max_bytes, **common(field))
