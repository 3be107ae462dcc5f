"""How many claims, saves and completions a second there are, for one client and for several at once."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg

from . import data
from .client import Client
from .floor import Statements, statements_of_post
from .report import Table
from .stage import PAGE_OF_RUNS, Stage, tell, token_of
from .timing import per_second

COLUMNS = ("operation", "clients", "SQL", "HTTP/s", "floor/s", "ratio")
NOTES = (
    "A second; the median of the rounds, in each of which HTTP and floor take turns. `SQL` counts the statements of a "
    "request, BEGIN and COMMIT among them. Each client has a thread and a connection of its own, on both sides.",
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

    def ask(self, client: Client, run: str) -> None:
        client.post(f"{PAGE_OF_RUNS}{run}/{self.verb}/", self.body)

    def send(self, database: psycopg.Connection, statements: Statements) -> None:
        statements.send(database)

    def statements_for(self, runs: Sequence[str]) -> list[Statements]:
        return [self.statements.with_other({self.sample: run}) for run in runs]


def measure(stage: Stage) -> Table:
    token = token_of(data.WORKER)
    with stage.connect() as database:
        operations = _operations(database, token)
    rows: list[tuple[Any, ...]] = []
    for clients in sorted({1, stage.options.clients}):
        rates = _rates(stage, operations, clients, token)
        for operation, (http, floor) in zip(operations, rates, strict=True):
            rows.append((operation.verb, clients, len(operation.statements), http, floor, floor / http))
    return Table("Operations", COLUMNS, rows, NOTES)


def _operations(database: psycopg.Connection, token: str) -> list[Operation]:
    """The verbs with the SQL that each sends: learnt from one run that goes through all of them."""
    (sample,) = data.waiting_runs(database, 1)
    return [
        Operation(verb, body, sample, statements_of_post(f"{PAGE_OF_RUNS}{sample}/{verb}/", body, token))
        for verb, body in VERBS.items()
    ]


def _rates(stage: Stage, operations: list[Operation], clients: int, token: str) -> list[tuple[float, float]]:
    """(HTTP, floor) a second of each operation."""
    rounds = []
    with ExitStack() as stack:
        callers = [stack.enter_context(stage.client_of(token)) for _ in range(clients)]
        databases = [stack.enter_context(stage.connect()) for _ in range(clients)]
        for number in range(stage.options.rounds):
            tell(f"operations: {clients} at a time, round {number + 1} of {stage.options.rounds}")
            count = stage.options.operations
            runs = data.waiting_runs(databases[0], 2 * count)
            rounds.append(
                [
                    _one_round(operation, callers, databases, runs, is_http_first=number % 2 == 0)
                    for operation in operations
                ]
            )
    return [
        (statistics.median(http for http, _ in found), statistics.median(floor for _, floor in found))
        for found in zip(*rounds, strict=True)
    ]


def _one_round(
    operation: Operation,
    callers: list[Client],
    databases: list[psycopg.Connection],
    runs: list[str],
    *,
    is_http_first: bool,
) -> tuple[float, float]:
    """(HTTP, floor) a second: one half of the runs over HTTP, the other by SQL."""
    middle = len(runs) // 2
    statements = operation.statements_for(runs[middle:])
    if is_http_first:
        http = per_second(callers, runs[:middle], operation.ask)
        return http, per_second(databases, statements, operation.send)
    floor = per_second(databases, statements, operation.send)
    return per_second(callers, runs[:middle], operation.ask), floor
