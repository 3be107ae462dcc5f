"""The floor: the very SQL that a request sends, sent again by bare psycopg without Django, HTTP or rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import psycopg
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from .client import HOST

GUID = re.compile(r"\b[0-9a-f]{32}\b")
"""How psycopg writes a uuid into SQL, and how the application writes the name of a workflow run that it makes up."""


@dataclass(frozen=True)
class Statements:
    """The SQL of one request in order, as PostgreSQL gets it: parameters filled in, BEGIN and COMMIT among it."""

    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def with_other(self, names: Mapping[str, str]) -> Statements:
        """The same for other rows: `names` maps the guids of these to those of others."""
        replace = partial(GUID.sub, lambda found: names.get(found[0], found[0]))
        return Statements(tuple(replace(text) for text in self.texts))

    def with_fresh(self) -> Statements:
        """The same for rows that do not exist yet."""
        guids = {guid for text in self.texts for guid in GUID.findall(text)}
        return self.with_other({guid: uuid4().hex for guid in guids})

    def send(self, database: psycopg.Connection) -> list[tuple[Any, ...]]:
        """Send them all and fetch every row, as a request does; gives the rows of the last one.

        The server has the first one prepared, which tells who calls. The others psycopg would prepare by itself once it
        has sent the same text some times, which nobody does who is asked for ever other things.
        """
        rows: list[tuple[Any, ...]] = []
        with database.cursor() as cursor:
            for place, text in enumerate(self.texts):
                cursor.execute(text, prepare=place == 0)
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def send_and_tell(self, database: psycopg.Connection) -> bytes:
        """Send them, and turn the last one's rows into JSON."""
        return orjson.dumps(self.send(database))


def statements_of(request: Callable[[Client], Any], token: str) -> Statements:
    """What a request of whoever has this token sends. It goes through all of Django in this process, and has its
    effect."""
    client = Client(SERVER_NAME=HOST, headers={"Authorization": f"Bearer {token}"})
    with CaptureQueriesContext(connection) as captured:
        response = request(client)
    if response.status_code >= 400:
        raise RuntimeError(f"The request was refused with {response.status_code}: {response.content[:500]!r}")
    return Statements(tuple(query["sql"] for query in captured.captured_queries))


def statements_of_get(path: str, token: str) -> Statements:
    """The second time: by then this process remembers what a server that runs for a while does."""
    statements_of(lambda client: client.get(path), token)
    return statements_of(lambda client: client.get(path), token)


def statements_of_post(path: str, body: bytes, token: str) -> Statements:
    return statements_of(lambda client: client.post(path, body, content_type="application/json"), token)
