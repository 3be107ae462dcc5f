"""A browser as far as it costs a server anything: a session, a connection, and forms that are sent as it sends them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urlencode

from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from .client import HOST, Client

CSRF_COOKIE = "csrftoken=" + "benchmark" * 3 + "token"
"""What the server would have given at the first visit; each form carries a token that is made from it."""
CSRF_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
URLENCODED = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Form:
    """What a form sends, as bytes that are made once: only the time of the server counts."""

    fields: Mapping[str, str]
    is_multipart: bool = False

    def with_fields(self, **fields: str) -> Self:
        return replace(self, fields={**self.fields, **fields})

    @property
    def content_type(self) -> str:
        return MULTIPART_CONTENT if self.is_multipart else URLENCODED

    @property
    def body(self) -> bytes:
        return encode_multipart(BOUNDARY, dict(self.fields)) if self.is_multipart else urlencode(self.fields).encode()


class Browser(Client):
    """`cookie` is that of a session."""

    def __init__(self, port: int, cookie: str) -> None:
        super().__init__(port)
        self.cookie = f"{cookie}; {CSRF_COOKIE}"
        self.asking = (
            f"Host: {HOST}:{port}\r\nCookie: {self.cookie}\r\nAccept: text/html\r\nAccept-Encoding: br, gzip\r\n"
        )
        self.origin = f"Origin: http://{HOST}:{port}\r\n"
        self.headers = self.asking

    def page(self, path: str) -> str:
        """As text."""
        self.headers = self.asking.replace("br, gzip", "identity")
        text = self.get(path).decode()
        self.headers = self.asking
        return text

    def submit(self, path: str, content_type: str, body: bytes) -> None:
        """Whatever is answered by a redirect, which is not followed."""
        self.headers = f"{self.asking}{self.origin}Content-Type: {content_type}\r\n"
        self.post(path, body, expected=302)
        self.headers = self.asking


def token_in(page: str) -> str:
    """The CSRF token of its forms."""
    found = CSRF_TOKEN.search(page)
    if found is None:
        raise RuntimeError("There is no form on the page.")
    return found[1]


def form_in(page: str, form_id: str) -> Form:
    """The form with this id as it is sent when nobody has typed anything, without its button."""
    reader = _FormReader(form_id)
    reader.feed(page)
    return Form(reader.fields, reader.is_multipart)


class _FormReader(HTMLParser):
    """Its areas and selects are taken to be empty, as they are in a form that nobody has filled in."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.within = form_id, ""
        self.fields: dict[str, str] = {}
        self.is_multipart = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.within = found.get("id") or ""
            self.is_multipart |= self.within == self.form_id and found.get("enctype") == "multipart/form-data"
        name = found.get("name")
        if tag not in ("input", "textarea", "select") or not name or found.get("form", self.within) != self.form_id:
            return
        if found.get("type") not in ("radio", "checkbox") or "checked" in found:
            self.fields[name] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.within = ""
