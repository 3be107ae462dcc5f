"""The catalogs of translations: `python -m scanners.translations` brings them up to date, and compiles them.

What is marked for translation is gathered from Python, templates and scripts. What a catalog has translated stays, what
is gone goes, and what is new waits with an empty translation: nothing is guessed. `--check` changes nothing and says
what is not as it should be. See docs/translating.md.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_javascript, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"

PLURALS: Mapping[str, str] = {
    "de": "nplurals=2; plural=(n != 1);",
    "es": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
    "ja": "nplurals=1; plural=0;",
    "pt": "nplurals=2; plural=(n > 1);",
}
"""The languages beside English, and which of its forms a number takes in each."""

NAMED: Mapping[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
"""The functions that translate, and which of their arguments are translated (`c`: the context); None is the first."""

WIDTH = 100
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
"""The time in every catalog: one that says when it was written differs each time it is."""

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")
TAG = re.compile(r"</?[a-z]+")
KEY = re.compile(r"'[\w%()]+'")
"""With such a key a fault of a definition begins; the admin finds by it where the fault is to be shown."""

type Text = str | tuple[str, ...]
type Key = tuple[str, str]
"""The context of a message, and its words (of a plural the singular)."""
type Call = tuple[int, Any, Any]
"""Line, name of the function, its texts: what Babel says of a call."""


@dataclass(frozen=True)
class Source:
    """The files of one kind: where they lie, how their names end, and how messages are found in them."""

    folders: Sequence[str]
    endings: Sequence[str]
    calls_in: Callable[[bytes], Iterator[Call]]

    def files(self, root: Path) -> Iterator[Path]:
        for folder in self.folders:
            yield from sorted(path for path in (root / folder).rglob("*") if self._is_ours(path.relative_to(root)))

    def _is_ours(self, path: Path) -> bool:
        return path.suffix in self.endings and "vendor" not in path.parts


def calls_in_python(text: bytes) -> Iterator[Call]:
    for line, name, texts, _comments in extract_python(BytesIO(text), NAMED, [], {"encoding": "utf-8"}):
        yield line, name, texts


def calls_in_script(text: bytes) -> Iterator[Call]:
    reading = extract_javascript(BytesIO(text), NAMED, [], {"encoding": "utf-8", "parse_template_string": True})
    for line, name, texts, _comments in reading:
        yield line, name, texts


def calls_in_template(text: bytes) -> Iterator[Call]:
    """Django makes something of a template that reads like Python, but for the white space that begins its lines."""
    lines = templatize(text.decode()).splitlines()
    yield from calls_in_python("\n".join(line.lstrip() for line in lines).encode())


SOURCES: Mapping[str, Sequence[Source]] = {
    "django": (
        Source(("config", "usertasks", "inbox"), (".py",), calls_in_python),
        Source(("templates",), (".html", ".txt"), calls_in_template),
    ),
    "djangojs": (Source(("usertasks/static", "inbox/static"), (".js",), calls_in_script),),
}
"""The domain of a catalog → what it translates."""


class Words(Catalog):
    """A catalog with a header that says what gettext needs to know, and nothing that changes from day to day."""

    def __init__(self, language: str) -> None:
        super().__init__(locale=language, creation_date=ALWAYS, revision_date=ALWAYS, fuzzy=False)
        self.language = language

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", self.language),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=UTF-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", PLURALS[self.language]),
        ]


def messages_in(root: Path, domain: str) -> Iterator[tuple[str, int, Text, str | None]]:
    """(file, line, words, context) of everything that is marked."""
    for source in SOURCES[domain]:
        for path in source.files(root):
            name = path.relative_to(root).as_posix()
            for line, function, texts in source.calls_in(path.read_bytes()):
                if found := _message_of(NAMED[function], texts if isinstance(texts, tuple) else (texts,)):
                    yield name, line, *found


def _message_of(wanted: Any, texts: tuple[str | None, ...]) -> tuple[Text, str | None] | None:
    """(words, context) of a call; None where they are not written out there."""
    places = wanted or (1,)
    context = next((texts[place[0] - 1] for place in places if isinstance(place, tuple)), None)
    words = [texts[place - 1] if place <= len(texts) else None for place in places if isinstance(place, int)]
    told = tuple(word for word in words if word)
    if not told or len(told) < len(words):
        return None
    return (told[0] if len(told) == 1 else told), context


def catalog_of(root: Path, language: str, domain: str, translated: Catalog | None = None) -> Words:
    """Everything that is marked, with the translations that there are."""
    catalog = Words(language)
    for name, line, words, context in messages_in(root, domain):
        catalog.add(words, locations=[(name, line)], context=context)
    known = {key_of(message): message for message in translated or () if message.id}
    for message in _messages(catalog):
        old = known.get(key_of(message))
        if old and not old.fuzzy and isinstance(old.id, str) == isinstance(message.id, str):
            message.string = old.string
    return catalog


def _messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def key_of(message: Message) -> Key:
    return message.context or "", _texts(message.id)[0]


def _texts(words: Any) -> tuple[str, ...]:
    return tuple(words) if isinstance(words, list | tuple) else (words,)


def written(catalog: Catalog) -> bytes:
    """The catalog as people read it, in the order of the files that have the words; no lines, which change often."""
    body, header = BytesIO(), "".join(f'"{name}: {value}\\n"\n' for name, value in catalog.mime_headers)
    write_po(body, catalog, width=WIDTH, omit_header=True, sort_by_file=True, include_lineno=False)
    return f'msgid ""\nmsgstr ""\n{header}\n'.encode() + body.getvalue().strip() + b"\n"


def compiled(catalog: Catalog) -> bytes:
    """The catalog as Django reads it."""
    content = BytesIO()
    write_mo(content, catalog)
    return content.getvalue()


def read(path: Path, language: str) -> Catalog | None:
    """The catalog of a file, if there is one."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        return read_po(file, locale=language)


