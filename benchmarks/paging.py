"""Page 1 beside a page deep down that was reached by cursors, in turns."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson

from . import data
from .client import Client
from .goals import Finding
from .pages import MEMBER, Visitor
from .report import Table
from .search import search
from .stage import Stage, tell, token_of
from .timing import in_turns, judged, p50, p95

COLUMNS = ("list", "page", "its p50", "its p95", "page 1 p50", "page 1 p95", "ratio p50", "ratio p95")
NEXT = re.compile(r'<a rel="next" href="([^"]+)"')


@dataclass(frozen=True)
class List:
    """A list with its first page; `get` gives a page, `next_of` the path of the page after a body."""

    name: str
    path: str
    get: Callable[[str], bytes]
    next_of: Callable[[bytes], str | None]


def measure(stage: Stage) -> Table:
    rows, ratios = [], {}
    for listed in _lists(stage):
        tell(f"paging: {listed.name}, by cursors to page {stage.options.depth:,}")
        number, path = _deep_page(listed, stage.options.depth)
        pair = (partial(listed.get, path), partial(listed.get, listed.path))
        deep, first = in_turns([pair], stage.options.requests)
        at = stage.options.slow
        ratios[listed.name] = judged(deep, [pair], at) / judged(first, [pair], at)
        both = (p50(deep) / p50(first), p95(deep) / p95(first))
        rows.append((listed.name, f"{number:,}", p50(deep), p95(deep), p50(first), p95(first), *both))
    notes = (
        "Milliseconds, in turns. Searches have 50 runs a page, lists of the inbox 25. A list that ends before page "
        f"{stage.options.depth:,} is measured at its last full page.",
    )
    return Table("Paging", COLUMNS, rows, notes, [Finding("deep page", ratios)])


def _lists(stage: Stage) -> Iterator[List]:
    for name, request in (
        ("search: manager, no filter", search(data.MANAGER)),
        ("search: manager, done", search(data.MANAGER, status="DONE")),
        ("search: member of 20 groups", search(MEMBER)),
    ):
        yield List(name, request.path, Client(stage.port, token_of(request.username)).get, _next_of_search)
    for name, username in (("inbox: all of a manager", data.MANAGER), ("inbox: all of a member", MEMBER)):
        yield List(name, "/inbox/all/", partial(_page_of, Visitor(stage.port, username)), _next_of_page)


def _deep_page(listed: List, depth: int) -> tuple[int, str]:
    """The number and the path of the page that is so many pages down, or of the last one with another one after it."""
    number, path = 1, listed.path
    following = listed.next_of(listed.get(path))
    while following is not None and number < depth:
        after = listed.next_of(listed.get(following))
        if after is None:
            break
        number, path, following = number + 1, following, after
    return number, path


def _next_of_search(body: bytes) -> str | None:
    following: Any = orjson.loads(body)["next"]
    if following is None:
        return None
    link = urlsplit(following)
    return f"{link.path}?{link.query}"


def _page_of(visitor: Visitor, path: str) -> bytes:
    """Not compressed: what follows is read in it, and both pages are asked for alike."""
    return visitor.get(path, **{"Accept-Encoding": "identity"})[1]


def _next_of_page(body: bytes) -> str | None:
    found = NEXT.search(body.decode())
    return f"/inbox/all/{html.unescape(found[1])}" if found else None
