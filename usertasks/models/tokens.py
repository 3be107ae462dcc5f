"""API tokens: only their digests are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..actors import EVERY_SCOPE, Scope

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = "ut_"
MAX_TOKEN_NAME = 100
SHOWN = len(PREFIX) + 4
"""So many characters are kept, to tell tokens apart."""
BETWEEN_USES = timedelta(minutes=1)
"""The time of the last use is kept this exactly, so that reading costs no write."""
LISTED = timedelta(days=30)
"""So long its owner still sees a token that was revoked or has expired."""


def digest_of(token: str) -> str:
    """SHA-256 in hex: a token has 256 random bits, so there is nothing to guess and no need for a slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class TokenState(models.TextChoices):
    LIVE = "live", _("Live")
    EXPIRED = "expired", _("Expired")
    REVOKED = "revoked", _("Revoked")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self, now: datetime) -> ApiTokenQuerySet:
        """Neither expired nor revoked."""
        return self.exclude(models.Q(expires_at__lte=now) | models.Q(revoked_at__isnull=False))

    def listed(self, now: datetime) -> ApiTokenQuerySet:
        """Live, or of use until not so long ago: the newest first."""
        is_old = models.Q(expires_at__lte=now - LISTED) | models.Q(revoked_at__lte=now - LISTED)
        return self.exclude(is_old).order_by("-created_at", "-id")

    def issue(
        self,
        user: User,
        *,
        name: str = "",
        scopes: Iterable[Scope] = EVERY_SCOPE,
        expires_at: datetime | None = None,
        made_by: str = "",
    ) -> str:
        """A new token for `user`; the text returned is the only copy."""
        token = PREFIX + secrets.token_urlsafe(32)
        self.create(
            user=user,
            name=name,
            digest=digest_of(token),
            hint=token[:SHOWN],
            scopes=sorted(scopes),
            expires_at=expires_at,
            made_by=made_by or user.get_username(),
        )
        return token


class ApiToken(models.Model):
    """A token with which a program acts as `user`, within `scopes`, until `expires_at` or until it is revoked."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=MAX_TOKEN_NAME, blank=True, default="", db_default="")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField("begins with", max_length=SHOWN, blank=True, default="", db_default="", editable=False)
    scopes = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)
    created_at = models.DateTimeField("created", auto_now_add=True)
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    revoked_at = models.DateTimeField("revoked", null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField("last used", null=True, blank=True, editable=False)
    made_by = models.CharField("made by", max_length=150, blank=True, default="", db_default="", editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name or f"token of {self.user} of {self.created_at:%Y-%m-%d}"

    @property
    def granted(self) -> frozenset[Scope]:
        """What it is for."""
        return frozenset(Scope(scope) for scope in self.scopes)

    def state_at(self, now: datetime) -> TokenState:
        """Whether it is of any use then."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        return TokenState.EXPIRED if self.expires_at and self.expires_at <= now else TokenState.LIVE
