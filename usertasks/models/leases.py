"""Leases: rows that workers share out among themselves, so that each is worked on by one at a time.

A row that may be leased has `next_attempt_at` and `attempts`. Taking one puts its next attempt off by the length of
the lease: a worker that dies holds it no longer than that. `attempts` tells one lease from the next, so that whoever
was too slow notices it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models, transaction
from django.db.models import F


class LeasedQuerySet[Row: models.Model](models.QuerySet[Row]):
    def lease(self, now: datetime, *, seconds: float, limit: int) -> list[Row]:
        """Take up to `limit` of these rows, none that somebody else is taking; in the order of the queryset.

        PostgreSQL skips the rows that others have locked; SQLite has one writer at a time anyway. Looking comes first,
        so that workers with nothing to do are in nobody's way.
        """
        return self._lease(now, seconds=seconds, limit=limit) if self.exists() else []

    @transaction.atomic
    def _lease(self, now: datetime, *, seconds: float, limit: int) -> list[Row]:
        rows = list(self.select_for_update(skip_locked=True, of=("self",), no_key=True)[:limit])
        until = now + timedelta(seconds=seconds)
        taken = self.model._default_manager.filter(pk__in=[row.pk for row in rows])
        taken.update(next_attempt_at=until, attempts=F("attempts") + 1)
        for row in rows:
            row.next_attempt_at = until  # type: ignore[attr-defined]
            row.attempts += 1  # type: ignore[attr-defined]
        return rows

    def still_leased(self, row: Row) -> Self:
        """The row, if nobody has leased it since; to be settled with an `update` that says how many it changed."""
        return self.filter(pk=row.pk, attempts=row.attempts)  # type: ignore[attr-defined]

    def extend(self, row: Row, until: datetime) -> None:
        """Keep the lease of a row for longer."""
        self.still_leased(row).update(next_attempt_at=until)
