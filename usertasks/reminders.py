"""`send-reminder`, the task that a hook may always run."""

from __future__ import annotations

from typing import Any

from django.tasks import task


@task
def send_reminder(*, run: dict[str, Any], variables: dict[str, Any], key: str) -> None:
    """Mail the owner of the run, or the members of its group; `variables["text"]` is what the mail says."""
