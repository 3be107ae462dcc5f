"""Who is behind a bearer token: one of ours, or one of the company's own issuer. REST and gRPC ask the same."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from . import limits
from .accounts import ROLE_NAMES, Identity, has_role_mapping, identity_of, standing_of
from .actors import Actor, Origin, Scope, actor_for
from .errors import NotAllowed, NotSignedIn
from .grants import holder_of_token
from .issuer import NotBelieved, claims_of, is_believed_in, looks_like_a_jwt, provider_of_sign_on, scopes_of
from .links import linked_account
from .models import ApiToken
from .models.tokens import BETWEEN_USES, digest_of

log = logging.getLogger("usertasks.issuer")


@dataclass(frozen=True)
class Bearer:
    """The person of a token and what it is for; `groups` and `leads`, where the token itself says what they are in."""

    user: User
    scopes: frozenset[Scope]
    text: str = field(repr=False)
    groups: frozenset[str] | None = None
    leads: frozenset[str] | None = None

    def actor(self, origin: Origin) -> Actor:
        """Who acts, coming from there."""
        actor = actor_for(self.user, origin=origin, groups=self.groups)
        if self.leads is not None:
            actor = replace(actor, leads=self.leads if actor.holds("lead_usertaskrun") else frozenset())
        return actor.within(self.scopes)

    def by_now(self) -> Bearer:
        """The same one, asked anew. Raises `NotSignedIn`."""
        return bearer_of(self.text)


def bearer_from(address: str | None, text: str) -> Bearer:
    """Who knocks with this token from there. Raises `NotSignedIn`, or `Throttled` after too many that are not valid."""
    # A JWT costs no query before it is believed, and nobody who gets a new one is kept out by a neighbour.
    is_ours = not _is_jwt(text)
    if is_ours:
        limits.require_few_failures(address, text)
    try:
        bearer = bearer_of(text)
    except NotSignedIn:
        limits.count_failure(address)
        raise
    if is_ours:
        limits.remember_valid(text)
    return bearer


def bearer_of(text: str, *, now: datetime | None = None) -> Bearer:
    """Raises `NotSignedIn`; the words are the same for every token that is not valid."""
    if _is_jwt(text):
        return _bearer_of_jwt(text, now)
    moment = now or timezone.now()
    holder = holder_of_token(digest_of(text), now=moment, lately=moment - BETWEEN_USES)
    if holder is None:
        raise _not_valid()
    if not holder.was_used_lately:
        ApiToken.objects.filter(pk=holder.token_id).update(last_used_at=moment)
    return Bearer(holder.user, frozenset(Scope(scope) for scope in holder.scopes), text)


def _is_jwt(text: str) -> bool:
    return is_believed_in() and looks_like_a_jwt(text)


def _bearer_of_jwt(text: str, now: datetime | None) -> Bearer:
    try:
        claims = claims_of(text, now=now)
        scopes, identity = scopes_of(claims), identity_of(claims)
        user = linked_account(provider_of_sign_on(), claims["sub"], identity)
    except NotBelieved as refusal:
        log.info("A token of the issuer was refused: %s", refusal.reason)
        raise _not_valid() from None
    except (NotSignedIn, NotAllowed):
        log.info("A token of the issuer was refused: person")
        raise _not_valid() from None
    bearer = Bearer(user, scopes, text)
    return bearer if identity.groups is None else _with_groups(bearer, identity)


def _with_groups(bearer: Bearer, identity: Identity) -> Bearer:
    """What the token says of groups counts, and of roles and leads where the issuer decides about these."""
    standing = standing_of(identity)
    if has_role_mapping():
        return replace(bearer, groups=standing.groups, leads=standing.leads)
    roles = bearer.user.groups.filter(name__in=ROLE_NAMES).values_list("name", flat=True)
    return replace(bearer, groups=standing.groups.union(roles))


def _not_valid() -> NotSignedIn:
    return NotSignedIn("The token is not valid.")
