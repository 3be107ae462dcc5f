"""What `manage.py check` says of the settings of this application."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from .tasks import registered_tasks, task_at


def tasks_can_be_loaded(**kwargs: Any) -> list[CheckMessage]:
    """Whether every task that a timer may run is there."""
    return [
        Error(flaw, hint="HOOK_TASKS: name=dotted.path, commas between.", id="usertasks.E001")
        for name, path in registered_tasks().items()
        if (flaw := _flaw_of(name, path))
    ]


def _flaw_of(name: str, path: str) -> str | None:
    try:
        task_at(path)
    except ImproperlyConfigured as problem:
        return f"The task {name} cannot be run: {problem}"
    return None
