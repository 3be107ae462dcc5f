"""What a test needs of the machine: the database it asks for, and a browser."""

import os
import shutil
import time
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

from tests.cast import admin, alice, bob, charlie, mona, service  # noqa: F401
from tests.furniture import furniture, put_back_when_emptied
from tests.issuers import issuer  # noqa: F401
from tests.shares import Sharing, begins_first, is_on_one_database
from usertasks.models.definitions import KNOWN_FIELDS

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
    # Pages that are open ask nothing unless a test is about that.
    settings.LIVE_SECONDS = 0


@pytest.fixture(scope="session", autouse=True)
def media(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What people upload in tests goes where pytest clears up."""
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    """What a test has made is gone after it, and its ids are used again: the process must not know it any more."""
    KNOWN_FIELDS.forget()


SECONDS_TO_CLOSE = 20


TOUCHING = frozenset({"db", "transactional_db", "live_server"})
"""The fixtures through which a test uses the database."""


@pytest.hookimpl(optionalhook=True)  # without xdist there is nothing to share
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing | None:
    return Sharing(config, log) if config.getvalue("dist") == "loadgroup" else None


def _is_for_each_database(item: pytest.Item) -> bool:
    """Whether a test touches the database; what a browser makes of a page does not depend on which one that is."""
    fixtures = getattr(item, "fixturenames", ())
    if item.get_closest_marker("each_database") or item.get_closest_marker("postgresql"):
        return True
    if is_on_one_database(item.nodeid) or "browser" in fixtures or item.get_closest_marker("browser"):
        return False
    return not TOUCHING.isdisjoint(fixtures) or item.get_closest_marker("django_db") is not None


@pytest.hookimpl(wrapper=True)  # marked before -m selects by the marker, and sorted after pytest-django has done so
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    if connection.vendor == "postgresql":  # the others were tried beside SQLite
        config.hook.pytest_deselected(items=[item for item in items if not _is_for_each_database(item)])
        items[:] = [item for item in items if _is_for_each_database(item)]
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
        if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
            item.add_marker(pytest.mark.skip("needs PostgreSQL: USERTASKS_TEST_DATABASE=postgresql"))
        if item.get_closest_marker("browser"):
            # Playwright keeps an event loop running in this thread until the end, also between its tests.
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    items.sort(key=lambda item: not begins_first(item.nodeid))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and CHROMIUM is None:
        if os.environ.get("USERTASKS_REQUIRE_BROWSER") == "1":
            pytest.fail(f"{NO_CHROMIUM}, and USERTASKS_REQUIRE_BROWSER=1", pytrace=False)
        pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_FLAGS}


@pytest.fixture(scope="session")
def no_connection_of_before(django_db_setup: None) -> None:
    connections.close_all()


@pytest.fixture(scope="session")
def playwright(no_connection_of_before: None, playwright: Any) -> Iterator[Any]:
    """Playwright, whose event loop has Django keep its connections elsewhere: what is open then is closed first."""
    yield playwright
    connections.close_all()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Keep what migrations put into the database. Before it goes, wait for the threads of servers that are just closing
    their connections."""
    with django_db_blocker.unblock():
        found = furniture()
    with put_back_when_emptied(found):
        yield
    end = time.monotonic() + SECONDS_TO_CLOSE
    with django_db_blocker.unblock():
        while connection.vendor == "postgresql" and _has_other_sessions() and time.monotonic() < end:
            time.sleep(0.1)


def _has_other_sessions() -> bool:
    with connection.cursor() as cursor:
        others = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        cursor.execute(f"SELECT EXISTS ({others})")
        return bool(cursor.fetchone()[0])
