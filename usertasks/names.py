"""How the names that programs use read to people."""

from __future__ import annotations

import re

WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")


def readable(name: str) -> str:
    """`it-request` and `itRequest` as "It request"."""
    words = WORD_STARTS.sub("-", name).split("-")
    lowered = [word.lower() if word.istitle() else word for word in words if word]
    text = " ".join(lowered)
    return text[:1].upper() + text[1:]
