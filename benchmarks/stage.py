"""What every measurement is given: the servers, the people in the database, and how much to measure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from io import StringIO

import psycopg
from django.core.management import call_command

from .client import Client

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


@dataclass(frozen=True)
class Stage:
    options: Options
    port: int
    conninfo: str

    def connect(self) -> psycopg.Connection:
        """A bare connection: a transaction begins where the SQL says BEGIN."""
        return psycopg.connect(self.conninfo, autocommit=True)

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
