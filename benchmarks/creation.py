"""How many runs a second are created, one by one and by the batch."""

from __future__ import annotations

from typing import Any

import orjson

from . import data
from .floor import statements_of_post
from .goals import Finding
from .report import Table
from .stage import PAGE_OF_RUNS, Stage, tell, token_of
from .timing import per_second, percentile

COLUMNS = ("creation", "SQL", "HTTP runs/s", "floor runs/s", "ratio")
NOTES = (
    "Runs a second, one client; the median of the rounds, in each of which HTTP and floor take turns. `SQL` counts the "
    "statements of a request.",
)
BATCH = 1000
REQUEST = {
    "user_task_def": {"name": data.WORKED_ON},
    "user_group": data.WORKSHOP,
    "notes": "Please look at the attachment first.",
    "due_at": "2030-01-01T00:00:00Z",
}


def measure(stage: Stage) -> Table:
    token = token_of(data.SERVICE)
    batch = orjson.dumps({"runs": [REQUEST] * BATCH})
    single = _measured(stage, token, PAGE_OF_RUNS, orjson.dumps(REQUEST), runs=1, requests=stage.options.operations)
    many = _measured(stage, token, f"{PAGE_OF_RUNS}batch/", batch, runs=BATCH, requests=1)
    rows = [("one by one", *single), (f"batch of {BATCH:,}", *many)]
    gain = rows[1][2] / rows[0][2]
    notes = (*NOTES, f"Over HTTP a batch creates {gain:.0f} times as many as one by one.")
    return Table("Creation", COLUMNS, rows, notes, [Finding("batch", {"batch": gain})])


def _measured(stage: Stage, token: str, path: str, body: bytes, *, runs: int, requests: int) -> tuple[Any, ...]:
    """One row; each request creates so many runs."""
    statements_of_post(path, body, token)  # what this process remembers from then on, it does not ask for again
    sample = statements_of_post(path, body, token)
    http, floor = [], []
    with stage.client_of(token) as client, stage.connect() as database:
        for number in range(stage.options.rounds):
            tell(f"creation: {runs:,} at a time, round {number + 1} of {stage.options.rounds}")
            fresh = [sample.with_fresh() for _ in range(requests)]
            http.append(runs * per_second([client], range(requests), lambda caller, _: caller.post(path, body, 201)))
            floor.append(runs * per_second([database], fresh, lambda bare, statements: statements.send(bare)))
    created, at_most = (percentile(rates, 1 - stage.options.usual) for rates in (http, floor))
    return len(sample), created, at_most, at_most / created
