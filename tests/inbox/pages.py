"""What the tests of the pages have in common."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import User
from django.test import Client

from usertasks.models import UserTaskField, UserTaskRun

ANSWERS = {"results-requestedItem": "lightsaber", "results-justification": "lost the old one"}
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}

EVERY_FIELD: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("text", "STR", {}),
    ("colour", "STR", {"validation": {"choices": ["red", "green"]}}),
    ("count", "INT", {"validation": {"min": 1, "max": 10}}),
    ("share", "DOUBLE", {}),
    ("agreed", "BOOL", {}),
    ("moment", "TIMESTAMP", {}),
    ("object", "JSON_OBJ", {}),
    ("list", "JSON_ARR", {}),
    ("scan", "BYTES", {}),
)


def every_field(*, required: bool = False) -> list[UserTaskField]:
    return [UserTaskField(name=name, type=kind, required=required, **more) for name, kind, more in EVERY_FIELD]


def signed_in(user: User, **more: Any) -> Client:
    client = Client(**more)
    client.force_login(user)
    return client


def task_url(run: UserTaskRun, **query: str) -> str:
    return f"/inbox/tasks/{run.id.hex}/" + (f"?{urlencode(query)}" if query else "")


def press(client: Client, run: UserTaskRun, button: str, *, version: Any = None, **inputs: Any) -> Any:
    """Press a button of the page of a run, as a browser that opened it at that version (default: the run's)."""
    form = {"action": button, "version": run.version if version is None else version, **inputs}
    return client.post(task_url(run), form)


def rows_of(response: Any) -> list[UUID]:
    return [row.run.id for row in response.context["found"].rows]


def shown_in(response: Any) -> dict[str, Any]:
    """What the controls of the form of a page show, by the name of the field."""
    return {question.name: question.bound.value() for question in response.context["page"].questions}
