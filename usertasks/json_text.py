"""JSON as it travels: reading it strictly, and writing it so that equal values are equal texts."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from .errors import Malformed

MAX_DEPTH = 64
"""How deep objects and arrays may be nested. SQLite's JSON functions stop at 1,000, many clients before that."""


def read(text: bytes | str) -> Any:
    """The value that `text` says. Raises `Malformed`: no UTF-8, no JSON, NaN, a key given twice, or nested too deep."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise Malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError as problem:  # JSONDecodeError, UnicodeDecodeError and integers of thousands of digits
        raise Malformed(f"The body is not JSON: {problem}.") from None
    if _depth(value) > MAX_DEPTH:
        raise Malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    return value


def canonical(value: Any) -> str:
    """The one text of a JSON value: equal values, whatever the order of their keys, give equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def flaw_of_text(text: str) -> str | None:
    """Why `text` cannot be stored, or None: PostgreSQL takes no NUL, and UTF-8 no lone surrogate."""
    if "\0" in text:
        return "contains a NUL character"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "contains half of a surrogate pair"
    return None


def flaw_of(value: Any, depth: int = 1) -> str | None:
    """Why a JSON value cannot be stored, or None: see `flaw_of_text`, numbers past a double, depth."""
    match value:
        case str():
            return flaw_of_text(value)
        case float():
            return None if math.isfinite(value) else "contains a number that is not finite"
        case dict():
            parts = [*value.keys(), *value.values()]
        case list():
            parts = value
        case _:
            return None
    if depth > MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} levels"
    return next((flaw for part in parts if (flaw := flaw_of(part, depth + 1))), None)


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
