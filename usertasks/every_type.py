"""The demo's definition that shows every type of field, every way to ask for it, and what an answer looks like."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

PLANETS = ("Alderaan", "Coruscant", "Dagobah", "Kamino", "Naboo", "Tatooine")
SKILLS = ("Diplomacy", "Piloting", "Swordsmanship", "Something else")


def _fields(section: str, *fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a section, optional unless they say otherwise."""
    return [
        {"required": False, **field, "presentation": {"section": section, **field.get("presentation", {})}}
        for field in fields
    ]


EVERY_TYPE: Sequence[dict[str, Any]] = [
    *_fields(
        "Words",
        {
            "name": "text",
            "type": "STR",
            "display_name": "Short text",
            "required": True,
            "validation": {"max_length": 80},
            "presentation": {"placeholder": "Hello there"},
        },
        {
            "name": "longText",
            "type": "STR",
            "display_name": "Long text",
            "presentation": {"widget": "textarea", "rows": 4},
        },
        {"name": "email", "type": "STR", "display_name": "E-mail", "validation": {"format": "email"}},
        {
            "name": "website",
            "type": "STR",
            "display_name": "Web address",
            "validation": {"format": "uri"},
            "presentation": {"placeholder": "https://temple.example"},
        },
        {
            "name": "callSign",
            "type": "STR",
            "display_name": "Call sign",
            "description": "Two capital letters, a hyphen and a number, such as AB-12.",
            "validation": {"pattern": "^[A-Z]{2}-[0-9]+$"},
        },
        {
            "name": "person",
            "type": "STR",
            "display_name": "Companion",
            "description": "Somebody of your group, or anybody else.",
            "presentation": {"widget": "person"},
        },
    ),
    *_fields(
        "Choices",
        {"name": "choice", "type": "STR", "display_name": "One of a few", "validation": {"choices": list(PLANETS)}},
        {
            "name": "urgency",
            "type": "INT",
            "display_name": "One of three",
            "validation": {"choices": [1, 2, 3]},
            "presentation": {"widget": "radio", "default": 2},
        },
        {
            "name": "skills",
            "type": "JSON_ARR",
            "display_name": "Some of a few",
            "validation": {"choices": list(SKILLS), "max_length": 3},
        },
        {
            "name": "otherSkill",
            "type": "STR",
            "display_name": "Which other?",
            "required": True,
            "presentation": {"show_if": {"field": "skills", "contains": SKILLS[-1]}},
        },
        {"name": "yesOrNo", "type": "BOOL", "display_name": "Yes or no"},
        {
            "name": "whyNot",
            "type": "STR",
            "display_name": "Why not?",
            "required": True,
            "validation": {"max_length": 500},
            "presentation": {"show_if": {"field": "yesOrNo", "equals": False}},
        },
    ),
    *_fields(
        "Numbers and times",
        {"name": "whole", "type": "INT", "display_name": "Whole number", "validation": {"min": 0, "max": 10}},
        {"name": "decimal", "type": "DOUBLE", "display_name": "Decimal number"},
        {"name": "day", "type": "STR", "display_name": "Day", "validation": {"format": "date"}},
        {"name": "hour", "type": "STR", "display_name": "Time of day", "validation": {"format": "time"}},
        {
            "name": "moment",
            "type": "TIMESTAMP",
            "display_name": "Date and time",
            "validation": {"min": "2020-01-01T00:00:00Z"},
        },
    ),
    *_fields(
        "Files and data",
        {"name": "file", "type": "BYTES", "display_name": "File"},
        {"name": "object", "type": "JSON_OBJ", "display_name": "JSON object", "presentation": {"rows": 5}},
        {"name": "list", "type": "JSON_ARR", "display_name": "JSON array", "presentation": {"rows": 5}},
    ),
]

EVERY_ANSWER = {
    "text": "Hello there",
    "longText": "I have the high ground.\nDon't try it.",
    "email": "obiwan@temple.example",
    "website": "https://temple.example/archives",
    "callSign": "OB-1",
    "person": "anakin",
    "choice": "Naboo",
    "urgency": 3,
    "skills": ["Diplomacy", "Something else"],
    "otherSkill": "Patience",
    "yesOrNo": False,
    "whyNot": "Only a Sith deals in absolutes.",
    "whole": 7,
    "decimal": 3.25,
    "day": "2026-05-04",
    "hour": "10:00",
    "moment": "2026-05-04T10:00:00Z",
    "object": {"planet": "Naboo", "moons": 3},
    "list": ["Ohma-D'un", "Rori", "Tasia"],
    "file": base64.b64encode(b"These are not the droids you are looking for.\n").decode(),
}
