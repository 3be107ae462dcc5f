"""`manage.py run_worker`: fires what is due and sends what is pending, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...deliveries import Deliveries
from ...mails import Mails
from ...worker import Job, TaskHooks, Worker, log
from ..starting import require_safe_start
from ..stopping import stop_event


class Command(BaseCommand):
    help = (
        "Publish what has happened, fire timers that are due, send webhooks and mails, until SIGTERM or Ctrl-C. "
        "Any number of these may run, on any number of machines that share the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=32, help="things in the air at the same time (default: 32)")
        parser.add_argument("--grace", type=float, default=20, help="seconds for them at the end (default: 20)")
        parser.add_argument("--health-file", type=Path, help="a file that is touched every second while all is well")

    def handle(self, *args: Any, **options: Any) -> None:
        require_safe_start()
        if options["threads"] < 1:
            raise CommandError("--threads must be at least 1.")
        require_writable(options["health_file"])
        stop = stop_event()
        jobs: list[Job] = [TaskHooks(), Deliveries(), Mails()]
        worker = Worker(jobs=jobs, threads=options["threads"], health_file=options["health_file"])
        self.stdout.write("The worker is running.")
        self.stdout.flush()
        worker.run(stop, grace=options["grace"])
        log("stopped", left_in_the_air=len(worker.in_the_air))
        if worker.in_the_air:
            end_at_once()


def require_writable(health_file: Path | None) -> None:
    """Raises `CommandError`: better now than in every line of the log."""
    try:
        if health_file:
            health_file.touch()
    except OSError as problem:
        raise CommandError(f"--health-file cannot be written: {problem}") from problem


def end_at_once() -> None:
    """Python would wait for threads that do not come back; what they were at is repeated when its lease is over."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)
