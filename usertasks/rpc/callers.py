"""Who is calling: the token in the metadata, or the user whom a demo lets everybody be."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

from django.conf import settings
from django.contrib.auth.models import User

from ..actors import Actor, actor_for
from ..errors import NotSignedIn
from ..models import ApiToken

_caller: ContextVar[Actor | None] = ContextVar("caller", default=None)


def caller() -> Actor:
    """Who makes the call that this thread answers."""
    actor = _caller.get()
    assert actor is not None, "only answered calls have a caller"
    return actor


def caller_name() -> str:
    """For the log: nobody is `-`."""
    actor = _caller.get()
    return actor.user_id if actor else "-"


def forget_caller() -> None:
    _caller.set(None)


def recognize_caller(metadata: Sequence[tuple[str, str]]) -> None:
    """Make whoever sends this metadata the caller. Raises `NotSignedIn`."""
    tokens = [value for key, value in metadata if key == "authorization"]
    _caller.set(_bearer_of(tokens[0]) if tokens else _anybody())


def anonymous_user() -> User | None:
    """The active user whom calls without a token act as, or None where such calls are refused."""
    name = settings.USERTASKS.get("GRPC_ANONYMOUS_USER")
    return User.objects.filter(username=name, is_active=True).first() if name else None


def _bearer_of(authorization: str) -> Actor:
    """LittleHorse's Python client sends the bare token, its others put `Bearer` before it."""
    words = authorization.split()
    is_readable = len(words) == 1 or (len(words) == 2 and words[0].lower() == "bearer")
    token = ApiToken.objects.find(words[-1]) if is_readable else None
    if token is None:
        raise NotSignedIn("The token is not valid.")
    return actor_for(token.user)


def _anybody() -> Actor:
    user = anonymous_user()
    if user is None:
        raise NotSignedIn("Send an API token in the metadata `authorization`.")
    return actor_for(user)
