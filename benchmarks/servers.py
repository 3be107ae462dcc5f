"""The servers that are measured: a PostgreSQL which keeps its promises, and the web server as it is deployed."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from .client import HOST

# What a small production server would have. That a commit is on the disk is said, not left to a default.
PRODUCTION_LIKE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
}
SECONDS_TO_START = 30
SECONDS_TO_STOP = 10
LAST_WORDS = 4000
CORES = os.cpu_count() or 1
THREADS = 16
GRPC_THREADS = 10
POOL_SIZE = 10
NO_PART_OF_THE_INBOX = ["admin", "drf_spectacular_sidecar", "rest_framework"]
GRPC_ANNOUNCED = re.compile(rf"^gRPC on {re.escape(HOST)}:(\d+)$", re.MULTILINE)

WORKER_ANNOUNCED = re.compile("^The worker is running", re.MULTILINE)


def enter_production(database_url: str, folder: str) -> None:
    """Make this process, which learns the SQL of requests from Django itself, a deployed one, and migrate."""
    os.environ |= {
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "0",
        "DEBUG": "false",
        "SSL_REDIRECT": "false",
        "COOKIE_SECURE": "false",
        "ALLOWED_HOSTS": HOST,
        "LOG_LEVEL": "ERROR",
        "WEBHOOK_ALLOWED_HOSTS": HOST,
        # Callers are counted as ever, and none is told to wait: one token stands for many here.
        "API_RATE": "100000",
        "STATIC_ROOT": folder,
        "SECRET_KEY": secrets.token_urlsafe(50),
    }
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=NO_PART_OF_THE_INBOX)


def conninfo(name: str = "") -> str:
    """The database of the settings, or another one of that server, in libpq's words."""
    database = settings.DATABASES["default"]
    return f"host={database['HOST'] or database['NAME']} dbname={name or database['NAME']} user={database['USER']}"


def make_twin(database_url: str, name: str) -> str:
    """Another database beside that of the settings, with the same tables, as empty as that is now; gives its URL."""
    connection.close()  # nobody may be in a database that is copied
    with psycopg.connect(conninfo("template1"), autocommit=True) as database:
        database.execute(f'CREATE DATABASE "{name}" TEMPLATE "{settings.DATABASES["default"]["NAME"]}"'.encode())
    return f"{database_url.rpartition('/')[0]}/{name}"


@dataclass(frozen=True)
class WebServer:
    """`pid` is the process that looks after the workers."""

    port: int
    pid: int


@contextmanager
def web_server(folder: str, *, workers: int = CORES, database_url: str = "") -> Iterator[int]:
    """The web server on a free port, which is yielded; it is gone when the block ends. Its log goes to `folder`."""
    with web_process(folder, workers=workers, database_url=database_url) as server:
        yield server.port


@contextmanager
def web_process(folder: str, *, workers: int, database_url: str = "") -> Iterator[WebServer]:
    """The same, with its process."""
    environment = dict(os.environ)
    if database_url:
        environment["DATABASE_URL"] = database_url
    with wsgi_process("config.wsgi:application", folder, workers, environment) as server:
        yield server


@contextmanager
def wsgi_process(
    application: str, folder: str, workers: int, environment: Mapping[str, str], python: str = sys.executable
) -> Iterator[WebServer]:
    """Any WSGI application, served by this interpreter as ours is deployed."""
    port = _free_port()
    log = Path(folder) / f"web-{port}.log"
    command, pooled = granian(application, port, workers, python), {"DATABASE_POOL_SIZE": str(POOL_SIZE)}
    with _running(command, {**environment, **pooled}, log) as process:
        _wait_until_it_answers(port, process)
        yield WebServer(port, process.pid)


def granian(application: str, port: int, workers: int, python: str = sys.executable) -> list[str]:
    """The command that serves a WSGI application as ours is deployed, by this interpreter."""
    options = ["--interface", "wsgi", "--workers", str(workers), "--blocking-threads", str(THREADS), "--no-access-log"]
    return [python, "-m", "granian", *options, "--host", HOST, "--port", str(port), application]


@contextmanager
def grpc_server(folder: str) -> Iterator[int]:
    """`manage.py serve_grpc` on a free port, which is yielded."""
    command = [sys.executable, "manage.py", "serve_grpc", "--port", "0", "--threads", str(GRPC_THREADS)]
    with _announced(command, Path(folder) / "grpc.log") as port:
        yield port


@contextmanager
def worker(folder: str, number: int) -> Iterator[None]:
    """`manage.py run_worker`, working from the beginning of the block on."""
    log = Path(folder) / f"worker-{number}.log"
    with _running([sys.executable, "manage.py", "run_worker"], os.environ, log) as process:
        _wait_for(WORKER_ANNOUNCED, log, process)
        yield


@contextmanager
def constant_grpc_server(folder: str) -> Iterator[int]:
    """A server that answers with the messages in `folder`; see `constant.py`."""
    command = [sys.executable, "-m", "benchmarks.constant", folder, str(GRPC_THREADS)]
    with _announced(command, Path(folder) / "constant.log") as port:
        yield port


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that every server is stopped on the way out."""
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        # In its own session: Ctrl-C reaches this process alone, which then stops the other.
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    except Exception as failure:
        failure.add_note(f"The last words of {' '.join(command[:4])}:\n{log.read_text()[-LAST_WORDS:]}")
        raise
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            # Its workers too: one that computes without end does not hear of its parent's death.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def _announced(command: list[str], log: Path) -> Iterator[int]:
    """A gRPC server that prints the port it has taken."""
    with _running(command, {**os.environ, "DATABASE_POOL_SIZE": str(POOL_SIZE)}, log) as process:
        yield int(_wait_for(GRPC_ANNOUNCED, log, process)[1])


def _wait_for(announcement: re.Pattern[str], log: Path, process: subprocess.Popen[bytes]) -> re.Match[str]:
    """The line with which a server says that it is ready."""
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        if found := announcement.search(log.read_text()):
            return found
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not start.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("The web server does not answer.")


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
