"""The settings of a deployment, in the process of the tests."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

SETTINGS = Path(__file__).resolve().parents[2] / "config" / "settings.py"
ENVIRONMENT = {
    "DEBUG": "false",
    "SECRET_KEY": "Zq3mN8-vTf6Lr0Yx_bWc5Hd9Jk2Sp7Qa4Eg1Uo",
    "ALLOWED_HOSTS": "tasks.example.com",
    "DATABASE_URL": "sqlite://:memory:",
}
OF_THE_TESTS = ("DATABASES", "STORAGES", "STATIC_ROOT", "WHITENOISE", "MEDIA_ROOT", "VAR", "LOGGING", "MAILERS")
"""What stays as it is: the database at hand, and static files that nobody has collected."""
HOST = "tasks.example.com"


def settings_of(environment: dict[str, str]) -> dict[str, Any]:
    """What `config/settings.py` makes of an environment."""
    kept = dict(os.environ)
    for name in ("SSL_REDIRECT", "COOKIE_SECURE", "HSTS_SECONDS", "BEHIND_PROXY", "PUBLIC_URL", "CSRF_TRUSTED_ORIGINS"):
        os.environ.pop(name, None)
    os.environ |= ENVIRONMENT | environment
    try:
        return {name: value for name, value in runpy.run_path(str(SETTINGS)).items() if name.isupper()}
    finally:
        os.environ.clear()
        os.environ.update(kept)


@pytest.fixture
def deployed() -> Iterator[None]:
    """The settings that a deployment begins with."""
    deployment = settings_of({}).items()
    ours = {name: value for name, value in deployment if not name.startswith(OF_THE_TESTS)}
    with override_settings(**{name: value for name, value in ours.items() if value != getattr(settings, name)}):
        yield


class Browser(Client):
    """A browser at the deployment, over TLS."""

    def __init__(self, **how: Any) -> None:
        super().__init__(headers={"host": HOST}, **how)

    def generic(self, *args: Any, **more: Any) -> Any:
        return super().generic(*args, **{**more, "secure": True})
