"""The worker: publishes what has happened, fires what is due, sends what is pending. Any number may run at once.

Everything a worker does is a row that it leases, in a transaction of its own: see `models/leases.py`. What talks to the
outside world is a `Job`: it leases items, performs them in threads that hold no transaction, and settles each one.
Whoever is killed repeats at most what was in the air, and loses none of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection, models
from django.tasks import TaskResultStatus
from django.utils import timezone

from . import operations, totals
from .audit import seal
from .errors import Refused
from .models import ArmedHook
from .operations import TaskCall
from .tasks import registered_tasks, task_at

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60
EXTEND_SECONDS = 20
"""So often the leases of what is in the air are prolonged, however long it takes."""
HOOKS_AT_ONCE = 50
IDLE_SECONDS = 0.1
"""How long a worker that found nothing to do waits before it looks again."""
SECONDS_AFTER_TROUBLE = 1.0
HEALTH_SECONDS = 1.0
FOLD_SECONDS = 10.0
"""So often what has ended is added to the totals: who counts in between adds it up."""


@dataclass(frozen=True)
class Item:
    """A leased row, and what its job knows about it."""

    row: models.Model
    work: Any


class Job(Protocol):
    """Work whose slow part touches the outside world."""

    name: str

    def take(self, now: datetime, limit: int) -> Sequence[Item]:
        """Lease up to `limit` items that are due."""

    def perform(self, item: Item) -> Any:
        """The slow part: in a thread, in no transaction. What it gives, or the exception it raises, is settled."""

    def settle(self, item: Item, result: Any, now: datetime) -> None:
        """Write down what became of it, in one transaction; `result` is what `perform` gave."""


def log(what: str, **facts: Any) -> None:
    """A structured line: `what=... name=value ...`."""
    logger.info("what=%s %s", what, " ".join(f"{name}={value}" for name, value in facts.items()))


class TaskFailed(Exception):
    """A task that was run at once raised this."""


class TaskHooks:
    """Hooks that run a task. Starting one may be slow, and may be all of it: that is up to the back end of the task."""

    name = "task"

    def take(self, now: datetime, limit: int) -> Sequence[Item]:
        leased = ArmedHook.objects.due_tasks(now).lease(now, seconds=LEASE_SECONDS, limit=limit)
        calls = [(hook, _fired(hook, now)) for hook in leased]
        return [Item(hook, call) for hook, call in calls if isinstance(call, TaskCall)]

    def perform(self, item: Item) -> dict[str, Any]:
        call: TaskCall = item.work
        path = registered_tasks().get(call.task_def_name)
        if path is None:
            raise LookupError(f"No task is registered as {call.task_def_name}.")
        result = task_at(path).enqueue(run=call.run, variables=call.variables, key=call.key)
        if result.status == TaskResultStatus.FAILED:  # a back end that runs it at once, and does not repeat it
            raise TaskFailed(result.errors[-1].traceback.strip().splitlines()[-1])
        return {"id": result.id, "status": str(result.status)}

    def settle(self, item: Item, result: Any, now: datetime) -> None:
        if isinstance(result, Exception):
            _put_off(item.row, result, now)
        else:
            operations.record_task(item.work, result, now=now)
            log("task", hook=item.row.pk, **result)


MAX_RETRY_SECONDS = 3600


def _put_off(hook: Any, problem: Exception, now: datetime) -> None:
    """The task could not be started: it stays armed, says why, and is tried again, at last every hour."""
    delay = min(MAX_RETRY_SECONDS, 2.0 ** min(hook.attempts, 20))
    error = f"{type(problem).__name__}: {problem}"[:1000]
    rows = ArmedHook.objects.still_leased(hook).armed()
    rows.update(next_attempt_at=now + timedelta(seconds=delay), error=error)
    log("task_failed", hook=hook.pk, attempt=hook.attempts, error=type(problem).__name__)


def fire_due(now: datetime, *, limit: int = HOOKS_AT_ONCE) -> int:
    """Fire, or let lapse, up to `limit` of the due hooks that reassign or cancel; how many were settled."""
    leased = ArmedHook.objects.due_changes(now).lease(now, seconds=LEASE_SECONDS, limit=limit)
    return sum(_fire(hook, now) for hook in leased)


def _fire(hook: ArmedHook, now: datetime) -> int:
    return 1 if _fired(hook, now) else 0


def _fired(hook: ArmedHook, now: datetime) -> ArmedHook | TaskCall | None:
    """What became of one due hook. Where that goes wrong it is tried again when its lease is over; the others go on."""
    try:
        settled = operations.fire(hook.pk, now=now)
    except (DatabaseError, Refused) as problem:
        log("hook_failed", hook=hook.pk, error=type(problem).__name__)
        return None
    if isinstance(settled, ArmedHook):
        reason = {"reason": settled.reason} if settled.reason else {}
        log("hook", hook=hook.pk, run=settled.run_id.hex, action=settled.action, state=settled.state, **reason)
    return settled


@dataclass
class Worker:
    """Does everything that is due, again and again. `health_file` is touched as long as it gets round."""

    jobs: Sequence[Job]
    threads: int = 32
    health_file: Path | None = None
    in_the_air: dict[Future[Any], tuple[Job, Item]] = field(default_factory=dict)

    def run(self, stop: threading.Event, *, grace: float = 20) -> None:
        """Work until `stop`; then finish what is in the air, for `grace` seconds at most.

        What is `in_the_air` even then is left to whoever leases it next; its threads still run.
        """
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="job")
        try:
            while not stop.is_set():
                self._round(pool, stop)
            self._finish(grace)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _round(self, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        try:
            self._extend_leases()
            self._fold_counts()
            done = self.step(pool, timezone.now())
            self._show_health()
            if not done:
                self._rest(stop)
        except (DatabaseError, InterfaceError) as problem:
            _log_trouble(problem)
            stop.wait(SECONDS_AFTER_TROUBLE)
        except Exception:  # one item that nobody foresaw must not stop the work on all the others
            logger.exception("what=trouble")
            stop.wait(SECONDS_AFTER_TROUBLE)

    def step(self, pool: ThreadPoolExecutor, now: datetime) -> int:
        """One round: how much there was to do."""
        done = seal(now) + fire_due(now)
        done += self._settle_finished(now)
        for job in self.jobs:
            done += self._start(pool, job, now)
        return done

    def _start(self, pool: ThreadPoolExecutor, job: Job, now: datetime) -> int:
        free = self.threads - len(self.in_the_air)
        items = job.take(now, free) if free > 0 else []
        for item in items:
            self.in_the_air[pool.submit(perform_in_thread, job, item)] = (job, item)
        return len(items)

    def _settle_finished(self, now: datetime) -> int:
        finished = [future for future in self.in_the_air if future.done()]
        for future in finished:
            job, item = self.in_the_air.pop(future)
            try:
                job.settle(item, future.result(), now)
            except (OperationalError, InterfaceError):  # done, and not yet written down: later, when that is possible
                self.in_the_air[future] = (job, item)
                raise
        return len(finished)

    def _rest(self, stop: threading.Event) -> None:
        if self.in_the_air:
            wait(self.in_the_air, timeout=IDLE_SECONDS, return_when=FIRST_COMPLETED)
        else:
            stop.wait(IDLE_SECONDS)

    def _finish(self, grace: float) -> None:
        end = time.monotonic() + grace
        while self.in_the_air and time.monotonic() < end:
            wait(self.in_the_air, timeout=max(0.0, end - time.monotonic()), return_when=FIRST_COMPLETED)
            try:
                self._settle_finished(timezone.now())
            except (DatabaseError, InterfaceError) as problem:
                _log_trouble(problem)
                time.sleep(min(SECONDS_AFTER_TROUBLE, max(0.0, end - time.monotonic())))

    _extended_at: float = field(default_factory=time.monotonic)

    def _extend_leases(self) -> None:
        if time.monotonic() - self._extended_at < EXTEND_SECONDS:
            return
        self._extended_at = time.monotonic()
        for _, item in self.in_the_air.values():
            until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
            type(item.row).objects.extend(item.row, until)  # type: ignore[attr-defined]

    _folded_at: float = float("-inf")

    def _fold_counts(self) -> None:
        if time.monotonic() - self._folded_at >= FOLD_SECONDS:
            self._folded_at = time.monotonic()
            totals.fold()

    _healthy_at: float = 0.0

    def _show_health(self) -> None:
        if self.health_file and time.monotonic() - self._healthy_at >= HEALTH_SECONDS:
            self._healthy_at = time.monotonic()
            self.health_file.touch()


def _log_trouble(problem: Exception) -> None:
    """Say that the database does not do what it should, and begin anew with another connection."""
    # What stands after the first line may be the row that was at fault, with somebody's answers.
    log("trouble", error=type(problem).__name__, detail=str(problem).strip().partition("\n")[0][:200])
    connection.close()


def perform(job: Job, item: Item) -> Any:
    """What the slow part gives, or the exception that it raised, which is for the job to settle."""
    try:
        return job.perform(item)
    except Exception as problem:  # noqa: BLE001 - other people's code and other people's servers
        return problem


def perform_in_thread(job: Job, item: Item) -> Any:
    """The same, and the thread's connection to the database, if the task wanted one, goes back."""
    try:
        return perform(job, item)
    finally:
        close_old_connections()


def work_off(jobs: Sequence[Job], now: datetime) -> int:
    """Do everything that is due at `now` and what follows from it, one after the other; how much there was."""
    return sum(_rounds(jobs, now))


def _rounds(jobs: Sequence[Job], now: datetime) -> Iterator[int]:
    while done := seal(now) + fire_due(now) + sum(_work_off(job, now) for job in jobs):
        yield done


def _work_off(job: Job, now: datetime) -> int:
    items = job.take(now, HOOKS_AT_ONCE)
    for item in items:
        job.settle(item, perform(job, item), now)
    return len(items)
