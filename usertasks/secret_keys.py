"""Which secrets are none: too short, or known to everybody. The settings and the checks ask the same."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

SHORTEST = 32
"""Characters."""
LEAST_DIFFERENT = 5
"""Different characters, as Django's own check has it: `aaaa...` is no secret however long."""

HOW_TO_MAKE_ONE = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"

WORDS = (
    "django|insecure|unsafe|change|replace|please|set|secret|secrets|key|password|token|default|example|sample|"
    "placeholder|dummy|foo|bar|test|testing|dev|development|prod|production|debug|local|your|my|the|a|me|this|that|it|"
    "is|in|to|be|not|for|with|here|some|something|random|long|very|value|string|app|now|must|do|use|usertasks"
)
PLACEHOLDER = re.compile(rf"(?:django-insecure-.*|(?:(?:{WORDS})|[^a-z])*)", re.DOTALL)
"""What templates and tutorials begin with: Django's own mark, or words alone such as `change-me-in-production`."""


def is_placeholder(secret: str) -> bool:
    """Whether it was copied from somewhere, or typed, rather than made."""
    return len(set(secret)) < LEAST_DIFFERENT or PLACEHOLDER.fullmatch(secret.lower()) is not None


def flaw_of_secret(secret: str) -> str | None:
    """Why this is no secret, or None."""
    if is_placeholder(secret):
        return "is a placeholder that everybody knows"
    if len(secret) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    return None


def secret_of_installation(path: Path) -> str:
    """The secret kept in that file, made when it is first needed: enough to try things on one machine."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()
