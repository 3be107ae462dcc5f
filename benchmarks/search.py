"""How long each kind of search takes, for one caller at a time."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from . import data
from .floor import Statements, statements_of_get
from .goals import Finding
from .report import Table
from .stage import PAGE_OF_RUNS, Stage, tell, token_of
from .timing import in_turns, judged, p50, p95

PAGE = 100
VARIANTS = 20
"""So many examples are taken from the data: the first ones may be one and the same special case."""
FULL = 50
"""The runs of a full page: those searches are held to the goal."""

COLUMNS = ("search", "rows", "SQL", "HTTP p50", "HTTP p95", "floor p50", "floor p95", "ratio p50", "ratio p95")
NOTES = (
    "Milliseconds, one caller at a time; `SQL` counts the statements of a request, `rows` the runs in its answer.",
)
STATUSES = ("UNASSIGNED", "ASSIGNED", "DONE", "CANCELLED")


@dataclass(frozen=True)
class Request:
    """A search, and who makes it."""

    username: str
    path: str


type Kind = tuple[str, list[Request]]


def search(username: str, **filters: Any) -> Request:
    return Request(username, f"{PAGE_OF_RUNS}?{urlencode(filters, doseq=True)}")


def measure(stage: Stage) -> Table:
    tokens = Tokens()
    rows: list[tuple[Any, ...]] = []
    for name, requests in kinds(stage, tokens):
        tell(f"search: {name}")
        rows.append((name, *_measured(stage, requests[: stage.options.variants], tokens)))
    full = {str(row[0]): float(row[7]) for row in rows if row[1] == FULL}
    return Table("Searches", COLUMNS, rows, NOTES, [Finding("search", full)] if full else [])


class Tokens(dict[str, str]):
    """username → a token, made when first asked for."""

    def __missing__(self, username: str) -> str:
        return self.setdefault(username, token_of(username))


def kinds(stage: Stage, tokens: Tokens) -> Iterator[Kind]:
    """Every kind of search with examples from the data."""
    manager, member = partial(search, data.MANAGER), "member-0"
    yield "manager, no filter, page 1", [manager()]
    yield f"manager, no filter, page {PAGE}", [_page(stage, manager(), tokens)]
    yield "member of 20 groups, no filter, page 1", [search(f"member-{n}") for n in range(data.MEMBERS)]
    yield f"member of 20 groups, no filter, page {PAGE}", [_page(stage, search(member), tokens)]
    yield "manager: status", [manager(status=status) for status in STATUSES]
    examples = partial(_examples, stage)
    yield (
        "my inbox: user + status",
        [search(user, user_id=user, status=status) for user, status in examples("user_id", "status", where=OPEN)],
    )
    yield (
        "member: group + status",
        [
            search(user, user_group=group, status=status)
            for group, status, user in examples("user_group", "status", also=", 'member-' || right(user_group, 1)")
            if user in data.PERMISSIONS
        ],
    )
    yield (
        "manager: definition + status",
        [
            manager(user_task_def_name=name, status=status)
            for name, status in examples("user_task_def_name", "status", where=OPEN)
        ],
    )
    every = ("user_task_def_name", "user_id", "user_group", "status")
    yield "manager: all four", [manager(**dict(zip(every, found, strict=True))) for found in examples(*every)]
    yield "manager: time range", [manager(earliest_start=start, latest_start=end) for start, end in _weeks(stage)]
    yield "manager: overdue", [manager(overdue="true")]
    yield "my inbox: overdue", [search(user, overdue="true") for (user,) in examples("user_id", where=OPEN)]


OPEN = "status = 'ASSIGNED'"


def _examples(stage: Stage, *columns: str, where: str = "true", also: str = "") -> list[tuple[Any, ...]]:
    """Different values of these columns that runs have: the busy ones and the idle ones alike, the same every time."""
    names = ", ".join(columns)
    present = " AND ".join(f"{name} IS NOT NULL" for name in columns)
    query: Any = (
        f"SELECT {names}{also} FROM (SELECT DISTINCT {names} FROM usertasks_usertaskrun WHERE {where} AND {present}) t "
        f"ORDER BY md5(({names})::text) LIMIT %s"
    )
    with stage.connect() as database:
        return database.execute(query, [VARIANTS]).fetchall()


def _weeks(stage: Stage) -> list[tuple[str, str]]:
    query = """
        SELECT scheduled_time, scheduled_time + interval '7 days' FROM usertasks_usertaskrun
        ORDER BY md5(scheduled_time::text) LIMIT %s
    """
    with stage.connect() as database:
        found = database.execute(query, [VARIANTS]).fetchall()
    return [(start.isoformat(), end.isoformat()) for start, end in found]


def _page(stage: Stage, first: Request, tokens: Tokens) -> Request:
    """Page `PAGE` of a search, or its last one, as one gets there: from page to page."""
    path = first.path
    with stage.client_of(tokens[first.username]) as client:
        for _ in range(PAGE - 1):
            following = client.get_json(path)["next"]
            if following is None:
                break
            link = urlsplit(following)
            path = f"{link.path}?{link.query}"
    return Request(first.username, path)


def _measured(stage: Stage, requests: list[Request], tokens: Tokens) -> tuple[Any, ...]:
    clients = {name: stage.client_of(tokens[name]) for name in {request.username for request in requests}}
    sql = [statements_of_get(request.path, tokens[request.username]) for request in requests]
    with stage.connect() as database:
        asking = [partial(clients[request.username].get, request.path) for request in requests]
        pairs = [
            (ask, partial(statements.send_and_tell, database)) for ask, statements in zip(asking, sql, strict=True)
        ]
        found = [_rows(ask, send) for ask, send in pairs]
        http, floor = in_turns(pairs, stage.options.requests)
    for client in clients.values():
        client.socket.close()
    return (
        round(statistics.median(found)),
        _median_length(sql),
        p50(http),
        p95(http),
        p50(floor),
        p95(floor),
        judged(http, pairs, stage.options.usual) / judged(floor, pairs, stage.options.usual),
        p95(http) / p95(floor),
    )


def _rows(ask: Callable[[], bytes], send: Callable[[], bytes]) -> int:
    """How many runs the answer has. Also warms both sides up, and holds them to each other."""
    told, raw = len(orjson.loads(ask())["results"]), len(orjson.loads(send()))
    if told > raw:
        raise RuntimeError(f"The server told {told} runs, and the same SQL gave {raw} rows.")
    return told


def _median_length(sql: list[Statements]) -> int:
    return int(statistics.median(len(statements) for statements in sql))
