"""The tasks that hooks may run: `django.tasks` tasks that the deployment has registered under a name.

`USERTASKS["TASKS"]` maps each `task_def_name` to the dotted path of a task, which gets three keyword arguments:

- `run`: the run as JSON, as the API shows it in a list, without `allowed_actions`;
- `variables`: the object that the action names;
- `key`: a text that is the same when the same hook is run again, which happens when a worker dies at the worst moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.tasks import Task
from django.utils.module_loading import import_string

SEND_REMINDER = "send-reminder"


def registered_tasks() -> Mapping[str, str]:
    """`task_def_name` → the dotted path of its task."""
    paths: Mapping[str, str] = settings.USERTASKS.get("TASKS", {})
    return paths


@cache
def task_at(path: str) -> Task[..., Any]:
    """The task of that dotted path. Raises `ImproperlyConfigured`."""
    try:
        task = import_string(path)
    except ImportError as problem:
        raise ImproperlyConfigured(f"USERTASKS['TASKS'] names {path}: {problem}") from problem
    if not isinstance(task, Task):
        raise ImproperlyConfigured(f"USERTASKS['TASKS'] names {path}, which is not a django.tasks task.")
    return task
