"""One run, worked on in turn by REST, gRPC and a browser: one history, one truth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from littlehorse import model as lh
from playwright.sync_api import Page, expect

from tests.api.conftest import Caller
from tests.cast import FINANCE, PASSWORD
from tests.rpc.clients import Client, text

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FIELDS = [
    lh.UserTaskField(name="requestedItem", type=lh.STR, display_name="Requested item", required=True),
    lh.UserTaskField(name="count", type=lh.INT, display_name="Count", required=True),
    lh.UserTaskField(name="urgent", type=lh.BOOL, display_name="Urgent"),
]
RUNS = "user-task-runs/"
KIND_OF = {"created": "assigned"}
"""What REST calls an event → what LittleHorse calls it, where they differ."""


@pytest.fixture
def machine(client_of: Callable[[User], Client], service: User) -> Client:
    """LittleHorse's client of the service, which acts for people."""
    return client_of(service)


def created(by: Caller) -> dict[str, Any]:
    answer = by.post(RUNS, {"user_task_def": {"name": "it-request"}, "user_group": FINANCE, "wf_run_id": "flow-1"})
    assert answer.status_code == 201
    run: dict[str, Any] = answer.json()
    return run


def claim_in_the_browser(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_role("button", name="Release")).to_be_visible()


def complete_in_the_browser(page: Page, saved_item: str) -> None:
    page.reload()
    expect(page.get_by_label("Requested item")).to_have_value(saved_item)
    page.get_by_label("Count").fill("3")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("status")).to_be_visible()


def history_of(message: Any) -> list[tuple[str, datetime]]:
    return [(event.WhichOneof("event"), event.time.ToDatetime(UTC)) for event in message.events]


def told_by_rest(events: list[dict[str, Any]]) -> list[tuple[str, datetime]]:
    return [(KIND_OF.get(event["type"], event["type"]), datetime.fromisoformat(event["time"])) for event in events]


def test_a_run_has_one_history_whichever_doors_were_used(
    page: Page,
    live_server: Any,
    machine: Client,
    service: User,
    alice: User,
) -> None:
    machine.PutUserTaskDef(lh.PutUserTaskDefRequest(name="it-request", fields=FIELDS))
    caller = Caller(service)
    run = created(caller)
    identity = lh.UserTaskRunId(wf_run_id=lh.WfRunId(id="flow-1"), user_task_guid=run["id"])
    claim_in_the_browser(page, f"{live_server.url}/inbox/tasks/{run['id']}/")
    claimed = machine.GetUserTaskRun(identity)
    assert (claimed.status, claimed.user_id) == (lh.ASSIGNED, "alice")

    results = {"requestedItem": text("lightsaber"), "urgent": lh.VariableValue(bool=True)}
    machine.SaveUserTaskRunProgress(
        lh.SaveUserTaskRunProgressRequest(user_task_run_id=identity, user_id="alice", results=results)
    )
    assert caller.get(f"{RUNS}{run['id']}/").json()["results"] == {"requestedItem": "lightsaber", "urgent": True}
    complete_in_the_browser(page, "lightsaber")

    told, message = caller.get(f"{RUNS}{run['id']}/").json(), machine.GetUserTaskRun(identity)
    assert told["results"] == {"requestedItem": "lightsaber", "count": 3, "urgent": True}
    assert dict(message.results) == {**results, "count": lh.VariableValue(int=3)}
    assert (told["status"], message.status, told["user_id"], message.user_id) == ("DONE", lh.DONE, "alice", "alice")
    assert told["epoch"] == message.epoch

    events = caller.get(f"{RUNS}{run['id']}/events/").json()["results"]
    assert [event["type"] for event in events] == ["created", "assigned", "saved", "completed"]
    assert [event["actor"] for event in events] == ["service", "alice", "service", "alice"]
    assert history_of(message) == told_by_rest(events)
    assert [message.events[1].assigned.new_user_id, message.events[2].saved.user_id] == ["alice", "alice"]
    assert dict(message.events[2].saved.results) == results
