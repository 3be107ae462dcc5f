"""A name and what stands in its place: where it is all of a text, and where it is a word of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Q

GROUPS = frozenset({"user_group", "old_user_group", "new_user_group"})
"""Keys whose values are names of groups, which may be called like a person."""


@dataclass(frozen=True)
class Renaming:
    """From the name `old` to `new`; in what people have written only `in_words`, as a word of its own.

    A word ends where a name would: `anna` is in "anna, please" and in `anna@example.com`, and not in `anna.smith`,
    `anna-maria` or `hanna`, which are other people.
    """

    old: str
    new: str
    in_words: bool = True

    def text(self, text: str) -> str:
        if text == self.old:
            return self.new
        return self._word.sub(lambda found: self.new, text) if self.in_words else text

    def json(self, value: Any) -> Any:
        """The same for all texts in a value, but for the names of groups."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.json(part) for part in value]
            case dict():
                return {key: part if key in GROUPS else self.json(part) for key, part in value.items()}
        return value

    def name(self, name: str | None) -> str | None:
        return self.new if name == self.old else name

    def is_in(self, value: Any) -> bool:
        """Whether anything of it would be another afterwards."""
        return bool(self.json(value) != value)

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w@])(?<![\w][.-]){re.escape(self.old)}(?!\w|[.-]\w)")

    def candidates(self, column: str) -> Q:
        """Rows whose text, or JSON as text, could contain the name, in any of the ways in which databases write it."""
        spelled = {self.old, *(json.dumps(self.old, ensure_ascii=plain)[1:-1] for plain in (True, False))}
        found = Q()
        for spelling in self._sorted(spelled):
            found |= Q((f"{column}__contains", spelling))
        return found

    @staticmethod
    def _sorted(spellings: set[str]) -> Iterator[str]:
        return iter(sorted(spellings))
