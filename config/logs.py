"""How a line of the log is written: what went wrong and where, and nothing that anybody has typed."""

from __future__ import annotations

import logging
from traceback import TracebackException
from types import TracebackType

from django.db import IntegrityError, OperationalError

TELLING = (IntegrityError, OperationalError)
"""Exceptions whose first line says what an operator has to know; the lines after it are the row that was at fault."""


class LineFormatter(logging.Formatter):
    """Of an exception its class and where it was raised: its message may be an answer, an address or a token."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        if ei[1] is None:
            return ""
        return "".join(_without_messages(ei[1], seen=set())).rstrip()


def _without_messages(exception: BaseException, *, seen: set[int]) -> list[str]:
    """The lines of a traceback, those of the exception that led to it first."""
    lines: list[str] = []
    seen.add(id(exception))
    earlier = exception.__cause__ or (None if exception.__suppress_context__ else exception.__context__)
    if earlier is not None and id(earlier) not in seen:
        lines = [*_without_messages(earlier, seen=seen), "which led to:\n"]
    told = TracebackException(type(exception), exception, exception.__traceback__, lookup_lines=True)
    return [*lines, "Traceback (most recent call last):\n", *told.stack.format(), f"{_named(exception)}\n"]


def _named(exception: BaseException) -> str:
    name = f"{type(exception).__module__}.{type(exception).__qualname__}"
    return f"{name}: {str(exception).strip().partition(chr(10))[0]}" if isinstance(exception, TELLING) else name
