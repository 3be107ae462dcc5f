"""Who is calling: the token in the metadata, or the user whom a demo lets everybody be."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from urllib.parse import unquote

from django.conf import settings
from django.contrib.auth.models import User

from ..actors import Actor, Door, Origin, actor_for
from ..bearers import bearer_from
from ..callers import plain_address
from ..errors import NotSignedIn
from ..limits import require_pace
from ..pseudonyms import pseudonym_of

_caller: ContextVar[Actor | None] = ContextVar("caller", default=None)


def caller() -> Actor:
    """Who makes the call that this thread answers."""
    actor = _caller.get()
    assert actor is not None, "only answered calls have a caller"
    return actor


def caller_in_the_log() -> str:
    """A word that tells callers apart and does not name them; nobody is `-`."""
    actor = _caller.get()
    return pseudonym_of(actor.user_id) if actor else "-"


def forget_caller() -> None:
    _caller.set(None)


def recognize_caller(metadata: Sequence[tuple[str, str]], peer: str) -> None:
    """Make whoever sends this metadata from there the caller. Raises `NotSignedIn` or `Throttled`.

    `peer` is grpc's word for it, such as `ipv4:127.0.0.1:1234` or `ipv6:[::1]:1234` with its brackets escaped.
    """
    origin = Origin(Door.GRPC, plain_address(unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")))
    tokens = [value for key, value in metadata if key == "authorization"]
    _caller.set(_bearer_of(tokens[0], origin) if tokens else _anybody(origin))


def anonymous_user() -> User | None:
    """The active user whom calls without a token act as, or None where such calls are refused."""
    name = settings.USERTASKS.get("GRPC_ANONYMOUS_USER")
    return User.objects.filter(username=name, is_active=True).first() if name else None


def _bearer_of(authorization: str, origin: Origin) -> Actor:
    """LittleHorse's Python client sends the bare token, its others put `Bearer` before it."""
    words = authorization.split()
    is_readable = len(words) == 1 or (len(words) == 2 and words[0].lower() == "bearer")
    bearer = bearer_from(origin.address, words[-1] if is_readable else "")
    require_pace(bearer.user.get_username())
    return bearer.actor(origin)


def _anybody(origin: Origin) -> Actor:
    user = anonymous_user()
    if user is None:
        raise NotSignedIn("Send an API token in the metadata `authorization`.")
    require_pace(user.get_username())
    return actor_for(user, origin=origin)
