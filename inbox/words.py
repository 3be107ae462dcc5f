"""The words of scripts in the language of a page: what Django's catalog for scripts says, and where it is had.

The address names the language and a digest of the words, so that a browser asks for them once. English is what the
scripts are written in: it needs none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.views.i18n import JavaScriptCatalog

LENGTH = 16
"""Characters of a digest: enough to tell one release from another."""


@dataclass(frozen=True)
class Words:
    """A script that defines `gettext` and its kin for one language."""

    language: str
    script: bytes
    digest: str

    @property
    def address(self) -> str:
        return reverse("inbox:words", args=[self.language, self.digest])


def words_in(language: str) -> Words | None:
    """Those of a language that has any."""
    is_translated = language in dict(settings.LANGUAGES) and language != settings.LANGUAGE_CODE
    return _read(language) if is_translated else None


@cache
def _read(language: str) -> Words:
    with translation.override(language):
        script: bytes = JavaScriptCatalog(packages=["inbox"]).get(HttpRequest()).content
    return Words(language, script, hashlib.sha256(script).hexdigest()[:LENGTH])
