"""Statements that nearly every request sends: PostgreSQL plans them once for each connection, and not each time.

Django has the values written into each statement, which is then planned for these very values. That is right for
searches, where the plan depends on what is asked for. Who a token belongs to, or one run by its key, has one good plan,
and to make it takes several times as long as to follow it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor


def one_of(name: str) -> str:
    """A condition whose text is the same for however many names the parameter has: see `names`."""
    if connection.vendor == "postgresql":
        return f"= ANY(%({name})s)"
    return f"IN (SELECT value FROM json_each(%({name})s))"  # nosec B608 # the name of a parameter


def names(texts: Collection[str]) -> Any:
    """Names as the parameter of `one_of`."""
    return sorted(texts) if connection.vendor == "postgresql" else json.dumps(sorted(texts))


class PreparedCursor(ServerBindingCursor):
    """Sends what it executes as a prepared statement, with the values beside it."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, prepare=True, **options)  # type: ignore[misc]


@contextmanager
def prepared_cursor() -> Iterator[Any]:
    """A cursor for statements whose text is the same every time; any cursor where `DATABASE_PREPARE` is off.

    Where statements are logged as well: there they stand with their values.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and settings.DATABASE_PREPARE and not connection.queries_logged:
            cursor.cursor.close()
            cursor.cursor = PreparedCursor(connection.connection)  # type: ignore[call-arg]
        yield cursor
