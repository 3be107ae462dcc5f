"""API tokens: making one for oneself or for somebody else, and revoking it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from . import json_text
from .actors import EVERY_SCOPE, SCOPE_OF, Actor, Scope
from .errors import Fault, InvalidArgument, NotAllowed, NotFound, Refused
from .logbook import Deed, enter, enter_all
from .models import ApiToken
from .models.tokens import MAX_TOKEN_NAME, digest_of
from .operations import note, noting_refusals
from .owners import flaw_of_name
from .rules import require_permission

MAX_LIVE = 50
"""Tokens that one person can have at once: whoever needs more has forgotten to revoke some."""

MACHINE = Actor("usertasks:command", permissions=frozenset({"add_apitoken", "change_apitoken"}))
"""Whoever has the machine; no account has a colon in its name unless somebody insists."""


@dataclass(frozen=True)
class NewToken:
    """A token that was made just now; `text` is its only copy."""

    row: ApiToken
    text: str = field(repr=False)


@noting_refusals
@transaction.atomic
def issue_token(
    user_id: str,
    *,
    by: Actor,
    now: datetime,
    name: str = "",
    scopes: Iterable[Scope] = EVERY_SCOPE,
    expires_at: datetime | None = None,
) -> NewToken:
    """Make a token with which a program acts as `user_id`; everybody may for themselves.

    It never does more than the person may when it is used, whatever its scopes say, so nobody hands out more than that
    person has. Raises `NotAllowed` or `InvalidArgument`.
    """
    scopes = sorted(set(scopes))
    if faults := _faults(user_id, name, scopes, expires_at, now):
        raise InvalidArgument.of(faults)
    _require_maker(user_id, by)
    # The lock makes two who make a token for one person wait for each other: names and number are counted under it.
    user = User.objects.select_for_update().filter(username=user_id, is_active=True).first()
    if user is None:
        raise InvalidArgument.at(
            "user_id", Fault("invalid", _("is no active account: %(user_id)s") % {"user_id": user_id})
        )
    live = ApiToken.objects.live(now).filter(user=user)
    if name and live.filter(name=name).exists():
        raise InvalidArgument.at("name", Fault("invalid", _("is the name of another token")))
    if live.count() >= MAX_LIVE:
        raise InvalidArgument(
            _("%(user_id)s has %(number)s tokens. Revoke one that is not needed any more.")
            % {"user_id": user_id, "number": MAX_LIVE}
        )
    text = ApiToken.objects.issue(user, name=name, scopes=scopes, expires_at=expires_at, made_by=by.user_id)
    row = ApiToken.objects.get(digest=digest_of(text))
    enter(row, Deed.MADE, f"Made for {', '.join(scopes)}", by=by)
    return NewToken(row, text)


@noting_refusals
@transaction.atomic
def revoke_token(token_id: int, *, by: Actor, now: datetime) -> ApiToken:
    """Make a token worthless from now on; one that is revoked stays as it is. One's own, or any with `change_apitoken`.

    Raises `NotFound`: what is somebody else's does not exist for others.
    """
    rows = _revoked(Q(pk=token_id), by, now)
    if not rows:
        raise NotFound(_("There is no such token."))
    return rows[0]


@transaction.atomic
def revoke_tokens(token_ids: Collection[int], *, by: Actor, now: datetime) -> dict[int, Refused]:
    """The same for many; those for which it is refused, with the reason."""
    known = {row.pk for row in _revoked(Q(pk__in=token_ids), by, now)}
    refusals: dict[int, Refused] = {pk: NotFound(_("There is no such token.")) for pk in token_ids if pk not in known}
    note(list(refusals.values()), revoke_token.__name__, by=by)
    return refusals


def _revoked(which: Q, by: Actor, now: datetime) -> list[ApiToken]:
    """Those that `by` may revoke, which they are from now on."""
    own = Q() if by.holds("change_apitoken") else Q(user__username=by.user_id)
    known = ApiToken.objects.select_for_update(of=("self",)).select_related("user").filter(own, which)
    rows = list(known.order_by("pk"))
    live = [row for row in rows if row.revoked_at is None]
    for row in live:
        row.revoked_at = now
    if live:
        ApiToken.objects.filter(pk__in=[row.pk for row in live]).update(revoked_at=now)
    enter_all([(row, "Revoked") for row in live], Deed.CHANGED, by=by)
    return rows


def scopes_within(actor: Actor) -> list[Scope]:
    """What a token of this person could be for, so that it is of use: what they may not, it could not either."""
    needed = {SCOPE_OF.get(permission, Scope.ADMIN) for permission in actor.permissions}
    # Webhook endpoints take this permission, and the scope `admin`.
    sees_all = {Scope.ADMIN} if actor.holds("view_usertaskrun") else set()
    return [scope for scope in Scope if scope in needed | sees_all | {Scope.RUNS_READ, Scope.RUNS_WRITE}]


def _require_maker(user_id: str, by: Actor) -> None:
    """Raises `NotAllowed` for whoever may not make a token for that person."""
    if user_id == by.user_id:
        return
    require_permission("add_apitoken", by)
    if by != MACHINE and _is_superuser(user_id) and not _is_superuser(by.user_id):
        raise NotAllowed(_("Only a superuser makes a token for one."))


def _is_superuser(user_id: str) -> bool:
    return User.objects.filter(username=user_id, is_superuser=True).exists()


def _faults(
    user_id: str, name: str, scopes: list[Scope], expires_at: datetime | None, now: datetime
) -> dict[str, list[Fault]]:
    faults = {}
    if flaw := flaw_of_name(user_id):
        faults["user_id"] = [Fault("invalid", flaw)]
    if flaw := json_text.flaw_of_text(name):
        faults["name"] = [Fault("invalid", flaw)]
    elif len(name) > MAX_TOKEN_NAME:
        faults["name"] = [
            Fault(
                "out_of_range",
                _("must have at most %(number)s characters") % {"number": MAX_TOKEN_NAME},
            )
        ]
    if not scopes:
        faults["scopes"] = [Fault("required", _("must be at least one"))]
    if expires_at and expires_at <= now:
        faults["expires_at"] = [Fault("out_of_range", _("must be in the future"))]
    return faults
