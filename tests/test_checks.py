"""What `manage.py check` says of wrong settings."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["nowhere.task", "json.loads", "tests.cast.a_run"])
def test_a_task_that_cannot_be_run_is_found(settings: Settings, path: str) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "TASKS": {"escalate": path}}
    assert [found.id for found in run_checks()] == ["usertasks.E001"]


def test_the_settings_as_they_are_have_no_fault() -> None:
    assert run_checks() == []
