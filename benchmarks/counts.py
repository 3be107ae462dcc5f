"""What it takes to count all the boxes of somebody exactly, as the navigation of every page shows them."""

from __future__ import annotations

from functools import partial

from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from .floor import Statements
from .goals import Finding
from .pages import MEMBER, Visitor
from .report import Table
from .stage import Stage, tell
from .timing import milliseconds, p50, p95, percentile

COLUMNS = ("what", "SQL", "p50 ms", "p95 ms")
LIST = "/inbox/groups/"
NOTES = (
    "A member of 20 groups with three saved filters. The counts are those that every page shows, taken in the process "
    "of the benchmark by the function that the pages call; the list page is one of theirs, over HTTP, with these "
    "counts in it. They are held to what is left of that page without them. All three take turns.",
)


def measure(stage: Stage) -> Table:
    tell("counts of all boxes")
    # Models cannot be imported before Django is set up, which is done when the database runs.
    actor_for, tabs_for = (import_string(name) for name in ("usertasks.actors.actor_for", "inbox.boxes.tabs_for"))
    actor = actor_for(get_user_model().objects.get(username=MEMBER))
    visitor = Visitor(stage.port, MEMBER)
    count, get = partial(tabs_for, actor), partial(visitor.get, LIST)
    tabs = count()
    get()
    with CaptureQueriesContext(connection) as captured:
        count()
    statements = Statements(tuple(query["sql"] for query in captured.captured_queries))
    with stage.connect() as database:
        send = partial(statements.send, database)
        times = [(milliseconds(get), milliseconds(count), milliseconds(send)) for _ in range(stage.options.requests)]
    page, counted, bare = (list(column) for column in zip(*times, strict=True))
    counts = [tab.count for tab in tabs if tab.count is not None]
    rows = [
        (f"{len(counts)} counts, the largest {max(counts):,}", len(statements), p50(counted), p95(counted)),
        ("the same SQL by bare psycopg", len(statements), p50(bare), p95(bare)),
        ("a list page over HTTP", visitor.statements(LIST), p50(page), p95(page)),
    ]
    of_page, of_counts = (percentile(column, stage.options.usual) for column in (page, counted))
    rest = max(of_page - of_counts, 0.001)
    return Table("Counts", COLUMNS, rows, NOTES, [Finding("counts", {"counts": of_counts / rest})])
