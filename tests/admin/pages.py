"""How the tests of the admin go about it: addresses, a client that is signed in, and forms as a browser sends them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

RUNS = "admin:usertasks_usertaskrun_"
DEFINITIONS = "admin:usertasks_usertaskdef_"
TOKENS = "admin:usertasks_apitoken_"
LEADS = "admin:usertasks_grouplead_"
SUBSTITUTIONS = "admin:usertasks_substitution_"


def url(name: str, *args: Any) -> str:
    return reverse(name, args=args)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class Page(HTMLParser):
    """What a browser would send for the forms of a page, and the words on it."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.status: int = response.status_code
        self.inputs: dict[str, str] = {}
        self.words: list[str] = []
        self.within: tuple[str, bool] | None = None
        self.feed(response.content.decode())
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = dict(attrs)
        name, kind = had.get("name") or "", had.get("type")
        is_sent = kind != "submit" and (kind not in ("checkbox", "radio") or "checked" in had)
        if tag in ("textarea", "select"):
            self.within = (name, tag == "textarea")
            self.inputs[name] = ""
        elif tag == "option" and self.within and "selected" in had:
            self.inputs[self.within[0]] = had.get("value") or ""
        elif tag == "input" and name and is_sent:
            self.inputs[name] = had.get("value") or ("on" if "checked" in had else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self.within = None

    def handle_data(self, data: str) -> None:
        if self.within and self.within[1]:
            self.inputs[self.within[0]] += data.removeprefix("\n")
        else:
            self.words.append(data)

    def form_of_a_definition(self) -> dict[str, str]:
        """What the page of a definition would send."""
        inputs = {name: value for name, value in self.inputs.items() if "__prefix__" not in name}
        own = ("name", "description", "newest_seen")
        rows = ("fields-", "timers-")
        return {name: value for name, value in inputs.items() if name.startswith(rows) or name in own}


def typed(name: str, kind: str = "STR", **parts: Any) -> dict[str, str]:
    """One field of a definition as it is typed into the form."""
    texts = {"name": name, "type": kind, "required": "on", **parts}
    return {part: json.dumps(text) if isinstance(text, dict) else text for part, text in texts.items()}


def a_form(fields: Sequence[dict[str, str]], **more: str) -> dict[str, str]:
    """The form of a definition with these fields."""
    rows = {f"fields-{row}-{part}": text for row, field in enumerate(fields) for part, text in field.items()}
    return {"description": "", "fields-TOTAL_FORMS": str(len(fields)), "fields-INITIAL_FORMS": "0", **rows, **more}
