"""The one registry of field types.

For each type of the contract: check a value, make the form control, show a value to a person, describe it in JSON
Schema, and name the slot of LittleHorse's `VariableValue` that carries it. Nothing else in the project asks what type a
field has. A value is plain JSON throughout (`datetime` and `bytes` only exist inside form controls).
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from . import controls, json_text
from .errors import Fault
from .validation import KEYWORDS, TIME, Field, Wrong, apply_rules, flaw_of_rules

INT64 = (-(2**63), 2**63 - 1)
EXACT = 2.0**53
"""Below this a double says which integer was meant."""
MAX_BYTES = 1024 * 1024
"""The largest value of a `BYTES` field, in bytes before base64: results travel as one JSON document."""


class FieldType:
    """One type. Subclasses say how a value is read; the rules of `validation` are applied here."""

    slot: ClassVar[str]
    json_type: ClassVar[str | list[str]]
    rules: ClassVar[frozenset[str]] = frozenset()

    def read(self, value: Any) -> Any:
        """`value` in its normal form. Raises `Wrong`."""
        raise NotImplementedError

    def check(self, value: Any, validation: Mapping[str, Any]) -> Any:
        """`value` in its normal form, within the field's rules. Raises `Wrong`."""
        normal = self.read(value)
        apply_rules({rule: self.bound(rule, bound) for rule, bound in validation.items()}, self.measure(normal))
        return normal

    def measure(self, normal: Any) -> Any:
        """What the rules of `validation` are applied to."""
        return normal

    def bound(self, rule: str, bound: Any) -> Any:
        """A bound of a rule, in the form that `measure` gives."""
        if rule == "choices":
            return [self.read(choice) for choice in bound]
        return self.read(bound) if rule in ("min", "max") else bound

    def control(self, field: Field) -> forms.Field:
        """The form control that asks for a value; its `clean` gives what `from_form` takes."""
        raise NotImplementedError

    def to_form(self, value: Any) -> Any:
        """What the control shows for a stored value."""
        return value

    def from_form(self, value: Any) -> Any:
        """The JSON value for what the control cleaned; never called for an empty control."""
        return value

    def show(self, value: Any) -> str:
        """A stored value as a person reads it."""
        return str(value)

    def content(self, value: Any) -> bytes | None:
        """The file that a stored value is, or None where it is none."""
        return None

    def schema(self, field: Field) -> dict[str, Any]:
        """JSON Schema 2020-12 of one value."""
        return {"type": self.json_type} | {KEYWORDS[rule]: bound for rule, bound in field.validation.items()}


class Text(FieldType):
    slot, json_type = "str", "string"
    rules = frozenset({"choices", "min_length", "max_length", "pattern", "format"})

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong("wrong_type", "must be a string")
        if flaw := json_text.flaw_of_text(value):
            raise Wrong("invalid", flaw)
        return value

    def control(self, field: Field) -> forms.Field:
        return controls.text(field)

    def schema(self, field: Field) -> dict[str, Any]:
        schema = super().schema(field)
        if schema.get("format") == "time":
            del schema["format"]
            schema["allOf"] = [{"pattern": f"^{TIME}$"}]
        return schema


class Integer(FieldType):
    slot, json_type = "int", "integer"
    rules = frozenset({"choices", "min", "max"})

    def read(self, value: Any) -> int:
        # 3.0 is the integer 3 in JSON (RFC 8259 section 6, JSON Schema 2020-12 section 4.2.3); true is a boolean.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong("wrong_type", "must be an integer")
        if isinstance(value, float):
            if not abs(value) < EXACT:
                raise Wrong("out_of_range", "must fit into 64 bits, and be written without a point or an exponent")
            if not value.is_integer():
                raise Wrong("wrong_type", "must be an integer")
        if not INT64[0] <= int(value) <= INT64[1]:
            raise Wrong("out_of_range", "must fit into 64 bits")
        return int(value)

    def control(self, field: Field) -> forms.Field:
        return controls.number(field, forms.IntegerField, step="1")

    def schema(self, field: Field) -> dict[str, Any]:
        return {"minimum": INT64[0], "maximum": INT64[1]} | super().schema(field)


class Double(FieldType):
    slot, json_type = "double", "number"
    rules = frozenset({"choices", "min", "max"})

    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong("wrong_type", "must be a number")
        try:
            widened = float(value)
        except OverflowError:
            widened = math.inf
        if not math.isfinite(widened):
            raise Wrong("out_of_range", "must be a finite number")
        return widened

    def control(self, field: Field) -> forms.Field:
        return controls.number(field, forms.FloatField, step="any")


class Boolean(FieldType):
    slot, json_type = "bool", "boolean"

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Wrong("wrong_type", "must be true or false")
        return value

    def control(self, field: Field) -> forms.Field:
        return controls.yes_or_no(field)

    def to_form(self, value: Any) -> str:
        return "true" if value else "false"

    def from_form(self, value: Any) -> bool:
        return bool(value == "true")

    def show(self, value: Any) -> str:
        return str(_("Yes") if value else _("No"))


class JsonContainer(FieldType):
    """An object or an array; anything JSON may be inside."""

    python_type: ClassVar[type]
    rules = frozenset({"min_length", "max_length"})

    def read(self, value: Any) -> Any:
        if not isinstance(value, self.python_type):
            raise Wrong("wrong_type", f"must be a JSON {self.json_type}")
        if flaw := json_text.flaw_of(value):
            raise Wrong("invalid", flaw)
        return value

    def control(self, field: Field) -> forms.Field:
        return controls.json_value(field, self.python_type, str(self.json_type))

    def show(self, value: Any) -> str:
        return controls.pretty(value)

    def schema(self, field: Field) -> dict[str, Any]:
        kind = "Properties" if self.python_type is dict else "Items"
        bounds = {"min" + kind: field.validation.get("min_length"), "max" + kind: field.validation.get("max_length")}
        return {"type": self.json_type} | {key: bound for key, bound in bounds.items() if bound is not None}


