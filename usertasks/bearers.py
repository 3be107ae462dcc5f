"""Who is behind a bearer token: one of ours, or one of the company's own issuer. REST and gRPC ask the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from django.contrib.auth.models import User

from .actors import Actor, Origin, Scope, actor_for
from .errors import NotSignedIn
from .models import ApiToken


@dataclass(frozen=True)
class Bearer:
    """The person of a token and what it is for; `groups`, where the token itself says which they are in."""

    user: User
    scopes: frozenset[Scope]
    text: str = field(repr=False)
    groups: frozenset[str] | None = None

    def actor(self, origin: Origin) -> Actor:
        """Who acts, coming from there."""
        actor = actor_for(self.user, origin=origin)
        known = actor if self.groups is None else replace(actor, groups=self.groups)
        return known.within(self.scopes)

    def by_now(self) -> Bearer:
        """The same one, asked anew. Raises `NotSignedIn`."""
        return bearer_of(self.text)


def bearer_of(text: str) -> Bearer:
    """Raises `NotSignedIn`; the words are the same for every token that is not valid."""
    token = ApiToken.objects.find(text)
    if token is None:
        raise NotSignedIn("The token is not valid.")
    return Bearer(token.user, token.granted, text)
