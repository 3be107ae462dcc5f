"""JSON Schema of a number of bytes in base64: the length of the text says it in threes, the padding says the rest."""

from __future__ import annotations

from typing import Any

from .validation import whole

GROUP = "[A-Za-z0-9+/]"
BASE64 = whole(f"(?:{GROUP}{{4}})*(?:{GROUP}{{2}}==|{GROUP}{{3}}=)?")


def schema_of_base64(least: int, most: int) -> dict[str, Any]:
    """The texts that stand for `least` to `most` bytes."""
    schema: dict[str, Any] = {
        "type": "string",
        "contentEncoding": "base64",
        "pattern": BASE64,
        "maxLength": 4 * -(-most // 3),
    }
    if least:
        schema["minLength"] = 4 * -(-least // 3)
    exactly = [*_not_below(least), *_not_above(most)]
    return schema | ({"allOf": exactly} if exactly else {})


def _not_below(least: int) -> list[dict[str, Any]]:
    """Among texts that are long enough, the shortest may still be padded too much."""
    padded = {0: "=", 2: "=="}.get(least % 3)
    if not least or padded is None:
        return []
    longer = {"minLength": 4 * -(-least // 3) + 1}
    return [{"anyOf": [longer, {"not": {"pattern": f"{padded}$"}}]}]


def _not_above(most: int) -> list[dict[str, Any]]:
    """Among texts that are short enough, the longest may still be padded too little."""
    padded = {1: "==", 2: "="}.get(most % 3)
    if padded is None:
        return []
    shorter = {"maxLength": 4 * (most // 3)}
    return [{"anyOf": [shorter, {"pattern": f"{padded}$"}]}]
