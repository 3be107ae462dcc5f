"""What a test needs of the machine: the database it asks for, and a browser."""

import os
import shutil
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tests.cast import admin, alice, bob, charlie, mona, service  # noqa: F401

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NO_CHROMIUM = "no chromium, chromium-browser or google-chrome on PATH (Debian: apt-get install chromium)"

# Runs as root in a container, and leaves the network alone.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure() -> None:
    # Slow by design, and every test has people who sign in.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
        if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
            item.add_marker(pytest.mark.skip("needs PostgreSQL: USERTASKS_TEST_DATABASE=postgresql"))
        if item.get_closest_marker("browser"):
            # Playwright keeps an event loop running in this thread until the end, also between its tests.
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and CHROMIUM is None:
        if os.environ.get("USERTASKS_REQUIRE_BROWSER") == "1":
            pytest.fail(f"{NO_CHROMIUM}, and USERTASKS_REQUIRE_BROWSER=1", pytrace=False)
        pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_FLAGS}
