"""The examples of LittleHorse's guide, run as their users run them: each in a process, with LittleHorse's client."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from tests.cast import a_definition, a_run, done_by
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import Status, UserTaskRun
from usertasks.rpc.server import GrpcServer

pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = (Path(__file__).parent / "handling-user-tasks.md").read_text()
EXAMPLES = dict(re.findall(r"^## (\w+)\n\n```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))
WF_RUN_ID = re.compile(r'(?<=WfRunId\(id=")\w+')
GUID = re.compile(r'(?<=user_task_guid=")\w+')


@pytest.fixture
def demo(settings: Settings, admin: User) -> None:
    """LittleHorse's Python client sends no token without TLS, so calls without one act as the admin."""
    settings.USERTASKS = {**settings.USERTASKS, "GRPC_ANONYMOUS_USER": "admin"}


@pytest.fixture
def example(server: GrpcServer, demo: None) -> Example:
    return Example(server.port)


class Example:
    """Runs an example of the guide, with the ids of a run put in."""

    def __init__(self, port: int) -> None:
        self.environment = os.environ | {"LHC_API_HOST": "127.0.0.1", "LHC_API_PORT": str(port)}

    def run(self, name: str, run: UserTaskRun | None = None) -> subprocess.CompletedProcess[str]:
        code = EXAMPLES[name]
        if run:
            code = GUID.sub(run.id.hex, WF_RUN_ID.sub(run.wf_run_id, code))
        return subprocess.run(
            [sys.executable, "-c", code], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def succeeds(self, name: str, run: UserTaskRun | None = None) -> str:
        ended = self.run(name, run)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def fails(self, name: str, run: UserTaskRun) -> str:
        """The name of the status."""
        ended = self.run(name, run)
        assert ended.returncode == 1
        return str(re.findall(r"StatusCode\.(\w+)", ended.stderr)[0])


def test_there_is_an_example_of_every_chapter() -> None:
    assert list(EXAMPLES) == ["Search", "Display", "Complete", "Save", "Assign", "Cancel"]


def test_search_prints_the_ids_of_what_it_finds(example: Example) -> None:
    found, too_new = (a_run(user_id="obiwan", user_group="jedi-council") for _ in range(2))
    UserTaskRun.objects.filter(pk=found.pk).update(scheduled_time=timezone.now() - timedelta(days=3))
    printed = example.succeeds("Search")
    assert found.id.hex in printed
    assert found.wf_run_id in printed
    assert too_new.id.hex not in printed


def test_display_prints_owner_and_fields_and_results_when_done(example: Example, alice: User) -> None:
    printed = example.succeeds("Display", a_run(user_id="obiwan", user_group="jedi-council"))
    assert "assigned to group 'jedi-council' and user 'obiwan'" in printed
    assert "Field requestedItem has type STR" in printed
    assert "lightsaber" not in printed
    assert "lightsaber" in example.succeeds("Display", done_by(alice))


def test_complete_hands_the_run_over_and_finishes_it(example: Example) -> None:
    run = a_run(user_id="anakin", user_group="jedi-council")
    example.succeeds("Complete", run)
    run.refresh_from_db()
    assert (run.status, run.user_id) == (Status.DONE, "obiwan")
    assert run.results["requestedItem"] == "lightsaber"


def test_save_keeps_the_owner_and_is_refused_when_somebody_else_has_it(example: Example, admin: User) -> None:
    run = a_run(user_id="obi-wan")
    example.succeeds("Save", run)
    run.refresh_from_db()
    assert (run.status, run.user_id, run.results["justification"]) == (Status.ASSIGNED, "obi-wan", "lightsaber")
    operations.assign(run.id, by=actor_for(admin), user_id="anakin", override_claim=True)
    assert example.fails("Save", run) == "FAILED_PRECONDITION"


def test_assign_overwrites_user_and_group(example: Example) -> None:
    run = a_run(user_id="obiwan", user_group="jedi-council")
    example.succeeds("Assign", run)
    run.refresh_from_db()
    assert (run.user_id, run.user_group) == ("yaddle", "jedi-temple")


def test_assign_without_override_is_refused_when_somebody_has_it(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXAMPLES, "Assign", EXAMPLES["Assign"].replace("override_claim=True", "override_claim=False"))
    assert example.fails("Assign", a_run(user_id="obiwan")) == "FAILED_PRECONDITION"


def test_cancel_ends_an_open_run_and_is_refused_for_one_that_is_done(example: Example, alice: User) -> None:
    run = a_run(a_definition())
    example.succeeds("Cancel", run)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert example.fails("Cancel", done_by(alice)) == "FAILED_PRECONDITION"
