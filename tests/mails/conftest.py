"""The cast with addresses, and a mail server that takes what they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.mails.servers import Postbox, mailers_at, served


def with_address(user: User) -> User:
    user.email = f"{user.username}@example.com"
    user.save(update_fields=["email"])
    return user


@pytest.fixture
def alice(alice: User) -> User:
    return with_address(alice)


@pytest.fixture
def bob(bob: User) -> User:
    return with_address(bob)


@pytest.fixture
def charlie(charlie: User) -> User:
    return with_address(charlie)


@pytest.fixture
def mona(mona: User) -> User:
    return with_address(mona)


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    settings.PUBLIC_URL = "https://tasks.example.com"
    settings.DEFAULT_FROM_EMAIL = "usertasks@example.com"
    postbox = Postbox()
    with served(postbox) as port:
        settings.MAILERS = mailers_at(port)
        yield postbox
