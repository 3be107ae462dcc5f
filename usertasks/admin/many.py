"""Actions of the admin on many rows: done with a few statements, and what became of each is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import batched
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from ..errors import Refused

AT_ONCE = 1000
"""Rows that are changed in one transaction: of a list, all pages can be chosen."""


def do_to_all(
    site: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: Iterable[Any],
    do: Callable[[list[Any]], Mapping[Any, Refused]],
    done: Any,
) -> None:
    """Do it to the rows, and say what became of them.

    `do` takes their primary keys and gives the refusals by these; `done` is a sentence about the `count` of the others.
    """
    count = 0
    for some in batched(rows, AT_ONCE):
        refusals = do([row.pk for row in some])
        for row in some:
            if refusal := refusals.get(row.pk):
                site.message_user(request, f"{row}: {refusal.detail}", messages.ERROR)
        count += len(some) - len(refusals)
    if count:
        site.message_user(request, done % {"count": count}, messages.SUCCESS)
