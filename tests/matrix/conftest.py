"""Everybody before every door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from tests.api.conftest import Caller
from tests.cast import token_of
from tests.inbox.pages import signed_in
from tests.matrix.crowd import RELATIONS, everybody
from tests.matrix.doors import Door, Grpc, Page, Rest
from tests.rpc.clients import Client
from tests.rpc.conftest import channel  # noqa: F401
from tests.test_parity import server  # noqa: F401


@dataclass(frozen=True)
class Asker:
    """Somebody before each door; nobody has no `user`."""

    relation: str
    user: User | None
    rest: Rest
    doors: tuple[Door, ...]
    named: str | None = None

    @property
    def name(self) -> str:
        return self.user.get_username() if self.user else "nobody"


@pytest.fixture
def askers(transactional_db: None, channel: grpc.Channel) -> Mapping[str, Asker]:  # noqa: F811
    """Everybody, by what they are to the run."""
    return {name: _asker(name, user, channel, named=RELATIONS[name].named) for name, user in everybody().items()} | {
        "nobody": _asker("nobody", None, channel)
    }


def _asker(relation: str, user: User | None, channel: grpc.Channel, named: str | None = None) -> Asker:  # noqa: F811
    rest = Rest(Caller(user))
    calls = Grpc(Client(channel, token_of(user) if user else None))
    pages = Page(signed_in(user) if user else Browser())
    return Asker(relation, user, rest, (rest, calls, pages), named)
