"""A gRPC server that tells which statements its calls take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.signals import connection_created

from tests.rpc.conftest import channel  # noqa: F401
from tests.test_parity import server  # noqa: F401


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """What is asked of the database on connections that are opened from now on: those of a server's threads."""
    asked: list[str] = []

    def listen(execute: Any, sql: str, *more: Any) -> Any:
        asked.append(sql)
        return execute(sql, *more)

    def attach(connection: Any, **kwargs: Any) -> None:
        connection.execute_wrappers.append(listen)

    connection_created.connect(attach)
    yield asked
    connection_created.disconnect(attach)
