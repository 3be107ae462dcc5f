"""`python -m benchmarks.crowd`: one caller in a process of its own, and `Crowd`, which leads several of them.

Callers in threads of one process would share one core of Python: the floor, which is quick, would seem slower with
several clients than PostgreSQL is. So each caller of either side has a process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import IO, Any

import orjson
import psycopg

from .client import Client

type Task = Any
"""For a caller over HTTP [which of its connections, method, path, body, expected status]; for one of SQL its texts."""


@dataclass(frozen=True)
class Crowd:
    """Callers that are ready to begin at the same moment."""

    callers: Sequence[subprocess.Popen[bytes]]

    def per_second(self, tasks: Sequence[Task]) -> float:
        """How many a second they get done, each with its share, from the first beginning to the last end."""
        for number, caller in enumerate(self.callers):
            _write(caller.stdin, tasks[number :: len(self.callers)])
        for caller in self.callers:
            _read(caller)
        for caller in self.callers:
            _write(caller.stdin, "go")
        spans: list[tuple[float, float]] = [_read(caller) for caller in self.callers]
        return len(tasks) / (max(end for _, end in spans) - min(start for start, _ in spans))


@contextmanager
def http_crowd(count: int, port: int, headers: Sequence[str]) -> Iterator[Crowd]:
    """So many callers, each with a connection for every one of the `headers`."""
    with _crowd(count, ["http", port, headers]) as crowd:
        yield crowd


@contextmanager
def sql_crowd(count: int, conninfo: str) -> Iterator[Crowd]:
    with _crowd(count, ["sql", conninfo]) as crowd:
        yield crowd


def bearer(token: str) -> str:
    """The header of whoever has this token."""
    return f"Authorization: Bearer {token}\r\n"


@contextmanager
def _crowd(count: int, kind: list[Any]) -> Iterator[Crowd]:
    with ExitStack() as stack:
        callers = [stack.enter_context(_caller()) for _ in range(count)]
        for caller in callers:
            _write(caller.stdin, kind)
        yield Crowd(callers)


@contextmanager
def _caller() -> Iterator[subprocess.Popen[bytes]]:
    # In its own session: Ctrl-C reaches the leader alone, who then lets all of them go.
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.crowd"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _write(pipe: IO[bytes] | None, message: Any) -> None:
    assert pipe is not None
    pipe.write(orjson.dumps(message) + b"\n")
    pipe.flush()


def _read(caller: subprocess.Popen[bytes]) -> Any:
    assert caller.stdout is not None
    line = caller.stdout.readline()
    if not line:
        raise RuntimeError("A caller has given up: what it said stands above.")
    return orjson.loads(line)


def main() -> None:
    kind, *where = orjson.loads(sys.stdin.buffer.readline())
    act = _http(*where) if kind == "http" else _sql(*where)
    while line := sys.stdin.buffer.readline():
        tasks = orjson.loads(line)
        _write(sys.stdout.buffer, "ready")
        sys.stdin.buffer.readline()
        start = perf_counter()
        for task in tasks:
            act(task)
        _write(sys.stdout.buffer, [start, perf_counter()])


def _http(port: int, headers: Sequence[str]) -> Callable[[Task], None]:
    clients = [Client(port) for _ in headers]
    for client, own in zip(clients, headers, strict=True):
        client.headers += own

    def act(task: Task) -> None:
        which, method, path, body, expected = task
        clients[which].send(method, path, body.encode(), expected)

    return act


def _sql(conninfo: str) -> Callable[[Task], None]:
    database = psycopg.connect(conninfo, autocommit=True)

    def act(texts: Task) -> None:
        with database.cursor() as cursor:
            for text in texts:
                cursor.execute(text)
                if cursor.description:
                    cursor.fetchall()

    return act


if __name__ == "__main__":
    main()
