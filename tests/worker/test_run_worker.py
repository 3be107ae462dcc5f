"""`manage.py run_worker` as an operator meets it: a process that starts, works, is disturbed, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.cast import a_definition, a_run
from tests.worker import deployed
from tests.worker.timers import on, running, types
from usertasks.models import UserTaskRun

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_WAIT = 60


def environment() -> dict[str, str]:
    """Of a process that works on the database of this test."""
    address, question, query = os.environ["DATABASE_URL"].partition("?")
    url = f"{address.rpartition('/')[0]}/{connection.settings_dict['NAME']}{question}{query}"
    tasks = f"wait={deployed.__name__}.wait_for_a_file"
    return os.environ | {"DATABASE_URL": url, "PYTHONUNBUFFERED": "1", "HOOK_TASKS": tasks}


class Process:
    """A worker, and what it says in its log."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.log = folder / "log"
        self.health_file = folder / "health"
        command = [sys.executable, "manage.py", "run_worker", "--health-file", str(self.health_file), *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=log, stderr=log)
        wait_until(lambda: "The worker is running." in self.said(), self)

    def said(self) -> str:
        return self.log.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS_TO_WAIT)


def wait_until(is_so: Callable[[], bool], worker: Process) -> None:
    end = time.monotonic() + SECONDS_TO_WAIT
    while not is_so():
        assert time.monotonic() < end, worker.said()
        assert worker.process.poll() is None, worker.said()
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """`start("--grace", "1")`: a worker that is running."""
    started: list[Process] = []

    def start(*options: str) -> Process:
        started.append(Process(tmp_path, *options))
        return started[-1]

    yield start
    for worker in started:
        worker.process.kill()
        worker.process.wait()


def is_cancelled(run: UserTaskRun) -> bool:
    return UserTaskRun.objects.get(pk=run.pk).status == "CANCELLED"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_fires_what_is_due_and_ends_well(start: Callable[..., Process], number: int) -> None:
    worker = start()
    run = a_run(actions=[on("ON_ARRIVAL", 0, cancel={})])
    wait_until(lambda: is_cancelled(run), worker)
    assert time.time() - worker.health_file.stat().st_mtime < SECONDS_TO_WAIT
    assert worker.end(number) == 0
    assert f"run={run.id.hex} action=cancel state=fired" in worker.said()
    assert "what=stopped left_in_the_air=0" in worker.said()
    assert "Traceback" not in worker.said()


def waiting_task(folder: Path) -> dict[str, Any]:
    return on("ON_ARRIVAL", 0, task=running("wait", begun=str(folder / "begun"), file=str(folder / "file")))


@pytest.fixture
def a_waiting_run(settings: Any, tmp_path: Path) -> UserTaskRun:
    """A run whose task comes back when there is a file."""
    tasks = {"wait": f"{deployed.__name__}.wait_for_a_file"}
    settings.USERTASKS = {**settings.USERTASKS, "TASKS": tasks}
    return a_run(actions=[waiting_task(tmp_path)])


def test_it_finishes_what_is_in_the_air_before_it_ends(
    start: Callable[..., Process], a_waiting_run: UserTaskRun, tmp_path: Path
) -> None:
    worker = start()
    wait_until((tmp_path / "begun").exists, worker)
    worker.process.send_signal(signal.SIGTERM)
    (tmp_path / "file").touch()
    assert worker.process.wait(SECONDS_TO_WAIT) == 0
    assert types(a_waiting_run) == ["created", "task_executed"]


def test_it_does_not_wait_for_ever(start: Callable[..., Process], a_waiting_run: UserTaskRun, tmp_path: Path) -> None:
    worker = start("--grace", "0.2")
    wait_until((tmp_path / "begun").exists, worker)
    assert worker.end() == 0
    assert "what=stopped left_in_the_air=1" in worker.said()
    hook = a_waiting_run.armed_hooks.get()
    assert (hook.state, hook.attempts) == ("armed", 1)
    assert hook.next_attempt_at > hook.due_at


def test_it_goes_on_when_the_database_comes_back(start: Callable[..., Process]) -> None:
    worker, definition = start(), a_definition()
    first = a_run(definition, actions=[on("ON_ARRIVAL", 0, cancel={})])
    wait_until(lambda: is_cancelled(first), worker)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(pg_terminate_backend(pid)) {others}")
        assert cursor.fetchone()[0] > 0
    wait_until(lambda: "what=trouble" in worker.said(), worker)
    second = a_run(definition, actions=[on("ON_ARRIVAL", 0, cancel={})])
    wait_until(lambda: is_cancelled(second), worker)
    assert worker.end() == 0


def test_what_it_did_while_the_database_was_away_is_written_down_afterwards(
    start: Callable[..., Process], a_waiting_run: UserTaskRun, tmp_path: Path
) -> None:
    worker = start()
    wait_until((tmp_path / "begun").exists, worker)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    (tmp_path / "file").touch()
    wait_until(lambda: types(a_waiting_run) == ["created", "task_executed"], worker)
    assert a_waiting_run.armed_hooks.get().attempts == 1
    assert worker.end() == 0


@pytest.mark.parametrize(
    ("options", "word"), [(["--threads", "0"], "threads"), (["--health-file", "nowhere/health"], "health-file")]
)
def test_what_cannot_work_is_said_at_once(options: list[str], word: str) -> None:
    with pytest.raises(CommandError, match=word):
        call_command("run_worker", *options)
