"""What every measurement is given: the servers, the people in the database, and how much to measure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from io import StringIO

import psycopg
from django.core.management import call_command

from .client import Client
from .servers import CORES, conninfo

TWIN = "twin"
PAGE_OF_RUNS = "/api/v1/user-task-runs/"


@dataclass(frozen=True)
class Options:
    """How much to measure. `operations` and `rounds` count for each row of the tables of operations."""

    runs: int
    requests: int
    operations: int
    rounds: int
    clients: int
    due: int
    """Timers, and webhooks, that are due at once."""
    armed: int
    """Timers that are armed for later, beside none."""
    small: int = 10_000
    """The runs of the twin, the small database beside the large one."""
    web_workers: int = CORES
    """Processes of the web server."""
    memory_requests: int = 100_000
    variants: int = 20
    """So many searches of each kind take turns, for different people and groups: one alone would be a special case."""
    depth: int = 1000
    """The page by cursor that is compared with the first one."""
    slow: float = 0.95
    """Which part of the times is held to the goals that speak of p95; see `timing.judged`."""
    usual: float = 0.5
    """The same of the goals that speak of p50."""


@dataclass(frozen=True)
class Stage:
    """`port` is that of the web server, on the large database, which is this process's too."""

    options: Options
    port: int
    conninfo: str
    folder: str = ""
    """A temporary one, for logs."""
    twin_url: str = ""
    """The small database, with the same people."""

    def connect(self) -> psycopg.Connection:
        """A bare connection: a transaction begins where the SQL says BEGIN."""
        return psycopg.connect(self.conninfo, autocommit=True)

    def connect_to_twin(self) -> psycopg.Connection:
        return psycopg.connect(conninfo(TWIN), autocommit=True)

    def client_of(self, token: str | None) -> Client:
        return Client(self.port, token)


def token_of(username: str) -> str:
    """A new API token, made as an operator makes one."""
    printed = StringIO()
    call_command("create_api_token", username, stdout=printed)
    return printed.getvalue().strip()


def tell(line: str) -> None:
    """A line about what is being done; the tables alone go to stdout."""
    print(f"... {line}", file=sys.stderr, flush=True)
