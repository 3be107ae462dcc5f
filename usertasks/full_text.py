"""Free text: which runs contain some words in their notes, the name of their definition, or their results.

PostgreSQL answers from a full-text index of the words, each of which may be the beginning of one; SQLite looks for the
letters. Neither knows a language: names and numbers are looked for more often than inflections.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, Func, QuerySet, Value

MAX_TEXT = 200
"""Characters of what is looked for."""

# A row whose words are too many for a tsvector (1 MiB) could not be saved at all, so only the first ones count.
VECTOR = (
    "(to_tsvector('simple', {name} || ' ' || left({notes}, 25000)) || "
    "CASE WHEN octet_length({results}::text) <= 200000 "
    "THEN jsonb_to_tsvector('simple', {results}, '[\"string\", \"numeric\"]') "
    "ELSE to_tsvector('simple', left({results}::text, 50000)) END)"
)
"""What PostgreSQL's index holds of a run: the index of the migration is made of these very words."""


class HasWords(Func):
    """Whether the words of a run match a text search query; `is_read` of each row by itself, whatever the index has."""

    output_field = BooleanField()

    def __init__(self, query: str, *, is_read: bool = False) -> None:
        super().__init__("user_task_def_name", "notes", "results", Value(query), is_read=is_read)

    def as_sql(self, compiler: Any, connection: Any, *_more: Any, **more: Any) -> tuple[str, tuple[Any, ...]]:
        columns, parameters = zip(*(compiler.compile(part) for part in self.get_source_expressions()), strict=True)
        vector = VECTOR.format(name=columns[0], notes=columns[1], results=columns[2])
        looked_at = f"({vector} || ''::tsvector)" if self.extra["is_read"] else vector
        return f"{looked_at} @@ to_tsquery('simple', {columns[3]})", tuple(parameters[3])


LETTERS = """NOT EXISTS (
    SELECT 1 FROM json_each({words}) AS word WHERE NOT (
        {name} LIKE word.value ESCAPE '\\' OR {notes} LIKE word.value ESCAPE '\\' OR EXISTS (
            SELECT 1 FROM json_tree({results}) AS leaf
            WHERE leaf.type IN ('text', 'integer', 'real') AND leaf.atom LIKE word.value ESCAPE '\\')))"""
"""No word of which a run has not the letters. SQLite takes as long to read a condition as to answer it: this one is as
long for a hundred words as for one."""


class HasLetters(Func):
    """Whether a run of SQLite contains the letters of every word."""

    output_field = BooleanField()

    def __init__(self, words: Iterable[str]) -> None:
        patterns = json.dumps([f"%{_escaped(word)}%" for word in words], ensure_ascii=False)
        super().__init__("user_task_def_name", "notes", "results", Value(patterns))

    def as_sql(self, compiler: Any, connection: Any, *_more: Any, **more: Any) -> tuple[str, tuple[Any, ...]]:
        columns, parameters = zip(*(compiler.compile(part) for part in self.get_source_expressions()), strict=True)
        sql = LETTERS.format(name=columns[0], notes=columns[1], results=columns[2], words=columns[3])
        return sql, tuple(parameters[3])


def containing[T: QuerySet[Any]](runs: T, text: str, *, vendor: str, is_read: bool = False) -> T:
    """Those of `runs` that contain every word of a text; `is_read` where they are so few that each is looked at."""
    words = list(dict.fromkeys(text.split()))
    if vendor == "postgresql":
        return runs.filter(HasWords(" & ".join(f"{_lexeme(word)}:*" for word in words), is_read=is_read))
    return runs.filter(HasLetters(words))


def _lexeme(word: str) -> str:
    """A word as a text search query quotes it."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}'"


def _escaped(letters: str) -> str:
    for special in "\\%_":
        letters = letters.replace(special, f"\\{special}")
    return letters
