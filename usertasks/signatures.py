"""What kind a file is, by how it begins: names and types that somebody sends along are not believed.

This tells one kind from another. It does not make a file harmless: one that begins as an image may go on as anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

ANY = ord(".")
"""Stands for any byte in a beginning; no beginning has a full stop."""
GROUP = "[A-Za-z0-9+/]"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
"""Of base64, RFC 4648 section 4."""

PDF = b"%PDF-"
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
GIFS = (b"GIF87a", b"GIF89a")
WEBP = b"RIFF....WEBP"
ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Kind:
    """`words` is what a person reads, `accept` what a browser's file input is told."""

    words: Any
    accept: str
    beginnings: Sequence[bytes]


IMAGES = (PNG, JPEG, *GIFS, WEBP)
IMAGE_TYPES = "image/png,image/jpeg,image/gif,image/webp"
KINDS: Mapping[str, Kind] = {
    "pdf": Kind(_("a PDF"), "application/pdf", (PDF,)),
    "png": Kind(_("a PNG image"), "image/png", (PNG,)),
    "jpeg": Kind(_("a JPEG image"), "image/jpeg", (JPEG,)),
    "image": Kind(_("an image (PNG, JPEG, GIF or WebP)"), IMAGE_TYPES, IMAGES),
    "scan": Kind(_("a PDF or an image (PNG, JPEG, GIF or WebP)"), f"application/pdf,{IMAGE_TYPES}", (PDF, *IMAGES)),
    "zip": Kind(_("a ZIP archive"), "application/zip,.zip,.docx,.xlsx,.pptx,.odt,.ods,.odp", (ZIP,)),
}
"""Name of the `format` of a file → what it has to be. Documents of office programs are ZIP archives."""


def is_of_kind(content: bytes, name: str) -> bool:
    return any(_begins_with(content, beginning) for beginning in KINDS[name].beginnings)


def _begins_with(content: bytes, beginning: bytes) -> bool:
    pairs = zip(beginning, content, strict=False)
    return len(content) >= len(beginning) and all(wanted in (ANY, byte) for wanted, byte in pairs)


def pattern_of(name: str) -> str:
    """The regular expression, of JSON Schema's kind, for the base64 of such files."""
    return f"^(?:{'|'.join(''.join(_characters(beginning)) for beginning in KINDS[name].beginnings)})"


def _characters(beginning: bytes) -> Iterator[str]:
    """For each character of the base64 what it may be: each says six bits, and some of them may be open."""
    bits = "".join("." * 8 if byte == ANY else f"{byte:08b}" for byte in beginning)
    for start in range(0, len(bits), 6):
        wanted = bits[start : start + 6].ljust(6, ".")
        fitting = [character for number, character in enumerate(ALPHABET) if re.fullmatch(wanted, f"{number:06b}")]
        yield GROUP if len(fitting) == len(ALPHABET) else f"[{''.join(fitting)}]"
