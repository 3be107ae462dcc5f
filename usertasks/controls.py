"""The form controls: how a page asks for each kind of value.

Every control takes whatever a browser sends and either cleans it or refuses it with a `ValidationError`; whether an
answer is required, and what its limits are, is not decided here (see `fieldtypes.check_results`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from .errors import Malformed
from .json_text import canonical, read
from .presentation import rows_of, size_in_words, text_of
from .validation import Field
from .wall_clocks import MomentField


def common(field: Field) -> dict[str, Any]:
    """What every control says of its field."""
    return {
        "label": field.display_name or field.name,
        "help_text": field.description,
        "required": False,
    }


def _attributes(field: Field, **more: Any) -> dict[str, Any]:
    placeholder = text_of(field, "placeholder")
    return {"placeholder": placeholder, **more} if placeholder else more


FORMAT_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "email": {"type": "email", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    "uri": {"type": "url", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    "date": {"type": "date", "autocomplete": "off"},
    "time": {"type": "time", "autocomplete": "off"},
}
"""`format` of a text → attributes of the HTML input."""


def text(field: Field, widget: str) -> forms.Field:
    """A line, several lines, a person, or a choice."""
    if "choices" in field.validation:
        return choice(field, widget)
    return Line(widget=_text_widget(field, widget), strip=False, **common(field))


def _text_widget(field: Field, widget: str) -> forms.Widget:
    if widget == "textarea":
        return forms.Textarea(attrs=_attributes(field, rows=rows_of(field, usual=5)))
    if widget == "person":
        return PersonInput(attrs=_attributes(field, autocomplete="off", autocapitalize="none", spellcheck="false"))
    return forms.TextInput(attrs=_attributes(field, **FORMAT_ATTRIBUTES.get(field.validation.get("format"), {})))


class PersonInput(forms.TextInput):
    """A line for the name of a user, with suggestions; any name may be typed, for who exists is not ours to know."""

    template_name = "components/person_input.html"
    people: Sequence[str] = ()

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if self.people:
            context["people"] = self.people
            context["widget"]["attrs"]["list"] = f"{context['widget']['attrs']['id']}_people"
        return context


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


def choice(field: Field, widget: str) -> forms.Field:
    """One of the choices of the field, as a list to open or as radio buttons."""
    return _choice(field, _options(field), widget)


def _choice(field: Field, options: Mapping[str, tuple[str, Any]], widget: str) -> forms.Field:
    """`options` maps what a browser sends to a label and a value."""
    labels = [(key, label) for key, (label, _value) in options.items()]
    is_radio = widget == "radio"
    unanswered = [] if is_radio and field.required else [("", _("Unanswered") if is_radio else "—")]
    return forms.TypedChoiceField(
        choices=[*labels, *unanswered] if is_radio else [*unanswered, *labels],
        coerce=_reader(options),
        empty_value=None,
        widget=forms.RadioSelect if is_radio else forms.Select,
        **common(field),
    )


def _options(field: Field) -> dict[str, tuple[str, Any]]:
    labels = [(value if isinstance(value, str) else pretty(value), value) for value in field.validation["choices"]]
    return {canonical(value): (label, value) for label, value in labels}


def _reader(options: Mapping[str, tuple[str, Any]]) -> Callable[[str], Any]:
    def value_of(key: str) -> Any:
        if key not in options:
            raise ValueError(key)
        return options[key][1]

    return value_of


def key_of(field: Field, value: Any) -> str | None:
    """What `choice` shows for a stored value, or None if that is no choice."""
    return canonical(value) if canonical(value) in _options(field) else None


class Checkboxes(forms.CheckboxSelectMultiple):
    """Boxes to tick. A blank value goes along with them, so that "none of them" differs from "not asked"."""

    template_name = "components/checkboxes.html"

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        chosen = super().value_from_datadict(data, files, name)
        return [key for key in chosen if key] if isinstance(chosen, list) else chosen


class SeveralField(forms.TypedMultipleChoiceField):
    """Some of a few choices; none of them is no answer."""

    def clean(self, value: Any) -> Any:
        return super().clean(value) or None


def several(field: Field) -> forms.Field:
    """Any number of the choices of the field."""
    options = _options(field)
    return SeveralField(
        choices=[(key, label) for key, (label, _value) in options.items()],
        coerce=_reader(options),
        empty_value=None,
        widget=Checkboxes,
        **common(field),
    )


def keys_of(values: Sequence[Any]) -> list[str]:
    """What `several` shows for a stored list."""
    return [canonical(value) for value in values]


def number(field: Field, kind: type[forms.IntegerField], widget: str) -> forms.Field:
    """A number, or a choice of numbers.

    It is typed as text: of what is no number, a number input of HTML sends nothing at all, and it would be lost unseen.
    """
    if "choices" in field.validation:
        return choice(field, widget)
    is_whole = not issubclass(kind, forms.FloatField)
    # The small keyboards of phones have no minus.
    keyboard = {"inputmode": "numeric" if is_whole else "decimal"} if field.validation.get("min", -1) >= 0 else {}
    attributes = _attributes(field, autocomplete="off", **keyboard, **{"class": "number-input"})
    return kind(widget=forms.TextInput(attrs=attributes), **common(field))


def yes_or_no(field: Field, widget: str) -> forms.Field:
    """Two radio buttons: unlike a tick box they tell "no" from "not answered yet"."""
    return _choice(field, {"true": (str(_("Yes")), True), "false": (str(_("No")), False)}, widget)


def moment(field: Field, limits: Mapping[str, datetime]) -> forms.Field:
    """A date with a time; `limits` may have a `min` and a `max`, in the person's zone."""
    control = MomentField(**common(field))
    bounds = {name: limit.strftime("%Y-%m-%dT%H:%M:%S").zfill(19) for name, limit in limits.items()}
    control.widget.attrs |= _attributes(field, **bounds)
    return control


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
            raise ValidationError(_flaw_with_place(value) or refusal.detail, code="invalid") from None
        if not isinstance(parsed, self.python_type):
            raise ValidationError(_("must be a JSON %(type)s") % {"type": self.type_name}, code="wrong_type")
        return parsed


