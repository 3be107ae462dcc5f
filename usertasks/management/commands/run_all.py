"""`manage.py run_all`: everything that a try-out needs, in one terminal, until Ctrl-C."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess  # nosec B404 # no shell, and no words but ours
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

HOST = "127.0.0.1"
SECONDS_TO_STOP = 10
SECONDS_FOR_OPEN_REQUESTS = 3
SECONDS_FOR_WHAT_IS_IN_THE_AIR = 5
PR_SET_PDEATHSIG = 1
"""Of Linux's prctl: the signal that a process gets when its parent ends."""

WELCOME = """
usertasks is running.

  Inbox    http://{host}:{port}/
  Admin    http://{host}:{port}/admin/
  API      http://{host}:{port}/api/v1/docs/
  gRPC     {grpc}
  Worker   fires timers, sends webhooks and mails

Sign in as obiwan, anakin, windu (who leads the temple), yoda (who manages runs) or admin (who may do everything);
the password is demo.
A token for the API:  .venv/bin/python manage.py create_api_token admin
Ctrl-C stops it.
"""

GRPC_WELCOME = "{host}:{port}, for LittleHorse's clients: LHC_API_HOST={host} LHC_API_PORT={port}"

NO_GRPC = "not served: littlehorse-client needs Python 3.12 or 3.13"


class Command(BaseCommand):
    help = (
        "Migrate, load the demo and serve web, worker and gRPC on 127.0.0.1 until Ctrl-C. "
        "Honours PORT, GRPC_PORT and DATABASE_URL; needs DEBUG=true."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        port, grpc_port = settings.DEMO_PORT, settings.DEMO_GRPC_PORT
        if port == grpc_port:
            raise CommandError(f"PORT and GRPC_PORT are both {port}: choose two.")
        servers = {port: _web_server(port)}
        if find_spec("littlehorse"):
            servers[grpc_port] = _grpc_server(grpc_port)
        for number in servers:
            _require_free(number)
        call_command("migrate", verbosity=0)
        call_command("load_demo")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt), _stopped_at_the_end([*servers.values(), _worker()]) as processes:
            for number in servers:
                _wait_until_it_answers(number, processes)
            grpc = GRPC_WELCOME if grpc_port in servers else NO_GRPC
            self.stdout.write(WELCOME.format(host=HOST, port=port, grpc=grpc.format(host=HOST, port=grpc_port)))
            self.stdout.flush()
            ended = _first_to_end(processes)
            raise CommandError(f"A process ended by itself, with {ended.returncode}: {ended.args!r}")


def _web_server(port: int) -> Sequence[str]:
    options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", "16", "--no-ws", "--no-access-log"]
    options += ["--log-level", "error", "--workers-kill-timeout", str(SECONDS_FOR_OPEN_REQUESTS)]
    return [sys.executable, "-m", "granian", *options, "--host", HOST, "--port", str(port), "config.wsgi:application"]


def _grpc_server(port: int) -> Sequence[str]:
    return [sys.executable, sys.argv[0], "serve_grpc", "--host", HOST, "--port", str(port)]


def _worker() -> Sequence[str]:
    return [sys.executable, sys.argv[0], "run_worker", "--grace", str(SECONDS_FOR_WHAT_IS_IN_THE_AIR)]


def _require_free(port: int) -> None:
    """Say so at once when somebody else listens there, rather than leave it to a server's stack trace."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise CommandError(f"Port {port} is in use. PORT and GRPC_PORT choose others: PORT=8001 make run") from None


@contextmanager
def _stopped_at_the_end(commands: Sequence[Sequence[str]]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The commands as running processes, which get SIGTERM, and after a while SIGKILL, when the block ends.

    Each has a session of its own: Ctrl-C reaches this process alone, which then stops the others in order.
    """
    processes = [
        subprocess.Popen(command, start_new_session=True, preexec_fn=_end_with_parent)  # noqa: PLW1509  # nosec B603 # our own
        for command in commands
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _end_with_parent() -> None:
    """Have Linux end a server when this process is killed and can no longer do it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_until_it_answers(port: int, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    while all(process.poll() is None for process in processes):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)


def _first_to_end(processes: Sequence[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """The process that ended by itself; Ctrl-C and SIGTERM end the waiting with `KeyboardInterrupt`."""
    while True:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.2)
