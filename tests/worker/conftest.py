"""What tests of the worker need: a deployment with tasks of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.worker import deployed


@pytest.fixture
def deployment(settings: Settings) -> Iterator[Settings]:
    """The settings of a deployment with tasks of its own."""
    ours = {"note": f"{deployed.__name__}.note", "fail": f"{deployed.__name__}.fail"}
    settings.USERTASKS = {**settings.USERTASKS, "TASKS": {**settings.USERTASKS["TASKS"], **ours}}
    deployed.CALLS.clear()
    deployed.MEANWHILE.clear()
    yield settings
    deployed.MEANWHILE.clear()
