"""The same requests on a million runs and on few: two servers, two databases in one PostgreSQL, request by request in
turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, LiteralString

import orjson

from . import data
from .client import Client
from .goals import Finding
from .pages import MEMBER, Visitor
from .report import Table
from .search import STATUSES, VARIANTS, Kind, Request, Tokens, search
from .servers import web_server
from .stage import Stage, tell
from .timing import Act, in_turns, judged, p50, p95

COLUMNS = ("request", "rows", "large p50", "large p95", "small p50", "small p95", "ratio p50", "ratio p95")
INBOX, SEARCH = "inbox at scale", "search at scale"
LISTS = (
    ("my groups", MEMBER, "/inbox/groups/"),
    ("my groups, due first", MEMBER, "/inbox/groups/?sort=due"),
    ("done", MEMBER, "/inbox/done/"),
    ("all of a member", MEMBER, "/inbox/all/"),
    ("a word", MEMBER, "/inbox/all/?text=attachment"),
    ("all of a manager", data.MANAGER, "/inbox/all/"),
)

OWN_TASKS: LiteralString = """
SELECT user_id, count(*) FROM usertasks_usertaskrun run
WHERE status = 'ASSIGNED' AND user_id LIKE 'person-%%' AND NOT EXISTS
    (SELECT FROM usertasks_snooze snooze WHERE snooze.run_id = run.id AND snooze.user_id = run.user_id)