class JsonObject(JsonContainer):
    slot, json_type, python_type = "json_obj", "object", dict


class JsonArray(JsonContainer):
    slot, json_type, python_type = "json_arr", "array", list


class Timestamp(FieldType):
    slot, json_type = "utc_timestamp", "string"
    rules = frozenset({"min", "max"})
    shape = re.compile(
        r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,100})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
    )  # RFC 3339 section 5.6

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong("wrong_type", "must be an RFC 3339 date and time with an offset, such as 2026-11-21T09:30:00Z")
        return self.written(self.moment(value))

    def moment(self, value: str) -> datetime:
        """The moment that an RFC 3339 text names, in UTC, to the microsecond."""
        if not self.shape.fullmatch(value):
            raise Wrong("invalid", "must be an RFC 3339 date and time with an offset, such as 2026-11-21T09:30:00Z")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except ValueError:
            raise Wrong("invalid", "is no date and time of the calendar") from None
        except OverflowError:
            raise Wrong("out_of_range", "must lie within the years 1 to 9999 in UTC") from None

    def measure(self, normal: Any) -> datetime:
        return self.moment(normal)

    def bound(self, rule: str, bound: Any) -> datetime:
        return self.moment(bound)

    def written(self, moment: datetime) -> str:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def control(self, field: Field) -> forms.Field:
        return controls.moment(field)

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
        return date_format(self.to_form(value), "DATETIME_FORMAT")

    def schema(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class Bytes(FieldType):
    slot, json_type = "bytes", "string"
    rules = frozenset({"min_length", "max_length"})

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong("wrong_type", "must be a string in base64")
        return base64.b64encode(self.content(value)).decode()

    def content(self, value: Any) -> bytes:
        try:
            content = base64.b64decode(value.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise Wrong("invalid", "must be base64 (RFC 4648, with padding)") from None
        if len(content) > MAX_BYTES:
            raise Wrong("out_of_range", f"must have at most {MAX_BYTES} bytes")
        return content

    def measure(self, normal: Any) -> bytes:
        return self.content(normal)

    def control(self, field: Field) -> forms.Field:
        return controls.file(field, MAX_BYTES)

    def to_form(self, value: Any) -> str:
        return controls.FileInput.saved

    def show(self, value: Any) -> str:
        return str(_("A file of %(size)d bytes") % {"size": len(self.content(value))})

    def schema(self, field: Field) -> dict[str, Any]:
        group = "[A-Za-z0-9+/]"
        pattern = f"^({group}{{4}})*({group}{{2}}==|{group}{{3}}=)?$"
        return {
            "type": "string",
            "contentEncoding": "base64",
            "pattern": pattern,
            "maxLength": 4 * ((MAX_BYTES + 2) // 3),
        }


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


def check_results(
    fields: Sequence[Field], results: Mapping[str, Any], *, must_be_complete: bool
) -> tuple[dict[str, Any], dict[str, list[Fault]]]:
    """The results in normal form, and everything that is wrong with them, by field.

    `results` is laid out as the contract says: field name to JSON value; null means no value, and is left out.
    """
    known = {field.name: field for field in fields}
    normal: dict[str, Any] = {}
    faults: dict[str, list[Fault]] = {
        name: [Fault("unknown_field", "is not a field of this task")] for name in results if name not in known
    }
    for name, field in known.items():
        value = results.get(name)
        if value is None:
            if field.required and must_be_complete:
                faults[name] = [Fault("required", "is required")]
            continue
        try:
            normal[name] = type_of(field).check(value, field.validation)
        except Wrong as wrong:
            faults[name] = [wrong.fault]
    return normal, faults


def schema_of(fields: Sequence[Field]) -> dict[str, Any]:
    """JSON Schema 2020-12 of the results of a definition."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            field.name: {
                "title": field.display_name or field.name,
                **({"description": field.description} if field.description else {}),
                **type_of(field).schema(field),
            }
            for field in fields
        },
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def flaws_of_field(field: Field) -> dict[str, str]:
    """What is wrong with the `validation` and the `presentation` of a field themselves, by part."""
    flaws = {"validation": _flaw_of_validation(field), "presentation": _flaw_of_object(field.presentation)}
    return {part: flaw for part, flaw in flaws.items() if flaw}


def _flaw_of_object(value: Any) -> str | None:
    return json_text.flaw_of(value) if isinstance(value, dict) else "must be an object"


def _flaw_of_validation(field: Field) -> str | None:
    if flaw := _flaw_of_object(field.validation):
        return flaw
    kind = type_of(field)
    for rule, bound in field.validation.items():
        if rule not in kind.rules:
            allowed = ", ".join(sorted(kind.rules)) or "none"
            return f"{rule!r} is no rule for {field.type} (there are: {allowed})"
        if flaw := flaw_of_rules(rule, bound, kind.read):
            return flaw
    for low, high in (("min", "max"), ("min_length", "max_length")):
        bounds = [kind.bound(rule, field.validation[rule]) for rule in (low, high) if rule in field.validation]
        if bounds != sorted(bounds):
            return f"{low!r} is above {high!r}"
    return None
