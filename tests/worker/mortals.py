"""Workers that are real processes and get killed. They are forked from a server that has loaded Django already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess

import django

django.setup()

from django.db import connection  # noqa: E402 - Django has to be set up before

from usertasks.deliveries import Deliveries  # noqa: E402
from usertasks.worker import TaskHooks, Worker  # noqa: E402

THREADS = 8


@dataclass(frozen=True)
class Mortal:
    """A worker on the database of that name."""

    process: ForkServerProcess

    @classmethod
    def born(cls, context: ForkServerContext, database: str) -> Mortal:
        process = context.Process(target=_work, args=(database,), daemon=True)
        process.start()
        return cls(process)

    def kill(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


def context() -> ForkServerContext:
    """Where mortals come from."""
    origin = multiprocessing.get_context("forkserver")
    origin.set_forkserver_preload([__name__])
    return origin


def _work(database: str) -> None:
    connection.settings_dict["NAME"] = database
    Worker(jobs=[TaskHooks(), Deliveries()], threads=THREADS).run(threading.Event())
