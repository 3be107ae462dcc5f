"""The rules that the `validation` of a field may hold: what each demands of a value, and which bounds make sense.

`min`, `max` and `choices` speak of the value (of a list, `choices` are what may be in it), `min_length` and
`max_length` of its length (characters, bytes, items), `pattern` is a regular expression that occurs somewhere in a text
(as in JSON Schema), `format` a name of `FORMATS`, of a file one of its `KINDS`. Patterns are RE2's: no look-around and
no back-references, and in return no text makes one take for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import re2
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from .errors import Fault
from .signatures import KINDS, is_of_kind

MAX_CHOICES = 1000
MAX_PATTERN = 1000
RE2_OPTIONS = re2.Options()
RE2_OPTIONS.log_errors = False


class Field(Protocol):
    """A field of a form, as `UserTaskField` stores it."""

    name: Any
    type: Any
    display_name: Any
    description: Any
    required: Any
    validation: Any
    presentation: Any


class Wrong(Exception):
    """A value that a field refuses; carries the fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, message)


def apply_rules(bounds: Mapping[str, Any], value: Any) -> None:
    """Hold a value to rules. Raises `Wrong`."""
    for rule, bound in bounds.items():
        RULES[rule](value, bound)


def flaw_of_rules(rule: str, bound: Any, read: Callable[[Any], Any], formats: Collection[str]) -> str | None:
    """Why `bound` makes no sense for `rule`, or None; `read` refuses, with `Wrong`, what is no value of the type, and
    `formats` are those that the type has."""
    if rule in ("min", "max"):
        return (
            None if _is_readable(bound, read) else _("'%(rule)s' must be a value of the field's type") % {"rule": rule}
        )
    if rule == "choices":
        is_list = isinstance(bound, list) and 0 < len(bound) <= MAX_CHOICES
        if is_list and all(_is_readable(choice, read) for choice in bound):
            return None
        return _("'choices' must be a list of 1 to %(number)s values of the field's type") % {"number": MAX_CHOICES}
    if rule == "pattern":
        return (
            None
            if _is_pattern(bound)
            else _("'pattern' must be a regular expression (RE2) of at most %(number)s characters")
            % {"number": MAX_PATTERN}
        )
    if rule == "format":
        is_format = isinstance(bound, str) and bound in formats
        return None if is_format else _("'format' must be one of: %(formats)s") % {"formats": ", ".join(formats)}
    is_length = isinstance(bound, int) and not isinstance(bound, bool) and bound >= 0
    return None if is_length else _("'%(rule)s' must be a whole number from 0") % {"rule": rule}


def _is_readable(bound: Any, read: Callable[[Any], Any]) -> bool:
    try:
        read(bound)
    except Wrong:
        return False
    return True


def _is_pattern(bound: Any) -> bool:
    if not isinstance(bound, str) or len(bound) > MAX_PATTERN:
        return False
    try:
        re2.compile(bound, RE2_OPTIONS)
    except re2.error:
        return False
    return True


def _choices(value: Any, choices: list[Any]) -> None:
    if value not in choices:
        raise Wrong("not_a_choice", _("must be one of: %(choices)s") % {"choices": ", ".join(map(str, choices))})


def _min(value: Any, bound: Any) -> None:
    if value < bound:
        raise Wrong("out_of_range", _("must be at least %(bound)s") % {"bound": bound})


def _max(value: Any, bound: Any) -> None:
    if value > bound:
        raise Wrong("out_of_range", _("must be at most %(bound)s") % {"bound": bound})


LENGTHS: Mapping[type, Any] = {
    str: ngettext_lazy("%(number)d character", "%(number)d characters", "number"),
    bytes: ngettext_lazy("%(number)d byte", "%(number)d bytes", "number"),
    list: ngettext_lazy("%(number)d item", "%(number)d items", "number"),
    dict: ngettext_lazy("%(number)d property", "%(number)d properties", "number"),
}
"""What the length of a value counts."""


def length_in_words(kind: type, length: int) -> str:
    """The length of a value of that kind, as people say it: "3 characters"."""
    return str(LENGTHS[kind] % {"number": length})


def _min_length(value: Any, bound: int) -> None:
    if len(value) < bound:
        raise Wrong(
            "out_of_range", _("must have at least %(length)s") % {"length": length_in_words(type(value), bound)}
        )


def _max_length(value: Any, bound: int) -> None:
    if len(value) > bound:
        raise Wrong("out_of_range", _("must have at most %(length)s") % {"length": length_in_words(type(value), bound)})


def _pattern(value: str, pattern: str) -> None:
    if not re2.search(pattern, value, RE2_OPTIONS):
        raise Wrong("invalid", _("must match %(pattern)s") % {"pattern": pattern})


def _format(value: str | bytes, name: str) -> None:
    if isinstance(value, bytes):
        if not is_of_kind(value, name):
            raise Wrong("invalid", _("must be %(kind)s") % {"kind": KINDS[name].words})
        return
    shape, example = FORMATS[name]
    if not re2.fullmatch(shape, value, RE2_OPTIONS):
        raise Wrong("invalid", _("must be written like %(example)s") % {"example": example})


RULES: Mapping[str, Callable[[Any, Any], None]] = {
    "choices": _choices,
    "min": _min,
    "max": _max,
    "min_length": _min_length,
    "max_length": _max_length,
    "pattern": _pattern,
    "format": _format,
}
"""Rule → what holds a value to it. Raises `Wrong`."""

KEYWORDS: Mapping[str, str] = {
    "choices": "enum",
    "min": "minimum",
    "max": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "format": "format",
}
"""Rule → keyword of JSON Schema 2020-12."""

_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DAY = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])"
DATE = f"(?:{_YEAR}-(?:{_DAY})|{_LEAP_YEAR}-02-29)"
"""The days of the calendar from the year 1 to 9999."""
TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
"""Hours and minutes, as a browser sends them: the `time` of JSON Schema is another, with seconds and an offset."""
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
EMAIL = rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+"
"""What HTML calls a valid e-mail address (its section on `type=email`), with a dot in the domain."""
_HOST = r"(?:[^\x00-,/:-@\[-^`{-\x7f]+|\[[0-9A-Fa-f:.]+\])"
URI = rf'(?:[Hh][Tt][Tt][Pp]|[Ff][Tt][Pp])[Ss]?://{_HOST}(?::[0-9]{{1,5}})?(?:[/?#][^\x00-\x20"<>\\^`{{|}}\x7f]*)?'
"""An address that a link may lead to: never a script, and nobody's name and password in it."""

FORMATS: Mapping[str, tuple[str, str]] = {
    "email": (EMAIL, "name@example.com"),
    "uri": (URI, "https://example.com/page"),
    "date": (DATE, "2026-11-21"),
    "time": (TIME, "09:30"),
}
"""Name of a `format` → the regular expression that the whole text matches, and an example. The expressions mean the
same to RE2, to Python and to JSON Schema (ECMA 262): a definition's schema can say exactly what is checked."""


def whole(expression: str) -> str:
    """The pattern, for JSON Schema, of texts that match as a whole; to Python alone `$` also means "before a last line
    break"."""
    return f"^(?:{expression})$(?!\\n)"
