"""The heads of the change feed and of the refusals: the newest positions, and their links."""

from __future__ import annotations

from django.db import models

from ..chain import LENGTH

ONLY = 1
"""Its primary key."""


class FeedHead(models.Model):
    """One row. Whoever publishes events locks it, so that positions are given and committed in one order.

    The refusals begin after `refusals_begin_after` where older ones were deleted by right.
    """

    position = models.BigIntegerField(default=0)
    link = models.CharField(max_length=LENGTH, blank=True, default="", db_default="")
    refusal_position = models.BigIntegerField(default=0, db_default=0)
    refusal_link = models.CharField(max_length=LENGTH, blank=True, default="", db_default="")
    refusals_begin_after = models.BigIntegerField(default=0, db_default=0)
    refusals_begin_link = models.CharField(max_length=LENGTH, blank=True, default="", db_default="")
    refusals_begin_seal = models.CharField(max_length=LENGTH, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"at {self.position}"
