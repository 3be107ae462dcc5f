"""What logs say instead of a name."""

from __future__ import annotations

import re
from typing import Any

from usertasks.pseudonyms import pseudonym_of


def test_a_person_has_one_word_and_others_have_another() -> None:
    names = ["alice", "alice ", "Alice", "bob", "élise", "\ud800"]
    words = [pseudonym_of(name) for name in names]
    assert words == [pseudonym_of(name) for name in names]
    assert len(set(words)) == len(names)
    assert all(re.fullmatch("[0-9a-f]{8}", word) for word in words)


def test_who_does_not_know_the_key_cannot_make_the_word(settings: Any) -> None:
    before = pseudonym_of("alice")
    settings.SECRET_KEY = "another"
    assert pseudonym_of("alice") != before
