"""What the pages keep of their own: how often signing in has failed."""

from __future__ import annotations

from django.db import models


class SignInAttempt(models.Model):
    """A try with a password that failed, or is under way; `key` is a keyed digest, no name and no address is kept."""

    key = models.CharField(max_length=64)
    tried_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["key", "tried_at"], name="sign_in_attempts_of_a_key")]

    def __str__(self) -> str:
        return f"{self.key[:8]} at {self.tried_at:%H:%M:%S}"
