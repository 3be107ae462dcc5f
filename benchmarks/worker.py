"""What happens by itself: timers that are due, webhooks, and how soon a receiver learns of a completion."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, LiteralString

import orjson
import psycopg

from . import data
from .receiver import Receiver, receiver
from .report import Table
from .servers import worker
from .stage import PAGE_OF_RUNS, Stage, tell, token_of
from .timing import p50, p95

COLUMNS = ("what", "workers", "armed for later", "a second", "p50 ms", "p95 ms", "ratio to none armed")
NOTES = (
    "Timers and webhooks are there at once, and counted until the last one is settled. A webhook is measured from the "
    "event, which is not in the feed yet, to the receiver. The time of a completion runs from its answer over HTTP to "
    "the receiver, on a system with nothing else to do; a worker looks for work ten times a second.",
)
SECONDS_FOR_ALL = 1800

DUE_TIMERS: LiteralString = """
WITH run AS (
    INSERT INTO usertasks_usertaskrun
        (id, wf_run_id, definition_id, user_task_def_name, user_task_def_version, user_id, user_group, status, results,
         notes, scheduled_time, epoch, version, priority, request_digest, actions)
    SELECT gen_random_uuid(), 'wf-timer', d.id, d.name, d.version, 'person-0001', %(group)s, 'ASSIGNED', '{}', '',
        now() - interval '1 hour', 1, 1, 50, '', '[{"hook": "ON_ARRIVAL", "delay_seconds": 60, "cancel": {}}]'
    FROM generate_series(1, %(count)s), usertasks_usertaskdef d WHERE d.name = %(definition)s AND d.version = 0
    RETURNING id
)
INSERT INTO usertasks_armedhook
    (run_id, hook, action, arguments, delay_seconds, epoch, due_at, state, reason, next_attempt_at, attempts, error)
SELECT id, 'ON_ARRIVAL', action, arguments::jsonb, 60, 1, now() - interval '59 minutes', 'armed', '',
    now() - interval '59 minutes', 0, ''
FROM (SELECT id, row_number() OVER () %% 2 AS turn FROM run) AS run JOIN (VALUES
    (0, 'reassign', '{"user_id": null, "user_group": "group-001"}'), (1, 'cancel', '{}')
) AS act (turn, action, arguments) USING (turn)
"""

LATER_TIMERS: LiteralString = """
INSERT INTO usertasks_armedhook
    (run_id, hook, action, arguments, delay_seconds, epoch, due_at, state, reason, next_attempt_at, attempts, error)
SELECT run.id, 'ON_ARRIVAL', 'cancel', '{}', 60, 1, later, 'armed', '', later, 0, ''
FROM (SELECT id FROM usertasks_usertaskrun WHERE status IN ('ASSIGNED', 'UNASSIGNED') LIMIT 10000) AS run,
    generate_series(1, %(times)s) turn,
    LATERAL (SELECT now() + interval '1 day' * (1 + random() * turn) AS later) AS due
