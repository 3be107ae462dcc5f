"""`manage.py serve_grpc`: what it needs, what it refuses, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from google.protobuf.empty_pb2 import Empty
from littlehorse import model as lh
from pytest_django import Settings

from tests.cast import token_of
from tests.rpc.clients import PATIENCE
from usertasks.rpc.server import GrpcServer

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """Of a process that works on the database of this test."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        url = f"sqlite:///{quote(name)}"
    else:  # the same server, another database
        address, question, query = os.environ["DATABASE_URL"].partition("?")
        url = f"{address.rpartition('/')[0]}/{name}{question}{query}"
    settings_module = {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", django_settings.SETTINGS_MODULE)
    }
    return os.environ | settings_module | {"DATABASE_URL": url, "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """`manage.py serve_grpc` on a free port, which it prints."""
    command = [sys.executable, "manage.py", "serve_grpc", "--port", "0", "--threads", "2"]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_it_serves_until_it_is_terminated_and_ends_well(alice: User, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    announced = process.stdout.readline()
    assert announced.startswith("gRPC on 127.0.0.1:")
    with grpc.insecure_channel(announced.split()[-1]) as channel:
        metadata = (("authorization", token_of(alice)),)
        answer = lh.LittleHorseStub(channel).Whoami(Empty(), metadata=metadata, timeout=PATIENCE)
    assert answer.id.id == "alice"
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def refused(**options: Any) -> str:
    """The words with which the command refuses to start."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with pytest.raises(CommandError) as caught:
        call_command("serve_grpc", **options)
    # It has blocked SIGTERM by then, and processes that other tests start from here would not hear it.
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_it_refuses_to_let_the_world_in_without_tokens(settings: Settings, admin: User, host: str) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "GRPC_ANONYMOUS_USER": "admin"}
    assert "127.0.0.1 only" in refused(host=host, port=0)


def test_it_refuses_a_user_for_strangers_who_does_not_exist(settings: Settings, db: None) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "GRPC_ANONYMOUS_USER": "nobody"}
    assert "no active user" in refused(port=0)


def test_it_refuses_half_of_tls_and_files_that_are_not_there(tmp_path: Path) -> None:
    file = tmp_path / "missing.pem"
    assert "both" in refused(port=0, tls_certificate=file)
    assert "both" in refused(port=0, tls_client_ca=file)
    assert "missing.pem" in refused(port=0, tls_certificate=file, tls_key=file)


def test_it_refuses_a_taken_port_and_no_threads(server: GrpcServer) -> None:
    assert "cannot listen" in refused(port=server.port)
    assert "at least 1" in refused(port=0, threads=0)


@pytest.mark.parametrize("package", ["littlehorse", "grpc"])
def test_without_its_packages_it_says_what_to_install(package: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['manage.py', 'serve_grpc'];"
        "from config.cli import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "pip install 'usertasks[littlehorse]'" in ended.stderr
    assert "Traceback" not in ended.stderr
