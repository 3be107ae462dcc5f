"""JSON Schema 2020-12 of the results of a definition: what `check_results` takes of results that are to be complete.

A field with a condition is described in the branch where the condition holds: where it does not, anything is taken and
nothing kept. What no schema can say: the limits of a `TIMESTAMP`, what cannot be stored inside of JSON (NUL, numbers
past 64 bits, more than 64 levels), and the spelling of a number (the integer 10000000000000000 is not written as 1e16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .answers import defaults_of
from .conditions import Condition, conditions_of
from .fieldtypes import type_of
from .validation import Field


def schema_of(fields: Sequence[Field]) -> dict[str, Any]:
    """The schema; null is the same as no answer."""
    conditions = conditions_of(fields)
    defaults = defaults_of(fields)
    places = {field.name: f"shown-{position}" for position, field in enumerate(fields) if field.name in conditions}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            field.name: _title(field, defaults) | ({} if field.name in conditions else _value(field))
            for field in fields
        },
        "required": [field.name for field in fields if field.required and field.name not in conditions],
        "additionalProperties": False,
    }
    if not conditions:
        return schema
    branches = [_branch(field, places[field.name]) for field in fields if field.name in conditions]
    return schema | {
        "allOf": branches,
        "$defs": {places[name]: _shown(condition, places) for name, condition in conditions.items()},
    }


def _title(field: Field, defaults: Mapping[str, Any]) -> dict[str, Any]:
    notes = {"description": field.description, "default": defaults.get(field.name)}
    title = {"title": field.display_name or field.name}
    return title | {key: note for key, note in notes.items() if note not in ("", None)}


def _value(field: Field) -> dict[str, Any]:
    """The schema of the value; of an optional one also null."""
    schema = type_of(field).schema(field)
    if field.required:
        return schema
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | choices


def _branch(field: Field, place: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"properties": {field.name: _value(field)}}
    if field.required:
        asked["required"] = [field.name]
    return {"if": {"$ref": f"#/$defs/{place}"}, "then": asked}


def _shown(condition: Condition, places: Mapping[str, str]) -> dict[str, Any]:
    """The results in which a condition holds: a field that is not shown itself counts as not answered."""
    passes = condition.schema()
    if place := places.get(condition.on.name):
        passes = {"allOf": [{"$ref": f"#/$defs/{place}"}, passes]}
    return {"not": passes} if condition.is_negative else passes
