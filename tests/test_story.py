"""The story that the project exists for: HTTP on one side, a person with a browser on the other."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.cast import PASSWORD, a_user, token_of

IT_REQUEST = {
    "name": "it-request",
    "fields": [
        {"name": "requestedItem", "type": "STR", "display_name": "Requested item"},
        {"name": "justification", "type": "STR", "display_name": "Justification"},
    ],
}


class Workflow:
    """A program elsewhere, which knows the address and a token."""

    def __init__(self, url: str, user: User) -> None:
        self.url, self.token = f"{url}/api/v1/", token_of(user)

    def call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers)) as answer:
            return json.load(answer)


@pytest.mark.browser
def test_a_workflow_asks_a_person_answers_and_the_workflow_reads_it(
    page: Page, live_server: Any, transactional_db: None
) -> None:
    a_user("obiwan", groups=["jedi-temple"])
    engine = a_user("engine", permissions=["add_usertaskdef", "add_usertaskrun", "view_usertaskrun"])
    workflow = Workflow(live_server.url, engine)
    workflow.call("user-task-defs/", IT_REQUEST)
    asked = {"user_task_def": {"name": "it-request"}, "user_group": "jedi-temple", "notes": "The old one is gone."}
    run = workflow.call("user-task-runs/", asked)

    page.goto(live_server.url)
    page.get_by_label("Username").fill("obiwan")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="My groups").click()
    page.get_by_role("link", name="It request").click()
    expect(page.get_by_text("The old one is gone.")).to_be_visible()
    page.get_by_role("button", name="Claim").click()
    page.get_by_label("Requested item").fill("lightsaber")
    page.get_by_role("button", name="Save progress").click()
    expect(page.get_by_role("status")).to_be_visible()
    path = f"user-task-runs/{run['id']}/"
    assert workflow.call(path)["results"] == {"requestedItem": "lightsaber"}

    page.get_by_label("Justification").fill("Darth Maul kicked it down the mine shaft")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("status")).to_be_visible()
    done = workflow.call(path)
    answers = {"requestedItem": "lightsaber", "justification": "Darth Maul kicked it down the mine shaft"}
    assert (done["status"], done["user_id"], done["results"]) == ("DONE", "obiwan", answers)
    events = workflow.call(f"{path}events/")["results"]
    assert [(event["number"], event["type"], event["actor"]) for event in events] == [
        (1, "created", "engine"),
        (2, "assigned", "obiwan"),
        (3, "saved", "obiwan"),
        (4, "completed", "obiwan"),
    ]
