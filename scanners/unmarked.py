"""Words of templates that nobody could translate, because they are not marked: see `scanners/translations.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import Lexer, TokenType

WORD = re.compile(r"[^\W\d_]{2,}")
NAMES = frozenset({"usertasks", "LittleHorse", "API", "CSV", "JSON", "OpenAPI", "URL"})
"""Words that are the same in every language."""
CODE = frozenset({"code", "kbd", "pre", "samp", "script", "style", "textarea"})
"""Elements in which words are for machines, or were typed by somebody."""
SPOKEN = frozenset({"alt", "aria-description", "aria-label", "aria-roledescription", "placeholder", "title"})
"""Attributes that people read, or hear."""
BUTTONS = frozenset({"button", "reset", "submit"})
WRITTEN_OUT = re.compile(r"""\|(?:default|default_if_none|yesno):\s*["'][^"']*[^\W\d_]{2}|\|pluralize""")
"""Filters with words in them: `|default:_("nobody")` is the way, and `{% plural %}` instead of `pluralize`."""
ARGUMENT = re.compile(r"""\w=(?:"([^"]*)"|'([^']*)')""")
IN_ATTRIBUTES = frozenset({"icon", "main_class"})
"""Blocks whose words become part of the name of a class."""
BEGINS, ENDS = ("blocktranslate", "blocktrans"), ("endblocktranslate", "endblocktrans")


@dataclass(frozen=True)
class Unmarked:
    line: int
    words: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.words}"


def unmarked_in(path: Path) -> list[Unmarked]:
    """The words of a template that are not marked, in the order of its lines."""
    text, found = _without_tags(path.read_text())
    if path.suffix == ".html":
        reader = _Reader()
        reader.feed(text)
        reader.close()
        found += reader.found
    else:
        lines = enumerate(text.splitlines(), 1)
        found += [Unmarked(number, line.strip()) for number, line in lines if _has_words(line)]
    return sorted(found, key=lambda one: one.line)


def _has_words(text: str) -> bool:
    return any(word not in NAMES for word in WORD.findall(text))


def _without_tags(source: str) -> tuple[str, list[Unmarked]]:
    """The text of a template without its tags and what is marked, line for line; and the words within the tags."""
    kept: list[str] = []
    found: list[Unmarked] = []
    skipping_until: tuple[str, ...] = ()
    for token in Lexer(source).tokenize():
        name, argument, *_rest = [*token.contents.split(), "", ""]
        if skipping_until:
            skipping_until = () if token.token_type == TokenType.BLOCK and name in skipping_until else skipping_until
        elif token.token_type == TokenType.TEXT:
            kept.append(token.contents)
            continue
        elif token.token_type == TokenType.BLOCK and (ends := _ends_of_what_is_skipped(name, argument)):
            skipping_until = ends
        elif token.token_type in (TokenType.BLOCK, TokenType.VAR):
            found += [Unmarked(token.lineno or 0, words) for words in _words_of_tag(token.contents, name)]
        kept.append("\n" * token.contents.count("\n"))
    return "".join(kept), found


def _ends_of_what_is_skipped(name: str, argument: str) -> tuple[str, ...]:
    """The tags up to which the words after a tag are marked, or nobody's to read."""
    if name in BEGINS:
        return ENDS
    if name == "comment" or (name == "block" and argument in IN_ATTRIBUTES):
        return (f"end{name}",)
    return ()


def _words_of_tag(contents: str, name: str) -> Iterator[str]:
    yield from (match[0] for match in WRITTEN_OUT.finditer(contents))
    if name in ("include", "with"):
        values = (match[1] or match[2] or "" for match in ARGUMENT.finditer(contents))
        yield from (value for value in values if _has_words(value) and (" " in value or value[:1].isupper()))


class _Reader(HTMLParser):
    """Reads HTML, and notes what people would read that is left in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Unmarked] = []
        self._code: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in CODE:
            self._code.append(tag)
        spoken = [value for name, value in given.items() if name in SPOKEN]
        if tag == "input" and given.get("type") in BUTTONS:
            spoken.append(given.get("value", ""))
        for words in spoken:
            self._note(words)

    def handle_endtag(self, tag: str) -> None:
        if self._code and self._code[-1] == tag:
            self._code.pop()

    def handle_data(self, data: str) -> None:
        if not self._code:
            for number, line in enumerate(data.splitlines()):
                self._note(line, number)

    def _note(self, words: str, lines_further: int = 0) -> None:
        if _has_words(words):
            self.found.append(Unmarked(self.getpos()[0] + lines_further, words.strip()))
