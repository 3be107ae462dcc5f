"""Inputs for what `validation` and `presentation` of a field mostly say; JSON remains for the rest.

Each input owns one key. What it can write so that it reads back the same stands in it, everything else in the JSON; a
key that is given in both places is refused, so that the two never disagree unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import json_text
from ..conditions import ANSWERED
from ..errors import Malformed
from ..fieldtype import FieldType
from ..fieldtypes import FIELD_TYPES
from ..presentation import WIDGETS
from ..signatures import KINDS
from ..validation import FORMATS, Wrong

NO_ANSWER = "no answer"
"""The test of a condition that the other field has none: `answered` false."""


@dataclass(frozen=True)
class RuleInput:
    """An input of the form for one key of an open-ended part. `widget` says how it looks."""

    part: str
    key: str
    label: Any
    help_text: Any = ""
    widget: type[forms.Widget] = forms.TextInput
    attributes: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def form_field(self) -> forms.Field:
        common: dict[str, Any] = {"label": self.label, "help_text": self.help_text, "required": False}
        if self.options:
            choices = [("", _("as usual")), *((option, option) for option in self.options)]
            return forms.ChoiceField(choices=choices, **common)
        return forms.CharField(strip=False, widget=self.widget(attrs=dict(self.attributes)), **common)

    @property
    def is_list(self) -> bool:
        return self.key == "choices"

    def fits(self, kind: FieldType) -> bool:
        """Whether a field of that type can have the rule."""
        if self.part == "validation":
            return self.key in kind.rules
        return self.key != "default" or kind.has_default

    def read(self, kind: FieldType, text: str) -> Any:
        """The value that was typed; whether it makes sense, the domain says."""
        if not self.is_list:
            return value_of(text, kind.read) if self.key in OF_THE_TYPE else _json_or_text(text, self)
        lines = (line.strip() for line in text.replace("\r\n", "\n").split("\n"))
        return [value_of(line, kind.read_choice) for line in lines if line]

    def write(self, kind: FieldType, value: Any) -> str | None:
        """The text that reads back as this value, or None where there is none."""
        if value is None or not self.fits(kind):
            return None
        is_list = self.is_list and isinstance(value, list)
        text = "\n".join(map(text_of_value, value)) if is_list else text_of_value(value)
        if not text or "\r" in text or (self.options and text not in self.options):
            return None
        if "\n" in text and not issubclass(self.widget, forms.Textarea):
            return None
        return text if _is_same(self.read(kind, text), value) else None


OF_THE_TYPE = frozenset({"min", "max", "default"})
"""The keys whose value is one of the field's own type; of the others those in `NUMBERS` are numbers, the rest texts."""
NUMBERS = frozenset({"min_length", "max_length"})


def _json_or_text(text: str, rule: RuleInput) -> Any:
    return parsed(text) if rule.key in NUMBERS else text


def value_of(text: str, read: Any) -> Any:
    """The text itself where it is a value of the type (`read` refuses, with `Wrong`, what is none), else what it says
    as JSON, else the text again: then the domain says what is wrong with it."""
    try:
        read(text)
    except Wrong:
        return parsed(text)
    return text


def parsed(text: str) -> Any:
    """What a text says as JSON; the text where it is none."""
    try:
        return json_text.read(text)
    except Malformed:
        return text


def text_of_value(value: Any) -> str:
    """A value as somebody would type it."""
    return value if isinstance(value, str) else json_text.write(value).decode()


LINES: Mapping[str, Any] = {"rows": 3, "cols": 30, "spellcheck": "false"}
SHORT: Mapping[str, Any] = {"size": 12, "autocomplete": "off"}
CODE: Mapping[str, Any] = {"spellcheck": "false", "autocapitalize": "none", "class": "json"}

INPUTS: tuple[RuleInput, ...] = (
    RuleInput("validation", "choices", _("Choices"), _("One on each line."), forms.Textarea, LINES),
    RuleInput("validation", "min", _("Least"), attributes=SHORT),
    RuleInput("validation", "max", _("Most"), attributes=SHORT),
    RuleInput("validation", "min_length", _("Shortest length"), attributes=SHORT),
    RuleInput("validation", "max_length", _("Longest length"), attributes=SHORT),
    RuleInput(
        "validation", "pattern", _("Pattern"), _("A regular expression that occurs in the text."), attributes=CODE
    ),
    RuleInput("validation", "format", _("Format"), options=(*FORMATS, *KINDS)),
    RuleInput("presentation", "section", _("Section"), _("A heading that neighbours share.")),
    RuleInput("presentation", "widget", _("Control"), options=tuple(sorted(WIDGETS))),
    RuleInput("presentation", "placeholder", _("Placeholder"), _("What an empty control shows.")),
    RuleInput("presentation", "default", _("Begins with"), attributes=SHORT),
)

SHOW_IF = ("show_if_field", "show_if_test", "show_if_value")
"""The inputs of `show_if` {"field": …, test: value}."""
CONDITIONS = [
    ("", _("always")),
    ("equals", _("is")),
    ("contains", _("includes")),
    (ANSWERED, _("is answered")),
    (NO_ANSWER, _("has no answer")),
]


def show_if_written(show_if: Any, kinds: Mapping[str, FieldType]) -> dict[str, str] | None:
    """What to type for a condition on one of these fields, by name; None where the inputs cannot say it."""
    if not isinstance(show_if, dict) or show_if.get("field") not in kinds or len(show_if) != 2:
        return None
    [test] = show_if.keys() - {"field"}
    operand = show_if[test]
    said, text = test, text_of_value(operand)
    if test == ANSWERED:
        said, text = (ANSWERED if operand else NO_ANSWER), ""
    typed = {"show_if_field": show_if["field"], "show_if_test": said, "show_if_value": text}
    is_said = said in dict(CONDITIONS) and not set("\r\n") & set(text)
    return typed if is_said and _is_same(show_if_read(typed, kinds), show_if) else None


def show_if_read(typed: Mapping[str, Any], kinds: Mapping[str, FieldType]) -> dict[str, Any]:
    """The condition that was typed, on one of these fields by name; its field and its test are there."""
    name, test, text = (typed.get(part) or "" for part in SHOW_IF)
    if test in (ANSWERED, NO_ANSWER):
        return {"field": name, ANSWERED: test == ANSWERED}
    kind = kinds.get(name)
    if kind is None:
        return {"field": name, test: text}
    return {"field": name, test: value_of(text, kind.read_choice if test == "contains" else kind.read)}


def kinds_of(types: Mapping[str, Any]) -> dict[str, FieldType]:
    """Name of a field → its type, of those whose type is known."""
    return {name: FIELD_TYPES[kind] for name, kind in types.items() if kind in FIELD_TYPES}


def typed_of_field(content: Mapping[str, Any], kinds: Mapping[str, FieldType]) -> dict[str, Any]:
    """A field (`UserTaskField.content`) as somebody would have typed it into the inputs, and the rest of it as JSON."""
    rest = {part: dict(content[part]) for part in ("validation", "presentation")}
    typed: dict[str, Any] = {}
    for rule in INPUTS:
        written = rule.write(kinds[content["name"]], rest[rule.part].get(rule.key))
        if written is not None:
            typed[rule.key] = written
            del rest[rule.part][rule.key]
    if condition := show_if_written(rest["presentation"].get("show_if"), kinds):
        typed |= condition
        del rest["presentation"]["show_if"]
    return {**content, **rest, **typed}


def _is_same(one: Any, other: Any) -> bool:
    return json_text.canonical(one) == json_text.canonical(other)
