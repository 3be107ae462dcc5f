"""`manage.py run_worker`: fires what is due and sends what is pending, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...worker import TaskHooks, Worker


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
        if options["threads"] < 1:
            raise CommandError("--threads must be at least 1.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        worker = Worker(jobs=[TaskHooks()], threads=options["threads"], health_file=options["health_file"])
        self.stdout.write("The worker is running.")
        self.stdout.flush()
        worker.run(stop, grace=options["grace"])
