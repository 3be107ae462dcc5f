"""API tokens: only their digests are kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = "ut_"


def digest_of(token: str) -> str:
    """SHA-256 in hex: a token has 256 random bits, so there is nothing to guess and no need for a slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class ApiTokenManager(models.Manager["ApiToken"]):
    def issue(self, user: User) -> str:
        """A new token for `user`; the text returned is the only copy."""
        token = PREFIX + secrets.token_urlsafe(32)
        self.create(user=user, digest=digest_of(token))
        return token

    def find(self, token: str) -> ApiToken | None:
        """The token whose text this is, if its user is active."""
        return self.select_related("user").filter(digest=digest_of(token), user__is_active=True).first()


class ApiToken(models.Model):
    """A token with which a program acts as `user`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiTokenManager()

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"token of {self.user} of {self.created_at:%Y-%m-%d}"
