"""A real server on a free port, and clients that reach it over a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.cast import token_of
from tests.rpc.clients import Client
from usertasks.rpc.server import GrpcServer

if connection.vendor == "sqlite":
    # The threads of a server, and a server that is another process, need a database that is a file.
    connection.settings_dict["TEST"]["NAME"] = str(Path(str(connection.settings_dict["NAME"])).parent / "test.sqlite3")


@pytest.fixture
def server(transactional_db: None) -> Iterator[GrpcServer]:
    server = GrpcServer(port=0, threads=4)
    server.start()
    yield server
    server.stop(grace=0)


@pytest.fixture
def channel(server: GrpcServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


@pytest.fixture
def client_of(channel: grpc.Channel) -> Callable[[User], Client]:
    """A client that acts as this user."""
    return lambda user: Client(channel, token_of(user))


@pytest.fixture
def client(client_of: Callable[[User], Client], admin: User) -> Client:
    """A client that may do anything."""
    return client_of(admin)
