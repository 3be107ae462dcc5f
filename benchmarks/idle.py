"""What pages cost that are open and looked at while nothing happens, and what a list costs them when something has."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Sequence
from functools import partial
from http.client import HTTPConnection
from typing import Any

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from .client import HOST
from .pages import MEMBER, Visitor
from .report import Table
from .stage import Stage, tell
from .timing import Times, milliseconds, p50

SECONDS = 20
"""For so long pages are left open, or as many seconds as requests are wanted; what they cost is told for a minute."""
CROWD = 20
LIST = "/inbox/groups/"
COLUMNS = ("what", "requests", "SQL", "p50 ms", "bytes")
NOTES = (
    "Idle: requests and SQL statements in a minute, for each page that is open; one process of the web server. Pages "
    "of one browser ask together, and hidden ones do not ask.",
    "A list: one answer after something has happened, to a member of 20 groups; compressed bytes. Not changed: what "
    "happened was nothing that this person sees.",
)
POSITION = re.compile(rb'<div id="live"[^>]*data-token="([^"]+)"[^>]*data-position="(\d+)"[^>]*data-etag="([^"]*)"')


def measure(stage: Stage) -> Table:
    rows: list[Sequence[Any]] = []
    for pages in (1, CROWD):
        tell(f"idle: {pages} open")
        rows.append(_idle(stage, pages))
    tell("idle: what a list costs")
    return Table("Idle pages", COLUMNS, [*rows, *_lists(stage)], NOTES)


class OpenPage:
    """A page that somebody has open: what its script knows of it."""

    def __init__(self, visitor: Visitor, path: str) -> None:
        self.visitor, self.path = visitor, path
        _waited, body = visitor.get(path, **{"Accept-Encoding": "identity"})
        found = POSITION.search(body)
        if found is None:
            raise RuntimeError(f"{path} is not live.")
        self.token, self.question = found[1].decode(), f"/inbox/live/?after={int(found[2])}"
        self.etag = found[3].decode().replace("&quot;", '"')
        self.server = HTTPConnection(HOST, visitor.server.port, timeout=60)

    def ask(self) -> None:
        """Whether anything has happened, which it must not have."""
        self._send(self.question, 204, {"X-Live": self.token})

    def ask_inside(self) -> None:
        self.visitor.inside.get(self.question, headers={"X-Live": self.token})

    def ask_for_list(self, etag: str, expected: int) -> bytes:
        return self._send(self.path, expected, {**self.visitor.headers, **_asking(etag), "Accept-Encoding": "identity"})

    def statements(self, etag: str) -> int:
        """How many statements the list sends to the database, asked for in this process."""
        with CaptureQueriesContext(connection) as captured:
            self.visitor.inside.get(self.path, headers=_asking(etag))
        return len(captured)

    def _send(self, path: str, expected: int, headers: dict[str, str]) -> bytes:
        self.server.request("GET", path, headers=headers)
        answer = self.server.getresponse()
        body = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"GET {path} was answered with {answer.status}: {body[:300]!r}")
        return body


def _asking(etag: str) -> dict[str, str]:
    return {"X-Live": "list", "If-None-Match": etag}


def _idle(stage: Stage, pages: int) -> Sequence[Any]:
    """Each page asks as often as its script does, at a moment of its own; its statements are counted in this process,
    which is asked the same at the same time."""
    opened = [OpenPage(Visitor(stage.port, MEMBER), LIST) for _ in range(pages)]
    seconds = min(SECONDS, stage.options.requests)
    times: Times = []
    start = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        while (due := start + len(times) * settings.LIVE_SECONDS / pages) < start + seconds:
            time.sleep(max(0.0, due - time.perf_counter()))
            page = opened[len(times) % pages]
            times.append(milliseconds(page.ask))
            page.ask_inside()
    minute = 60 / seconds / pages
    return (f"idle, {pages} open", len(times) * minute, len(captured) * minute, p50(times), 0)


def _lists(stage: Stage) -> list[Sequence[Any]]:
    page = OpenPage(Visitor(stage.port, MEMBER), LIST)
    rows: list[Sequence[Any]] = []
    for name, etag, status in (("list, not changed", page.etag, 304), ("list, changed", "", 200)):
        act = partial(page.ask_for_list, etag, status)
        times = [milliseconds(act) for _ in range(stage.options.requests)]
        body = act()
        rows.append((name, 1, page.statements(etag), p50(times), len(gzip.compress(body)) if body else 0))
    return rows
