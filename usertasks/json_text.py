"""JSON as it travels: reading it strictly, and writing it so that equal values are equal texts."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import orjson
from django.utils.translation import gettext as _

from .errors import Malformed

MAX_DEPTH = 64
"""How deep objects and arrays may be nested. SQLite's JSON functions stop at 1,000, many clients before that."""


INTEGERS = (-(2**63), 2**64 - 1)
"""The integers that are taken: what most readers of JSON keep digit by digit."""


def stored_number(digits: str) -> int | float:
    """The number that an integer in the database stands for: one past `INTEGERS` was a double."""
    if len(digits) > len(str(INTEGERS[0])):
        return float(digits)
    value = int(digits)
    return value if INTEGERS[0] <= value <= INTEGERS[1] else float(value)


class Decoder(json.JSONDecoder):
    """Reads what is stored: PostgreSQL writes the double 1e22 as an integer of 23 digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"parse_int": stored_number, **kwargs})


def read(text: bytes | str) -> Any:
    """The value that `text` says. Raises `Malformed`: no UTF-8, no JSON, NaN, a key given twice, or nested too deep."""
    try:
        spelled = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        value = json.loads(spelled, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise Malformed(_("The JSON is nested deeper than %(number)s levels.") % {"number": MAX_DEPTH}) from None
    except ValueError as problem:  # JSONDecodeError, UnicodeDecodeError and integers of thousands of digits
        raise Malformed(_("This is not JSON: %(problem)s.") % {"problem": problem}) from None
    if _depth(value) > MAX_DEPTH:
        raise Malformed(_("The JSON is nested deeper than %(number)s levels.") % {"number": MAX_DEPTH})
    return value


LARGE_NUMBER = re.compile(r"[0-9]{19}")
"""What may be past `INTEGERS`: a number that needs a closer look. (So may the digits of a text; no harm is done.)"""


def passed(text: str) -> Any:
    """Stored JSON for `write` to pass on as it stands; nothing is read that nobody looks at."""
    return json.loads(text, cls=Decoder) if LARGE_NUMBER.search(text) else orjson.Fragment(text)


def as_json(value: Any) -> Any:
    """The same value in JSON's own types: moments become RFC 3339 strings in UTC."""
    return orjson.loads(write(value))


def write(value: Any) -> bytes:
    """The value as UTF-8 JSON, its moments as RFC 3339 strings in UTC."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def canonical(value: Any) -> str:
    """The one text of a JSON value, whatever the order of its keys and the form of its numbers."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def flaw_of_text(text: str) -> str | None:
    """Why `text` cannot be stored, or None: PostgreSQL takes no NUL, and UTF-8 no lone surrogate."""
    if "\0" in text:
        return _("contains a NUL character")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return _("contains half of a surrogate pair")
    return None


def flaw_of(value: Any, depth: int = 1) -> str | None:
    """Why a JSON value cannot be stored, or None: see `flaw_of_text`, numbers that no reader keeps, depth."""
    match value:
        case str():
            return flaw_of_text(value)
        case float():
            return None if math.isfinite(value) else _("contains a number that is not finite")
        case int():
            return None if INTEGERS[0] <= value <= INTEGERS[1] else _("contains an integer past 64 bits")
        case dict():
            parts = [*value.keys(), *value.values()]
        case list():
            parts = value
        case _:
            return None
    if depth > MAX_DEPTH:
        return _("is nested deeper than %(number)s levels") % {"number": MAX_DEPTH}
    return next((flaw for part in parts if (flaw := flaw_of(part, depth + 1))), None)


def _plain(value: Any) -> Any:
    """The same value with whole doubles as integers: 1.0 and 1 are equal, and databases do not keep which it was."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case _:
            return value


def _depth(value: Any) -> int:
    """Levels of nesting, counted without recursion; stops as soon as it is too deep."""
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [part for item in containers for part in (item.values() if isinstance(item, dict) else item)]
        depth += bool(containers)
    return depth


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is given twice in one object")
    return value