LIMIT %(count)s
"""

EVENTS: LiteralString = """
INSERT INTO usertasks_usertaskevent (run_id, number, time, type, actor, data)
SELECT id, 1000 + %(number)s, now(), 'saved', 'person-0001', '{"user_id": "person-0001", "results": {}}'
FROM usertasks_usertaskrun LIMIT %(count)s
"""

# By the index: those that are leased are due again within a minute, those for later in a day at the earliest.
OPEN_TIMERS: LiteralString = (
    "SELECT count(*) FROM usertasks_armedhook WHERE state = 'armed' AND next_attempt_at < now() + interval '1 hour'"
)


def measure(stage: Stage) -> Table:
    rows: list[tuple[Any, ...]] = []
    with stage.connect() as database, receiver() as taken:
        base: dict[tuple[str, int], float] = {}
        for armed in (0, stage.options.armed):
            _arm_for_later(database, armed)
            for workers in (1, 2):
                with _working(workers):
                    rows.append(_row("timers", workers, armed, _timers(stage, database, workers), base))
                    rows.append(_row("webhooks", workers, armed, _webhooks(stage, database, taken, workers), base))
            with _working(1):
                rows.append(_latency_row(stage, database, taken, armed, base))
    return Table("By itself", COLUMNS, rows, NOTES)


def _row(what: str, workers: int, armed: int, rate: float, base: dict[tuple[str, int], float]) -> tuple[Any, ...]:
    ratio = base.setdefault((what, workers), rate) / rate
    return (what, workers, f"{armed:,}", rate, "", "", ratio)


def _latency_row(
    stage: Stage, database: psycopg.Connection, taken: Receiver, armed: int, base: dict[tuple[str, int], float]
) -> tuple[Any, ...]:
    times = _latencies(stage, database, taken)
    ratio = p50(times) / base.setdefault(("completion", 1), p50(times))
    return ("completion to receiver", 1, f"{armed:,}", "", p50(times), p95(times), ratio)


def _arm_for_later(database: psycopg.Connection, count: int) -> None:
    if count:
        tell(f"by itself: arming {count:,} timers for later")
        database.execute(LATER_TIMERS, {"count": count, "times": count // 100 + 1})
    database.execute("VACUUM ANALYZE")
    database.execute("CHECKPOINT")


def _timers(stage: Stage, database: psycopg.Connection, workers: int) -> float:
    """Timers a second."""
    count = stage.options.due
    tell(f"by itself: {count:,} timers, {workers} workers")
    start = perf_counter()
    database.execute(DUE_TIMERS, {"count": count, "group": data.WORKSHOP, "definition": data.WORKED_ON})
    while _number(database, OPEN_TIMERS):
        time.sleep(0.05)
    return count / (perf_counter() - start)


def _webhooks(stage: Stage, database: psycopg.Connection, taken: Receiver, workers: int) -> float:
    """Webhooks a second."""
    tell(f"by itself: {stage.options.due:,} webhooks, {workers} workers")
    with _endpoint(stage, taken):
        taken.clear()
        start = perf_counter()
        number = _number(database, "SELECT count(*) FROM usertasks_usertaskevent")
        database.execute(EVENTS, {"number": number, "count": stage.options.due})
        count = min(stage.options.due, stage.options.runs)
        taken.wait_for(count, seconds=SECONDS_FOR_ALL)
        return count / (perf_counter() - start)


def _latencies(stage: Stage, database: psycopg.Connection, taken: Receiver) -> list[float]:
    """Milliseconds from the answer to a completion until the receiver has it."""
    tell("by itself: from a completion to the receiver")
    body = orjson.dumps({"results": data.ANSWERS})
    token = token_of(data.WORKER)
    with _endpoint(stage, taken, "completed"), stage.client_of(token) as client:
        return [
            _latency(client, run, body, taken, number)
            for number, run in enumerate(data.waiting_runs(database, stage.options.operations))
        ]


def _latency(client: Any, run: str, body: bytes, taken: Receiver, number: int) -> float:
    taken.clear()
    time.sleep(0.037 * (number % 7))  # not always at the same moment between two looks of the worker
    client.post(f"{PAGE_OF_RUNS}{run}/complete/", body)
    done = perf_counter()
    taken.wait_for(1, seconds=60)
    return max(0.0, (next(iter(taken.arrivals.values())) - done) * 1000)


@contextmanager
def _endpoint(stage: Stage, taken: Receiver, *event_types: str) -> Iterator[None]:
    """An endpoint that leads to the receiver, made and deleted over HTTP."""
    token = token_of(data.SERVICE)
    with stage.client_of(token) as client:
        asked = {"url": f"http://127.0.0.1:{taken.port}/", "event_types": list(event_types)}
        made = orjson.loads(client.post("/api/v1/webhook-endpoints/", orjson.dumps(asked), 201))
    try:
        yield
    finally:
        with stage.client_of(token) as client:  # the server closes a connection that is idle for half a minute
            client.delete(f"/api/v1/webhook-endpoints/{made['id']}/")


@contextmanager
def _working(count: int) -> Iterator[None]:
    """So many workers, until the block ends."""
    with TemporaryDirectory(prefix="usertasks-bench-") as folder, ExitStack() as stack:
        for number in range(count):
            stack.enter_context(worker(folder, number))
        yield


def _number(database: psycopg.Connection, query: LiteralString) -> int:
    row = database.execute(query).fetchone()
    assert row is not None
    return int(row[0])
