"""Tasks as a deployment registers them, and a back end that refuses them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.tasks import task
from django.tasks.backends.base import BaseTaskBackend

CALLS: list[dict[str, Any]] = []
"""What the tasks below were called with."""
MEANWHILE: list[Callable[[], Any]] = []
"""What happens elsewhere while `note` is being run."""


@task
def note(*, run: dict[str, Any], variables: dict[str, Any], key: str) -> None:
    CALLS.append({"run": run, "variables": variables, "key": key})
    for happen in MEANWHILE:
        happen()


@task
def fail(*, run: dict[str, Any], variables: dict[str, Any], key: str) -> None:
    CALLS.append({"run": run, "variables": variables, "key": key})
    raise ZeroDivisionError


class ClosedBackend(BaseTaskBackend):
    """A queue that is not there."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        raise ConnectionError("no queue")


@task
def wait_for_a_file(*, run: dict[str, Any], variables: dict[str, Any], key: str) -> None:
    """Says that it has begun, and comes back when the file is there."""
    Path(variables["begun"]).touch()
    while not Path(variables["file"]).exists():
        time.sleep(0.02)
