"""How many claims, saves and completions a second there are, for one client and for several at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg

from . import data
from .crowd import Crowd, Task, bearer, http_crowd, sql_crowd
from .floor import Statements, statements_of_post
from .goals import Finding
from .report import Table
from .stage import PAGE_OF_RUNS, Stage, tell, token_of
from .timing import percentile

COLUMNS = ("operation", "clients", "SQL", "HTTP/s", "floor/s", "of the floor")
NOTES = (
    "A second; the median of the rounds, in each of which HTTP and floor take turns. `SQL` counts the statements of a "
    "request, BEGIN and COMMIT among them. Each client has a process and a connection of its own, on both sides.",
)
VERBS = {
    "claim": b"{}",
    "save-progress": orjson.dumps({"results": data.ANSWERS}),
    "complete": orjson.dumps({"results": data.ANSWERS}),
}
"""The operations, in the order in which a run goes through them, and their bodies."""


@dataclass(frozen=True)
class Operation:
    """One verb: a request for a run, and its SQL for that run."""

    verb: str
    body: bytes
    sample: str
    statements: Statements

    def requests_for(self, runs: Sequence[str]) -> list[Task]:
        return [request(self.verb, run) for run in runs]

    def statements_for(self, runs: Sequence[str]) -> list[Task]:
        return [self.statements.with_other({self.sample: run}).texts for run in runs]


def request(verb: str, run: str) -> Task:
    """What a caller is to send."""
    return [0, "POST", f"{PAGE_OF_RUNS}{run}/{verb}/", VERBS[verb].decode(), 200]


def measure(stage: Stage) -> Table:
    token = token_of(data.WORKER)
    with stage.connect() as database:
        operations = _operations(database, token)
    rows: list[tuple[Any, ...]] = []
    for clients in sorted({1, stage.options.clients}):
        rates = _rates(stage, operations, clients, token)
        for operation, (http, floor) in zip(operations, rates, strict=True):
            rows.append((operation.verb, clients, len(operation.statements), http, floor, http / floor))
    alone = {row[0]: row[5] for row in rows if row[1] == 1}
    several = {row[0]: row[5] for row in rows if row[1] != 1} or alone
    findings = (Finding("operations alone", alone), Finding("operations", several))
    return Table("Operations", COLUMNS, rows, NOTES, findings)


def _operations(database: psycopg.Connection, token: str) -> list[Operation]:
    """The verbs with the SQL that each sends: learnt from a run that goes through all of them, after another one has
    filled what this process remembers."""
    first, sample = data.waiting_runs(database, 2)
    learnt = {
        run: [
            Operation(verb, body, run, statements_of_post(f"{PAGE_OF_RUNS}{run}/{verb}/", body, token))
            for verb, body in VERBS.items()
        ]
        for run in (first, sample)
    }
    return learnt[sample]


def _rates(stage: Stage, operations: list[Operation], clients: int, token: str) -> list[tuple[float, float]]:
    """(HTTP, floor) a second of each operation."""
    rounds = []
    with ExitStack() as stack:
        callers = stack.enter_context(http_crowd(clients, stage.port, [bearer(token)]))
        databases = stack.enter_context(sql_crowd(clients, stage.conninfo))
        database = stack.enter_context(stage.connect())
        for number in range(stage.options.rounds):
            tell(f"operations: {clients} at a time, round {number + 1} of {stage.options.rounds}")
            runs = data.waiting_runs(database, 2 * stage.options.operations)
            rounds.append(
                [
                    _one_round(operation, callers, databases, runs, is_http_first=number % 2 == 0)
                    for operation in operations
                ]
            )
    best = 1 - stage.options.usual
    return [
        (percentile([http for http, _ in found], best), percentile([floor for _, floor in found], best))
        for found in zip(*rounds, strict=True)
    ]


def _one_round(
    operation: Operation, callers: Crowd, databases: Crowd, runs: list[str], *, is_http_first: bool
) -> tuple[float, float]:
    """(HTTP, floor) a second: one half of the runs over HTTP, the other by SQL."""
    middle = len(runs) // 2
    requests, statements = operation.requests_for(runs[:middle]), operation.statements_for(runs[middle:])
    if is_http_first:
        http = callers.per_second(requests)
        return http, databases.per_second(statements)
    floor = databases.per_second(statements)
    return callers.per_second(requests), floor
