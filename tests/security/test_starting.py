"""With which settings no server starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.security.conftest import settings_of
from usertasks.checks import require_secrets
from usertasks.secret_keys import HOW_TO_MAKE_ONE, flaw_of_secret

ROOT = Path(__file__).resolve().parents[2]
GOOD = "Zq3mN8-vTf6Lr0Yx_bWc5Hd9Jk2Sp7Qa4Eg1Uo"
PLACEHOLDERS = [
    "django-insecure-8^k2m)q0v!x7w3r5t9y1u4i6o8p0a2s4d6f8g0h2j4k6",
    "changeme",
    "change-me-in-production-0123456789012345",
    "secret",
    "your-secret-key-here",
    "x" * 60,
    "0123456789" * 5,
]


def told_by(command: Sequence[str], tmp_path: Path, **environment: str) -> tuple[int, str]:
    """What a process says that is started with this environment and nothing else."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    database = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    process = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**kept, "VAR_DIR": str(tmp_path), "DATABASE_URL": database, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return process.returncode, process.stdout + process.stderr


@pytest.mark.parametrize("secret", PLACEHOLDERS)
def test_the_settings_refuse_a_secret_that_everybody_knows(secret: str) -> None:
    for name in ("SECRET_KEY", "AUDIT_KEY"):
        with pytest.raises(ImproperlyConfigured, match=name):
            settings_of({name: secret})
        assert settings_of({name: secret, "DEBUG": "true"})[name] == secret


@pytest.mark.parametrize(
    ("secret", "is_fine"), [(GOOD, True), (GOOD[:31], False), *((one, False) for one in PLACEHOLDERS)]
)
def test_a_secret_is_made_and_long(secret: str, is_fine: bool) -> None:
    assert (flaw_of_secret(secret) is None) is is_fine


@pytest.mark.parametrize("wrong", [{"SECRET_KEY_IS_GIVEN": False}, {"SECRET_KEY": GOOD[:20]}, {"AUDIT_KEY": GOOD[:20]}])
@pytest.mark.django_db
def test_no_server_starts_without_a_secret(settings: Any, wrong: dict[str, Any]) -> None:
    settings.DEBUG, settings.SECRET_KEY, settings.SECRET_KEY_IS_GIVEN = False, GOOD, True
    require_secrets()
    for name, value in wrong.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured):
        require_secrets()
    for command in ("run_worker", "serve_grpc"):
        with pytest.raises(CommandError, match="_KEY"):
            call_command(command)
    assert "usertasks.E002" in [found.id for found in run_checks(include_deployment_checks=True)]
    settings.DEBUG = True
    require_secrets()


def test_a_web_server_without_a_secret_says_how_to_make_one(tmp_path: Path) -> None:
    served = ["-W", "ignore::UserWarning", "-c", "import config.wsgi"]
    status, told = told_by(served, tmp_path)
    assert status != 0
    assert f"SECRET_KEY is not set. Make one: {HOW_TO_MAKE_ONE}" in told
    assert told_by(served, tmp_path, SECRET_KEY=GOOD) == (0, "")


def test_a_command_with_a_known_secret_says_so_in_one_line(tmp_path: Path) -> None:
    status, told = told_by(["manage.py", "run_worker"], tmp_path, SECRET_KEY="changeme")
    assert (status, len(told.splitlines())) == (1, 1)
    assert HOW_TO_MAKE_ONE in told


def test_the_way_that_is_told_makes_a_good_secret(tmp_path: Path) -> None:
    _, secret = told_by(["-c", HOW_TO_MAKE_ONE.split("'")[1]], tmp_path)
    assert flaw_of_secret(secret.strip()) is None


def test_commands_that_serve_nobody_need_no_secret(tmp_path: Path) -> None:
    """As the README has it: a token is made in a terminal where nothing is set."""
    status, told = told_by(["manage.py", "create_api_token", "nobody"], tmp_path)
    assert status == 1
    assert "SECRET_KEY" not in told
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_a_try_out_that_came_along_is_warned_of(settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.OIDC_SERVER_URL = ["*"], "http://id.example.com"
    settings.USERTASKS = {**settings.USERTASKS, "GRPC_ANONYMOUS_USER": "admin"}
    found = [found.id for found in run_checks(include_deployment_checks=True)]
    assert {"usertasks.W001", "usertasks.W002", "usertasks.W003"} <= set(found)