def _flaw_with_place(text: str) -> str | None:
    """Where a text stops being JSON, or None where it is JSON that something else is wrong with."""
    try:
        json.loads(text)
    except json.JSONDecodeError as problem:
        place = {"line": problem.lineno, "column": problem.colno, "problem": problem.msg}
        return str(_("This is not JSON. Line %(line)d, column %(column)d: %(problem)s.") % place)
    except (ValueError, RecursionError):
        pass
    return None


def json_value(field: Field, python_type: type, type_name: str) -> forms.Field:
    """An object or array, typed as JSON."""
    widget = forms.Textarea(
        attrs=_attributes(field, rows=rows_of(field, usual=6), spellcheck="false", **{"class": "code"})
    )
    return JsonField(python_type=python_type, type_name=type_name, widget=widget, **common(field))


class FileInput(forms.FileInput):
    """A file that survives the page being shown again: browsers never refill a file input, so what was sent stays in a
    hidden input beside it: in base64 or, where a page keeps it elsewhere, as the `reference` of the file; `saved`
    stands for the value that the run already has."""

    template_name = "components/file_input.html"
    kept, removed, saved = "-kept", "-removed", "saved"
    max_bytes = 0
    saved_url = ""
    """Where the saved file can be had; a page that knows the run says so."""
    saved_size = 0
    """Of the saved file, in bytes."""

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
        widget = context["widget"]
        widget["attrs"]["data-max-bytes"] = self.max_bytes
        widget["filename"] = value.name if isinstance(value, UploadedFile) else ""
        size = self.saved_size if value == self.saved else size_of(value)
        if isinstance(value, UploadedFile):
            is_sound = value.size and value.size <= self.max_bytes
            value = getattr(value, "reference", "") or (_content(value) if is_sound else None)
        elif is_reference(value):
            value = None  # to a file that is not here any more
        widget["kept"] = {"name": name + self.kept, "value": value} if value else None
        widget["size"] = size_in_words(size) if value else ""
        widget["is_saved"] = value == self.saved
        widget["saved_url"] = self.saved_url if value == self.saved else ""
        widget["removed"] = name + self.removed
        return context


def is_reference(value: Any) -> bool:
    """Whether it stands for a file that a page keeps elsewhere."""
    return isinstance(value, str) and value.startswith("upload:")


def size_of(value: Any) -> int:
    """How many bytes a file has, or a text in base64 stands for."""
    if isinstance(value, UploadedFile):
        return value.size or 0
    base64_text = value or ""
    return len(base64_text) * 3 // 4 - base64_text[-2:].count("=")


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
        if is_reference(value):
            raise ValidationError(_("is not here any more: please choose the file again"), code="invalid")
        return value or None


def _content(upload: UploadedFile[Any]) -> str:
    upload.seek(0)
    return base64.b64encode(upload.read()).decode()


def file(field: Field, max_bytes: int, *, accept: str = "") -> forms.Field:
    """A file of at most `max_bytes`; a browser offers those that it takes for one of the types in `accept`."""
    control = FileField(max_bytes=max_bytes, **common(field))
    if accept:
        control.widget.attrs["accept"] = accept
    return control