def path_of(root: Path, language: str, domain: str) -> Path:
    return root / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def update(root: Path = ROOT) -> None:
    """Bring every catalog up to date, and compile it."""
    for language in PLURALS:
        for domain in SOURCES:
            path = path_of(root, language, domain)
            catalog = catalog_of(root, language, domain, read(path, language))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(catalog))
            path.with_suffix(".mo").write_bytes(compiled(catalog))


def flaws(root: Path = ROOT) -> Iterator[str]:
    """What is not as it should be, catalog by catalog."""
    for language in PLURALS:
        for domain in SOURCES:
            path = path_of(root, language, domain)
            place = path.relative_to(root).as_posix()
            catalog = read(path, language)
            if catalog is None:
                yield f"{place}: is missing"
                continue
            wanted = catalog_of(root, language, domain, catalog)
            yield from (f"{place}: {flaw}" for flaw in _flaws_of(catalog, wanted))
            compiled_path = path.with_suffix(".mo")
            if not compiled_path.exists() or compiled_path.read_bytes() != compiled(wanted):
                yield f"{compiled_path.relative_to(root).as_posix()}: is not what the catalog says"


def _flaws_of(catalog: Catalog, wanted: Words) -> Iterator[str]:
    there = {key_of(message): message for message in _messages(catalog)}
    marked = {key_of(message): message for message in _messages(wanted)}
    yield from (f"is missing: {words!r}" for context, words in marked.keys() - there.keys())
    yield from (f"is gone: {words!r}" for context, words in there.keys() - marked.keys())
    for key in sorted(there.keys() & marked.keys()):
        message = there[key]
        if message.fuzzy:
            yield f"is fuzzy: {key[1]!r}"
        elif isinstance(message.id, str) != isinstance(marked[key].id, str):
            yield f"has another plural now: {key[1]!r}"
        else:
            forms = int(re.findall(r"\d+", PLURALS[wanted.language])[0])
            yield from (f"{flaw}: {key[1]!r}" for flaw in flaws_of_translation(message, forms))


def flaws_of_translation(message: Message, forms: int) -> Iterator[str]:
    """What is wrong with the translation of a message, in a language with so many forms of plural."""
    originals, translations = _texts(message.id), _texts(message.string)
    if not all(translations) or len(translations) != (1 if len(originals) == 1 else forms):
        yield "is not translated"
        return
    for number, text in enumerate(translations):
        is_singular = number == 0 and forms > 1
        fitting = originals if is_singular else originals[-1:]
        if all(placeholders(text) != placeholders(original) for original in fitting):
            yield "has other placeholders than the source"
        if Counter(TAG.findall(text)) != Counter(TAG.findall(fitting[-1])):
            yield "has other tags than the source"
        if (key := KEY.match(fitting[-1])) and not text.startswith(key[0]):
            yield f"does not begin with {key[0]}"
        if _has_breaks(text) != _has_breaks(fitting[-1]):
            yield "begins or ends with another line break than the source"


def placeholders(text: str) -> Counter[str]:
    """What is filled in: `%(name)s`, `%s`, `{name}`, each as often as it stands there."""
    return Counter(PLACEHOLDER.findall(text.replace("%%", "")))


def _has_breaks(text: str) -> tuple[bool, bool]:
    return text.startswith("\n"), text.endswith("\n")


def main(arguments: Sequence[str]) -> int:
    """0 where all is well."""
    if "--check" not in arguments:
        update()
    found = list(flaws())
    for line in _summary(found):
        print(line)
    return 1 if found and "--check" in arguments else 0


def _summary(found: Iterable[str], most: int = 200) -> Iterator[str]:
    lines = list(found)
    yield from lines[:most]
    if len(lines) > most:
        yield f"... and {len(lines) - most} more"
    yield f"{len(lines)} to mend" if lines else "every catalog is complete"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
