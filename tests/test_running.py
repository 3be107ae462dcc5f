"""`make run` as a stranger meets it: the demo served, the README's commands typed in, and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

pytestmark = pytest.mark.each_database

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_START = 120
SECONDS_FOR_TIMERS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a stranger: nothing set but the ports, and on the second run the database."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    if connection.vendor == "postgresql":
        kept["DATABASE_URL"] = os.environ["DATABASE_URL"]
    ports = {"PORT": str(free_port()), "GRPC_PORT": str(free_port())}
    return {**kept, **ports, "VAR_DIR": str(tmp_path_factory.mktemp("var")), "DEBUG": "true"}


def run_all(surroundings: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "run_all"],
        cwd=ROOT,
        env=surroundings,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture(scope="module")
def running(surroundings: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = run_all(surroundings)
    end = time.monotonic() + SECONDS_TO_START
    while not is_listening(int(surroundings["PORT"])) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def readme_commands() -> str:
    section = (ROOT / "README.md").read_text().split("## Five minutes with curl")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def test_the_commands_of_the_readme_do_what_it_says(
    running: subprocess.Popen[str], surroundings: dict[str, str]
) -> None:
    script = (
        readme_commands().replace(":8000/", f":{surroundings['PORT']}/").replace(".venv/bin/python", sys.executable)
    )
    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={**surroundings, "DEBUG": "false"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.stderr == ""
    answers = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(answers) == 12
    assert not [answer for answer in answers if "code" in answer]
    created, saved, done, events = answers[:4]
    assert created["id"] == saved["id"] == done["id"]
    assert [event["type"] for event in events["results"]] == ["created"]


def call(surroundings: dict[str, str], token: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the API answers; a POST where there is a body."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{surroundings['PORT']}/api/v1/{path}",
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_a_timer_fires_and_nobody_does_anything(running: subprocess.Popen[str], surroundings: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "create_api_token", "admin"]
    issued = subprocess.run(command, cwd=ROOT, env=surroundings, check=True, capture_output=True, text=True, timeout=60)
    token = issued.stdout.strip()
    actions = [
        {"hook": "ON_ARRIVAL", "delay_seconds": 0, "task": {"task_def_name": "send-reminder"}},
        {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 1, "reassign": {"user_group": "jedi-temple"}},
        {"hook": "ON_ARRIVAL", "delay_seconds": 2, "cancel": {}},
    ]
    request = {"user_task_def": {"name": "it-request"}, "user_id": "obiwan", "actions": actions}
    run = call(surroundings, token, "user-task-runs/", request)
    end = time.monotonic() + SECONDS_FOR_TIMERS
    while run["status"] != "CANCELLED" and time.monotonic() < end:
        time.sleep(0.1)
        run = call(surroundings, token, f"user-task-runs/{run['id']}/")
    assert [armed["state"] for armed in run["armed_actions"]] == ["fired"] * 3
    events = call(surroundings, token, f"user-task-runs/{run['id']}/events/")["results"]
    assert [event["type"] for event in events] == ["created", "task_executed", "assigned", "cancelled"]
    assert call(surroundings, token, f"user-task-runs/{run['id']}/outcome/")["failure"]["kind"] == "ERROR"


def test_ctrl_c_ends_it_and_leaves_nothing_behind(running: subprocess.Popen[str], surroundings: dict[str, str]) -> None:
    ports = int(surroundings["PORT"]), int(surroundings["GRPC_PORT"])
    with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/readyz") as answer:
        assert answer.status == 200
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0
    assert not [port for port in ports if is_listening(port)]


def test_a_port_that_is_taken_is_said_at_once(surroundings: dict[str, str]) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        process = run_all({**surroundings, "PORT": str(port)})
        output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert str(port) in output
    assert "Traceback" not in output


def test_the_demo_is_refused_where_debug_is_off(surroundings: dict[str, str]) -> None:
    process = run_all({**surroundings, "DEBUG": "false"})
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in output
    assert not is_listening(int(surroundings["PORT"]))
