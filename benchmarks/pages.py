"""What the pages of the inbox cost whoever waits for them: the time to the first byte, and all that travels."""

from __future__ import annotations

import http.client
import re
from collections.abc import Sequence
from time import perf_counter
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client as InProcess
from django.test.utils import CaptureQueriesContext

from . import data
from .client import HOST
from .report import Table
from .stage import Stage, tell
from .timing import Times, p50, p95

COLUMNS = ("page", "SQL", "first byte p50", "first byte p95", "page kB", "all kB", "requests")
NOTES = (
    "Milliseconds from the request to the first byte of the answer, one person at a time, with a session of their own.",
    "`page kB` travels each time; `all kB` with styles and scripts the first time, as a browser asks for them "
    "(compressed), in so many `requests`. Files are served by the application itself.",
)
ASSET = re.compile(rb'<(?:link[^>]+href|script[^>]+src)="([^"#]+)"')
"""The addresses of what a page is shown with; a picture would be in one of these files."""
MEMBER = "member-0"


def measure(stage: Stage) -> Table:
    rows = []
    for name, username, path in _pages(stage):
        tell(f"pages: {name}")
        rows.append((name, *_measured(stage, Visitor(stage.port, username), path)))
    return Table("Pages", COLUMNS, rows, NOTES)


def _pages(stage: Stage) -> Sequence[tuple[str, str, str]]:
    """Each kind of page with somebody who opens it."""
    with stage.connect() as database:
        ((run_id, owner),) = data.rows_of(
            database,
            "SELECT id, user_id FROM usertasks_usertaskrun WHERE status = 'ASSIGNED' AND results <> '{}'"
            " ORDER BY scheduled_time DESC LIMIT 1",
        )
    return (
        ("inbox, my tasks", owner, "/inbox/"),
        ("inbox, a member of 20 groups", MEMBER, "/inbox/groups/"),
        ("inbox, due first", MEMBER, "/inbox/groups/?sort=due"),
        ("inbox, all of a member", MEMBER, "/inbox/all/"),
        ("inbox, a word", MEMBER, "/inbox/all/?text=attachment"),
        ("inbox, all of a manager", data.MANAGER, "/inbox/all/"),
        ("a task", owner, f"/inbox/tasks/{run_id.hex}/"),
        ("the team page of a manager", data.MANAGER, "/inbox/team/"),
    )


class Visitor:
    """Somebody who is signed in, with one connection."""

    def __init__(self, port: int, username: str) -> None:
        self.inside = InProcess(SERVER_NAME=HOST)
        self.inside.force_login(get_user_model().objects.get(username=username))
        cookie = self.inside.cookies[settings.SESSION_COOKIE_NAME]
        self.headers = {"Cookie": f"{cookie.key}={cookie.value}", "Accept-Encoding": "br, gzip", "Accept": "text/html"}
        self.server = http.client.HTTPConnection(HOST, port, timeout=60)

    def get(self, path: str, **headers: str) -> tuple[float, bytes]:
        """Milliseconds to the first byte, and the body as it travels. Raises `RuntimeError` for any answer but 200."""
        start = perf_counter()
        self.server.request("GET", path, headers={**self.headers, **headers})
        answer = self.server.getresponse()
        waited = (perf_counter() - start) * 1000
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path} was answered with {answer.status}: {body[:300]!r}")
        return waited, body

    def assets(self, path: str) -> dict[str, int]:
        """What the page is shown with, each with its bytes. Raises `RuntimeError` for what another host would serve."""
        _waited, page = self.get(path, **{"Accept-Encoding": "identity"})
        found = {urljoin(path, name.decode()) for name in ASSET.findall(page)}
        if foreign := [name for name in found if not name.startswith("/")]:
            raise RuntimeError(f"{path} asks other hosts: {foreign}")
        return {name: len(self.get(name)[1]) for name in found}

    def statements(self, path: str) -> int:
        """How many statements the page sends to the database, asked for in this process."""
        with CaptureQueriesContext(connection) as captured:
            self.inside.get(path)
        return len(captured)


def _measured(stage: Stage, visitor: Visitor, path: str) -> tuple[Any, ...]:
    visitor.get(path)
    times: Times = []
    for _ in range(stage.options.requests):
        waited, page = visitor.get(path)
        times.append(waited)
    assets = visitor.assets(path)
    return (
        visitor.statements(path),
        p50(times),
        p95(times),
        len(page) / 1000,
        (len(page) + sum(assets.values())) / 1000,
        1 + len(assets),
    )
