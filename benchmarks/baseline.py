"""What a request costs before anything is asked of the database: the client, the server and Django's middleware."""

from __future__ import annotations

from functools import partial

from .data import WORKER
from .report import Table
from .stage import PAGE_OF_RUNS, Stage, tell, token_of
from .timing import milliseconds, p50, p95

COLUMNS = ("request", "HTTP p50", "HTTP p95")
NOTES = (
    "Milliseconds, one caller at a time. `/healthz` asks the database nothing: the server's own floor, which every "
    "figure below contains. A malformed `limit` is refused once the token is known (one query): the floor of the API.",
)


def measure(stage: Stage) -> Table:
    tell("baseline")
    requests = {"/healthz": ("/healthz", 200), "refused search": (f"{PAGE_OF_RUNS}?limit=0", 400)}
    rows = []
    with stage.client_of(token_of(WORKER)) as client:
        for name, (path, status) in requests.items():
            ask = partial(client.get, path, status)
            ask()
            times = [milliseconds(ask) for _ in range(stage.options.requests)]
            rows.append((name, p50(times), p95(times)))
    return Table("Baseline", COLUMNS, rows, NOTES)
