"""The conditions of a queryset as SQL, for statements of which all the rest is the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FullResultSet
from django.db import connection
from django.db.models import QuerySet


def conditions_of(rows: QuerySet[Any, Any]) -> tuple[str, Sequence[Any]]:
    """What stands between WHERE and ORDER BY, with its parameters; raises `EmptyResultSet` where nothing can match.

    The table goes by its own name. Nothing else of the queryset counts.
    """
    try:
        text, parameters = rows.query.get_compiler(connection=connection).compile(rows.query.where)
    except FullResultSet:
        return "1 = 1", ()
    return text, parameters
