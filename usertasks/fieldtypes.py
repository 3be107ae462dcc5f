"""The one registry of field types.

For each type of the contract: check a value, make the form control, show a value to a person, describe it in JSON
Schema, say what a form may do with it, and name the slot of LittleHorse's `VariableValue` that carries it. Nothing else
in the project asks what type a field has. A value is plain JSON throughout (`datetime` and `bytes` only exist inside
form controls).
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from . import controls, json_text
from .base64_schema import schema_of_base64
from .fieldtype import FieldType
from .locales import exact
from .presentation import LONG_TEXT, between, between_lengths, size_in_words, widget_of
from .signatures import KINDS, pattern_of
from .validation import DATE, FORMATS, TIME, Field, Wrong, length_in_words, whole

INT64 = (-(2**63), 2**63 - 1)
EXACT = 2.0**53
"""Below this a double says which integer was meant."""
MAX_BYTES = 1024 * 1024
"""The largest value of a `BYTES` field, in bytes before base64: results travel as one JSON document."""


class Text(FieldType):
    slot, json_type = "str", "string"
    rules = frozenset({"choices", "min_length", "max_length", "pattern", "format"})

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong("wrong_type", _("must be a string"))
        if flaw := json_text.flaw_of_text(value):
            raise Wrong("invalid", flaw)
        return value

    def widgets(self, field: Field) -> tuple[str, ...]:
        if "choices" in field.validation:
            return "select", "radio"
        if "format" in field.validation:
            return ("text",)
        is_long = field.validation.get("max_length", 0) > LONG_TEXT
        return ("textarea", "text", "person") if is_long else ("text", "textarea", "person")

    def control(self, field: Field) -> forms.Field:
        return controls.text(field, widget_of(field, self.widgets(field)))

    def hint(self, field: Field) -> str:
        is_chosen = "choices" in field.validation
        return "" if is_chosen else between_lengths(field, partial(length_in_words, str))

    def schema(self, field: Field) -> dict[str, Any]:
        schema = super().schema(field)
        if name := schema.pop("format", None):
            # The word of JSON Schema for an address in any script is another, and its `time` is not ours.
            schema |= {"uri": {"format": "iri"}, "time": {}}.get(name, {"format": name})
            return schema | {"allOf": [{"pattern": whole(FORMATS[name][0])}]}
        return schema if "enum" in schema else schema | {"allOf": [{"pattern": r"^[^\u0000]*$"}]}


class Number(FieldType):
    form_field: ClassVar[type[forms.IntegerField]]
    limits: ClassVar[tuple[float, float]]
    """The least and the greatest there is."""
    rules = frozenset({"choices", "min", "max"})

    def widgets(self, field: Field) -> tuple[str, ...]:
        return ("select", "radio") if "choices" in field.validation else ("number",)

    def control(self, field: Field) -> forms.Field:
        return controls.number(field, self.form_field, widget_of(field, self.widgets(field)))

    def schema(self, field: Field) -> dict[str, Any]:
        return {"minimum": self.limits[0], "maximum": self.limits[1]} | super().schema(field)


class Integer(Number):
    slot, json_type = "int", "integer"
    form_field = forms.IntegerField
    limits = INT64

    def read(self, value: Any) -> int:
        # 3.0 is the integer 3 in JSON (RFC 8259 section 6, JSON Schema 2020-12 section 4.2.3); true is a boolean.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong("wrong_type", _("must be an integer"))
        if isinstance(value, float):
            if not abs(value) < EXACT:
                raise Wrong("out_of_range", _("must fit into 64 bits, and be written without a point or an exponent"))
            if not value.is_integer():
                raise Wrong("wrong_type", _("must be an integer"))
        if not INT64[0] <= int(value) <= INT64[1]:
            raise Wrong("out_of_range", _("must fit into 64 bits"))
        return int(value)


class Double(Number):
    slot, json_type = "double", "number"
    form_field = forms.FloatField
    limits = (-sys.float_info.max, sys.float_info.max)

    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong("wrong_type", _("must be a number"))
        try:
            widened = float(value)
        except OverflowError:
            widened = math.inf
        if not math.isfinite(widened):
            raise Wrong("out_of_range", _("must be a finite number"))
        return widened

    def show(self, value: Any) -> str:
        return str(int(value)) if value == int(value) and abs(value) < EXACT else str(value)


class Boolean(FieldType):
    slot, json_type = "bool", "boolean"

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Wrong("wrong_type", _("must be true or false"))
        return value

    def widgets(self, field: Field) -> tuple[str, ...]:
        return "radio", "select"

    def control(self, field: Field) -> forms.Field:
        return controls.yes_or_no(field, widget_of(field, self.widgets(field)))

    def to_form(self, value: Any) -> str:
        return "true" if value else "false"

    def show(self, value: Any) -> str:
        return _("Yes") if value else _("No")


class JsonContainer(FieldType):
    """An object or an array; anything JSON may be inside."""

    python_type: ClassVar[type]
    rules = frozenset({"min_length", "max_length"})
    tests: ClassVar[tuple[str, ...]] = ()

    def read(self, value: Any) -> Any:
        if not isinstance(value, self.python_type):
            raise Wrong("wrong_type", _("must be a JSON %(type)s") % {"type": self.json_type})
        if flaw := json_text.flaw_of(value):
            raise Wrong("invalid", flaw)
        return value

    def widgets(self, field: Field) -> tuple[str, ...]:
        return ("textarea",)

    def control(self, field: Field) -> forms.Field:
        return controls.json_value(field, self.python_type, self.json_type)

    def show(self, value: Any) -> str:
        return controls.pretty(value)

    def schema(self, field: Field) -> dict[str, Any]:
        kind = "Properties" if self.python_type is dict else "Items"
        bounds = {"min" + kind: field.validation.get("min_length"), "max" + kind: field.validation.get("max_length")}
        return {"type": self.json_type} | {key: bound for key, bound in bounds.items() if bound is not None}


class JsonObject(JsonContainer):
    slot, json_type, python_type = "json_obj", "object", dict

    def hint(self, field: Field) -> str:
        return between_lengths(field, partial(length_in_words, dict))


class JsonArray(JsonContainer):
    """With `choices` a list of several of them, each once, kept in the order of the choices."""

    slot, json_type, python_type = "json_arr", "array", list
    rules = frozenset({"choices", "min_length", "max_length"})
    tests = ("contains",)

    def check(self, value: Any, validation: Mapping[str, Any]) -> Any:
        normal = super().check(value, {rule: bound for rule, bound in validation.items() if rule != "choices"})
        return _picked(normal, validation["choices"]) if "choices" in validation else normal

    def read_choice(self, choice: Any) -> Any:
        return self.read([choice])[0]

    def widgets(self, field: Field) -> tuple[str, ...]:
        return ("checkboxes",) if "choices" in field.validation else super().widgets(field)

    def control(self, field: Field) -> forms.Field:
        return controls.several(field) if "choices" in field.validation else super().control(field)

    def hint(self, field: Field) -> str:
        return between_lengths(field, partial(length_in_words, list))

    def shown(self, field: Field, value: Any) -> Any:
        return controls.keys_of(value) if "choices" in field.validation else value

    def show(self, value: Any) -> str:
        is_plain = isinstance(value, list) and all(isinstance(item, str) and item and "," not in item for item in value)
        return ", ".join(value) if is_plain and value else super().show(value)

    def schema(self, field: Field) -> dict[str, Any]:
        choices = field.validation.get("choices")
        return super().schema(field) | ({"items": {"enum": choices}, "uniqueItems": True} if choices else {})


def _picked(items: list[Any], choices: list[Any]) -> list[Any]:
    """The choices that `items` names, in their own order. Raises `Wrong`."""
    known = {json_text.canonical(choice): choice for choice in choices}
    picked = [json_text.canonical(item) for item in items]
    if not known.keys() >= set(picked):
        raise Wrong(
            "not_a_choice", _("must be a list of some of: %(choices)s") % {"choices": ", ".join(map(str, choices))}
        )
    if len(picked) != len(set(picked)):
        raise Wrong("invalid", _("must name each choice once"))
    return [choice for key, choice in known.items() if key in picked]


class Timestamp(FieldType):
    slot, json_type = "utc_timestamp", "string"
    rules = frozenset({"min", "max"})
    tests = ()
    shape = f"{DATE}[Tt]{TIME}:[0-5][0-9](?:\\.[0-9]{{1,100}})?(?:[Zz]|[+-]{TIME})"
    """RFC 3339 section 5.6, and the calendar."""
    pattern = re.compile(shape)

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong(
                "wrong_type", _("must be an RFC 3339 date and time with an offset, such as 2026-11-21T09:30:00Z")
            )
        return self.written(self.moment(value))

    def moment(self, value: str) -> datetime:
        """The moment that an RFC 3339 text names, in UTC, to the microsecond."""
        if not self.pattern.fullmatch(value):
            raise Wrong("invalid", _("must be an RFC 3339 date and time with an offset, such as 2026-11-21T09:30:00Z"))
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except OverflowError:
            raise Wrong("out_of_range", _("must lie within the years 1 to 9999 in UTC")) from None

    def measure(self, normal: Any) -> datetime:
        return self.moment(normal)

    def bound(self, rule: str, bound: Any) -> datetime:
        return self.moment(bound)

    def written(self, moment: datetime) -> str:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def widgets(self, field: Field) -> tuple[str, ...]:
        return ("datetime",)

    def control(self, field: Field) -> forms.Field:
        limits = {rule: self.to_form(field.validation[rule]) for rule in ("min", "max") if rule in field.validation}
        return controls.moment(field, limits)

    def hint(self, field: Field) -> str:
        words = {"min": _("Not before %(moment)s."), "max": _("Not after %(moment)s.")}
        bounds = [(rule, field.validation[rule]) for rule in words if rule in field.validation]
        return " ".join(words[rule] % {"moment": self.show(bound)} for rule, bound in bounds)

    def to_form(self, value: Any) -> datetime:
        moment = self.moment(value)
        try:
            return timezone.localtime(moment)
        except OverflowError:  # the first and the last day of the calendar are in no other time zone
            return moment

    def from_form(self, value: Any) -> str:
        try:
            return self.written(value)
        except OverflowError:  # `check` says what is wrong with it
            return str(value.isoformat())

    def show(self, value: Any) -> str:
        return exact(self.to_form(value))

    def schema(self, field: Field) -> dict[str, Any]:
        """All but the limits: no keyword of JSON Schema compares moments, so they are notes for those who know them."""
        notes = {"min": "formatMinimum", "max": "formatMaximum"}
        limits = {notes[rule]: self.read(bound) for rule, bound in field.validation.items()}
        return {"type": "string", "format": "date-time", "pattern": whole(self.shape)} | limits


class Bytes(FieldType):
    slot, json_type = "bytes", "string"
    rules = frozenset({"min_length", "max_length", "format"})
    formats = tuple(KINDS)
    tests = ()
    has_default = False

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong("wrong_type", _("must be a string in base64"))
        return base64.b64encode(self.content(value)).decode()

    def content(self, value: Any) -> bytes:
        try:
            content = binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
        except (binascii.Error, UnicodeEncodeError):
            raise Wrong("invalid", _("must be base64 (RFC 4648, with padding)")) from None
        if len(value) != 4 * -(-len(content) // 3):  # more padding than there is to fill
            raise Wrong("invalid", _("must be base64 (RFC 4648, with padding)"))
        if len(content) > MAX_BYTES:
            raise Wrong("out_of_range", _("must have at most %(number)s bytes") % {"number": MAX_BYTES})
        return content

    def measure(self, normal: Any) -> bytes:
        return self.content(normal)

    def widgets(self, field: Field) -> tuple[str, ...]:
        return ("file",)

    def control(self, field: Field) -> forms.Field:
        kind = KINDS.get(field.validation.get("format", ""))
        return controls.file(field, self._most(field), accept=kind.accept if kind else "")

    def hint(self, field: Field) -> str:
        low = field.validation.get("min_length")
        size = between(None if low is None else size_in_words(low), size_in_words(self._most(field)))
        kind = KINDS.get(field.validation.get("format", ""))
        return f"{capfirst(kind.words)}. {size}" if kind else size

    def to_form(self, value: Any) -> str:
        return controls.FileInput.saved

    def show(self, value: Any) -> str:
        return _("A file of %(size)s") % {"size": size_in_words(len(self.content(value)))}

    def schema(self, field: Field) -> dict[str, Any]:
        schema = schema_of_base64(field.validation.get("min_length", 0), self._most(field))
        if name := field.validation.get("format"):
            schema["allOf"] = [*schema.get("allOf", []), {"pattern": pattern_of(name)}]
        return schema

    def _most(self, field: Field) -> int:
        most: int = min(MAX_BYTES, field.validation.get("max_length", MAX_BYTES))
        return most


FIELD_TYPES: Mapping[str, FieldType] = {
    "STR": Text(),
    "INT": Integer(),
    "DOUBLE": Double(),
    "BOOL": Boolean(),
    "JSON_OBJ": JsonObject(),
    "JSON_ARR": JsonArray(),
    "TIMESTAMP": Timestamp(),
    "BYTES": Bytes(),
}


NAMES = [(name, name) for name in FIELD_TYPES]
"""The types as choices."""


def type_of(field: Field) -> FieldType:
    """The type of a field."""
    return FIELD_TYPES[field.type]
