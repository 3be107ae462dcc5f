"""The head of the change feed: the position of the newest published event."""

from __future__ import annotations

from django.db import models

ONLY = 1
"""Its primary key."""


class FeedHead(models.Model):
    """One row. Whoever publishes events locks it, so that positions are given and committed in one order."""

    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"at {self.position}"
