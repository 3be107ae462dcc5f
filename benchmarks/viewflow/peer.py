"""Viewflow's site, installed, migrated, filled and served: for the time of a `with` block."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ..servers import wsgi_process
from ..stage import Stage, tell
from . import data

HERE = Path(__file__).resolve().parent
PROJECT, REQUIREMENTS = HERE / "project", HERE / "requirements.txt"
DATABASE = "viewflow"
SECONDS_TO_INSTALL = 600


class NotInstallable(Exception):
    """Says why, for people."""


@dataclass(frozen=True)
class Peer:
    """`python` is the interpreter of the site, `environment` that of its processes."""

    python: Path
    environment: Mapping[str, str]
    conninfo: str
    port: int = 0

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.conninfo, autocommit=True)

    def cookies_of(self, usernames: Sequence[str]) -> dict[str, str]:
        """The `Cookie` header of each, as after signing in."""
        found: dict[str, str] = self._ask("sessions", list(usernames))
        return found

    def statements(self, requests: Sequence[Mapping[str, Any]]) -> list[int]:
        """How many statements each request sends to the database. Each is carried out."""
        found: list[int] = self._ask("statements", list(requests))
        return found

    def run(self, *arguments: str, given: str = "") -> str:
        """What the interpreter of the site prints for these arguments."""
        command = [str(self.python), *arguments]
        done = subprocess.run(
            command, cwd=PROJECT, env=self.environment, input=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} in Viewflow's site failed: {done.stderr[-2000:]}")
        return done.stdout

    def _ask(self, question: str, given: Any) -> Any:
        return json.loads(self.run("inside.py", given=json.dumps({question: given})))[question]


@contextmanager
def running_peer(stage: Stage, folder: str) -> Iterator[Peer]:
    """The site with our tasks, being served as ours is. Raises `NotInstallable`."""
    python = installed()
    with psycopg.connect(stage.conninfo, autocommit=True) as ours:
        ours.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        ours.execute(f"CREATE DATABASE {DATABASE}")
        peer = Peer(python, _environment(stage), make_conninfo(stage.conninfo, dbname=DATABASE))
        try:
            tell("beside: filling Viewflow's database")
            peer.run("-m", "django", "migrate", "--verbosity", "0")
            with peer.connect() as theirs:
                data.copy(ours, theirs)
            workers = stage.options.web_workers
            with wsgi_process("wsgi:application", folder, workers, peer.environment, str(python)) as server:
                yield replace(peer, port=server.port)
        finally:
            ours.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def installed() -> Path:
    """The interpreter of an environment that has exactly what `requirements.txt` says; made where it is missing."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = Path(settings.VAR) / "benchmarks" / f"viewflow-{digest}"
    python, finished = folder / "bin" / "python", folder / "installed"
    if not finished.exists():
        tell(f"beside: installing Viewflow in {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            venv.create(folder, with_pip=shutil.which("uv") is None)
            _install(python)
        except (OSError, subprocess.SubprocessError) as failure:
            raise NotInstallable(
                f"Viewflow cannot be installed from {REQUIREMENTS.name}: {_reason(failure)}"
            ) from failure
        finished.touch()
    return python


def _install(python: Path) -> None:
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run(
        [*command, "--require-hashes", "-r", str(REQUIREMENTS)],
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_INSTALL,
    )


def _reason(failure: Exception) -> str:
    """In one line."""
    said = getattr(failure, "stderr", None) or str(failure)
    return " ".join(str(said).split())[:300]


def _environment(stage: Stage) -> dict[str, str]:
    """That of the site's processes: nothing of ours that would be a setting of theirs."""
    there = conninfo_to_dict(stage.conninfo)
    database = {"HOST": there["host"], "NAME": DATABASE, "USER": there["user"]}
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTHON", "DATABASE_"))
    }
    return kept | {
        "VIEWFLOW_DATABASE": json.dumps(database),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PYTHONPATH": str(PROJECT),
        "PYTHONSAFEPATH": "1",
        "DJANGO_SETTINGS_MODULE": "settings",
    }
