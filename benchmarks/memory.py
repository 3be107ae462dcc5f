"""Whether a worker of the web server grows: its memory after so many requests of every kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from django.conf import settings

from . import data
from .crowd import Task, bearer, http_crowd
from .goals import Finding
from .operations import VERBS, request
from .pages import MEMBER, Visitor
from .report import Table
from .search import STATUSES, search
from .servers import web_process
from .stage import Stage, tell, token_of

COLUMNS = ("requests", "RSS MB", "PSS MB", "RSS ratio")
TITLE = "Memory of a web worker"
FIRST = 1000
MARKS = (1000, 10_000, 25_000, 50_000, 75_000)
"""After so many requests memory is read, and after the last one."""
PORTION = 1000
API, PAGES = 0, 1
"""The connections of each caller."""
NOTES = (
    "A web server with one worker, which gets every request: out of ten, six searches, three operations (a claim, a "
    "save, a completion) and a page of the inbox, over several connections at a time. The ratio is that to the "
    "first row.",
)


def measure(stage: Stage) -> Table:
    if not Path("/proc/self/smaps_rollup").exists():
        return Table(TITLE, COLUMNS, [], ("Not measured: this system does not tell what a process has.",))
    last = stage.options.memory_requests
    marks = sorted({min(FIRST, last), *(mark for mark in MARKS if mark < last), last})
    rows: list[tuple[Any, ...]] = []
    with ExitStack() as stack:
        server = stack.enter_context(web_process(stage.folder, workers=1))
        headers = [bearer(token_of(data.WORKER)), f"Cookie: {_cookie(stage)}\r\nAccept-Encoding: gzip\r\n"]
        crowd = stack.enter_context(http_crowd(stage.options.clients, server.port, headers))
        done = 0
        for mark in marks:
            while done < mark:
                tell(f"memory: {done:,} of {last:,} requests")
                number = min(PORTION, mark - done)
                crowd.per_second(_mix(stage, number))
                done += number
            rss, pss = _memory_of(_worker_of(server.pid))
            rows.append((f"{mark:,}", rss, pss, rss / (rows[0][1] if rows else rss)))
    return Table(TITLE, COLUMNS, rows, NOTES, [Finding("memory", {"RSS": rows[-1][3]})])


def _cookie(stage: Stage) -> str:
    cookie = Visitor(stage.port, MEMBER).inside.cookies[settings.SESSION_COOKIE_NAME]
    return f"{cookie.key}={cookie.value}"


def _mix(stage: Stage, count: int) -> list[Task]:
    """Requests of every kind, the operations on fresh runs: one verb after the other of all runs, so that no caller is
    ahead of another one."""
    each = count // 10
    with stage.connect() as database:
        runs = data.waiting_runs(database, each)
    searches = islice(cycle(_searches()), count - 4 * each)
    pages = islice(cycle(_pages()), each)
    quiet = iter([*searches, *pages])
    tasks: list[Task] = []
    for verb in VERBS:
        for run in runs:
            tasks += [request(verb, run), *islice(quiet, 2)]
    return [*tasks, *quiet]


def _searches() -> Iterator[Task]:
    paths = [search(data.WORKER, status=status).path for status in STATUSES]
    paths += [search(data.WORKER).path, search(data.WORKER, overdue="true").path]
    for path in paths:
        yield [API, "GET", path, "", 200]


def _pages() -> Iterator[Task]:
    for path in ("/inbox/", "/inbox/groups/", "/inbox/all/", "/inbox/done/", "/inbox/groups/?sort=due"):
        yield [PAGES, "GET", path, "", 200]


def _worker_of(pid: int) -> int:
    """The one child of the process that looks after the workers which has an address open: the largest of them."""
    children: Sequence[str] = [
        child for tasks in Path(f"/proc/{pid}/task").iterdir() for child in (tasks / "children").read_text().split()
    ]
    return max((int(child) for child in children), key=lambda child: _memory_of(child)[0])


def _memory_of(pid: int) -> tuple[float, float]:
    """(RSS, PSS) in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
    return kilobytes["Rss"] / 1024, kilobytes["Pss"] / 1024
