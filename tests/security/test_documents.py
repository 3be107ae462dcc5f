"""That what is written about security is about this code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ_FROM_THE_ENVIRONMENT = re.compile(r'\b(?:env\.\w+|_secret)\("([A-Z_]+)"')


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_explained() -> None:
    names = set(READ_FROM_THE_ENVIRONMENT.findall(text_of("config/settings.py")))
    explained = set(re.findall(r"`([A-Z_]+)`", text_of("docs/configuration.md")))
    assert len(names) > 30
    assert names - explained == set()


def test_what_holds_a_promise_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", text_of("docs/threat-model.md")))
    assert len(named) > 20
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_every_test_of_security_holds_something_that_is_promised() -> None:
    tests = {f"tests/security/{path.name}" for path in (ROOT / "tests/security").glob("test_*.py")}
    unnamed = {name for name in tests if name not in text_of("docs/threat-model.md")}
    assert unnamed == {"tests/security/test_documents.py"}