GROUP BY user_id ORDER BY abs(count(*) - %s), user_id LIMIT 1
"""
MOST = 1_000_000_000
NEWEST_TASK: LiteralString = """
SELECT user_id, id FROM usertasks_usertaskrun WHERE status = 'ASSIGNED' ORDER BY scheduled_time DESC LIMIT 1
"""


@dataclass(frozen=True)
class Measured:
    """One kind of request: pairs of acts, on the large database and on the small one."""

    goal: str
    name: str
    rows: int | str
    pairs: Sequence[tuple[Act, Act]]


@dataclass(frozen=True)
class Page:
    """Somebody and what they open."""

    visitor: Visitor
    path: str

    def rows(self) -> int:
        return self.visitor.get(self.path, **{"Accept-Encoding": "identity"})[1].count(b' id="run-')

    def get(self) -> None:
        self.visitor.get(self.path)


def measure(stage: Stage) -> Table:
    rows: list[Sequence[Any]] = []
    ratios: dict[str, dict[str, float]] = {INBOX: {}, SEARCH: {}}
    with ExitStack() as stack:
        port = stack.enter_context(
            web_server(stage.folder, workers=stage.options.web_workers, database_url=stage.twin_url)
        )
        at = stage.options.slow
        for kind in _kinds(stage, port, stack):
            tell(f"scale: {kind.name}")
            large, small = in_turns(kind.pairs, stage.options.requests)
            ratios[kind.goal][kind.name] = judged(large, kind.pairs, at) / judged(small, kind.pairs, at)
            both = (p50(large) / p50(small), p95(large) / p95(small))
            rows.append((kind.name, kind.rows, p50(large), p95(large), p50(small), p95(small), *both))
    notes = (
        f"Milliseconds: the same request to {stage.options.runs:,} runs (large) and to {stage.options.small:,} (small),"
        " in turns, each to a server of its own. Both answers have equally many `rows`: people and groups are chosen"
        " that have a full page in either database, and for `my tasks` two people with equally many tasks. What has"
        " fewer in the small one is not measured.",
    )
    findings = [Finding(goal, found) for goal, found in ratios.items() if found]
    return Table("Two scales", COLUMNS, rows, notes, findings)


def _kinds(stage: Stage, port: int, stack: ExitStack) -> Iterator[Measured]:
    """Everybody signs in, and gets their tokens, before the other database lets all of them in."""
    tokens = Tokens()
    pages = _pages(stage, port)
    searches = [(name, requests[: stage.options.variants]) for name, requests in _searches(stage)]
    for username in {request.username for _, requests in searches for request in requests}:
        tokens[username]  # makes it
    with stage.connect() as database, stage.connect_to_twin() as twin:
        data.let_in(database, twin)
    for name, large, small in pages:
        rows = [large.rows(), small.rows()]
        if rows[0] == rows[1]:
            yield Measured(INBOX, f"inbox: {name}", rows[0] or "", [(large.get, small.get)])
    for name, requests in searches:
        pairs = [_asking(stage, request, tokens[request.username], port, stack) for request in requests]
        equal = [pair for pair in pairs if _rows(pair[0]) == _rows(pair[1])]
        if equal:
            yield Measured(SEARCH, f"search: {name}", _rows(equal[0][0]), equal)


def _pages(stage: Stage, port: int) -> list[tuple[str, Page, Page]]:
    with stage.connect() as large, stage.connect_to_twin() as small:
        (other, count) = data.rows_of(small, OWN_TASKS, MOST)[0]
        (owner, _count) = data.rows_of(large, OWN_TASKS, count)[0]
        tasks = [data.rows_of(database, NEWEST_TASK)[0] for database in (large, small)]
    (assignee, task), (other_assignee, other_task) = tasks

    def pair(one: tuple[str, str], other: tuple[str, str]) -> tuple[Page, Page]:
        return Page(Visitor(stage.port, one[0]), one[1]), Page(Visitor(port, other[0]), other[1])

    return [
        ("my tasks", *pair((owner, "/inbox/"), (other, "/inbox/"))),
        *((name, *pair((who, path), (who, path))) for name, who, path in LISTS),
        (
            "a task",
            *pair((assignee, f"/inbox/tasks/{task.hex}/"), (other_assignee, f"/inbox/tasks/{other_task.hex}/")),
        ),
    ]


def _searches(stage: Stage) -> list[Kind]:
    """Kinds of search with examples that are busy enough in the small database to fill a page."""
    manager = partial(search, data.MANAGER)
    busy = partial(_busy, stage)
    return [
        ("manager, no filter", [manager()]),
        ("member of 20 groups, no filter", [search(f"member-{number}") for number in range(data.MEMBERS)]),
        ("manager: status", [manager(status=status) for status in STATUSES]),
        ("mine: user + status", [search(who, user_id=who, status=status) for who, status in busy("user_id", "status")]),
        (
            "member: group + status",
            [
                search(member, user_group=group, status=status)
                for group, status in busy("user_group", "status")
                if (member := f"member-{group[-1]}") in data.PERMISSIONS
            ],
        ),
        (
            "manager: definition + status",
            [manager(user_task_def_name=name, status=status) for name, status in busy("user_task_def_name", "status")],
        ),
        ("manager: overdue", [manager(overdue="true")]),
    ]


def _busy(stage: Stage, *columns: str) -> list[tuple[Any, ...]]:
    """Values of these columns that fill a page of the small database, the same every time."""
    names = ", ".join(columns)
    present = " AND ".join(f"{name} IS NOT NULL" for name in columns)
    query: Any = (
        f"SELECT {names} FROM usertasks_usertaskrun WHERE {present} GROUP BY {names} HAVING count(*) >= 50 "
        f"ORDER BY md5(({names})::text) LIMIT %s"
    )
    with stage.connect_to_twin() as database:
        return database.execute(query, [VARIANTS]).fetchall()


def _asking(stage: Stage, request: Request, token: str, port: int, stack: ExitStack) -> tuple[Act, Act]:
    large, small = (stack.enter_context(Client(number, token)) for number in (stage.port, port))
    return partial(large.get, request.path), partial(small.get, request.path)


def _rows(ask: Act) -> int:
    """How many runs the answer has."""
    body = ask()
    assert isinstance(body, bytes)
    return len(orjson.loads(body)["results"])
