"""The environment that tests run in; above all the database: USERTASKS_TEST_DATABASE=postgresql, else SQLite.

A pytest plugin, loaded with `-p` by pyproject.toml because this has to stand in os.environ before Django's
settings are read. With postgresql, a DATABASE_URL that names a PostgreSQL is used as it is, else a server is
started. xdist's workers inherit the environment, so all of them share the one server.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.postgres import FAST_AND_FORGETFUL, ROOM_FOR_RACES, running_postgres

# What a developer has exported must not decide whether a test passes.
FOR_TESTS = {
    "DEBUG": "true",  # plain http and unhashed static files, for the live server
    "SECRET_KEY": "only-for-tests-and-long-enough-for-the-system-checks",
    "DATABASE_POOL_SIZE": "0",  # each racing thread has its own connection instead of waiting for one
}
POSTGRESQL_SCHEMES = ("postgres:", "postgresql:", "psql:", "pgsql:")


@pytest.hookimpl(wrapper=True)  # a wrapper runs before pytest-django reads the settings in the same hook
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        stack = ExitStack()
        early_config.add_cleanup(stack.close)
        os.environ |= FOR_TESTS | {"DATABASE_URL": stack.enter_context(chosen_database())}
    return (yield)


@contextmanager
def chosen_database() -> Iterator[str]:
    if os.environ.get("USERTASKS_TEST_DATABASE", "sqlite") != "postgresql":
        with sqlite_in_a_temporary_folder() as url:
            yield url
    elif os.environ.get("DATABASE_URL", "").startswith(POSTGRESQL_SCHEMES):
        yield os.environ["DATABASE_URL"]
    else:
        # A terminated run then ends like an interrupted one, which stops the server.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with running_postgres(ROOM_FOR_RACES | FAST_AND_FORGETFUL) as url:
            yield url


@contextmanager
def sqlite_in_a_temporary_folder() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="usertasks-sqlite-"))
    try:
        yield f"sqlite:///{quote(str(folder / 'db.sqlite3'))}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
