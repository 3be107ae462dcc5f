"""Taking the next run: the most urgent one that waits for somebody, whoever else asks at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.datastructures import MultiValueDict

from ..actors import Actor, Scope
from ..filters import Search
from ..models import Status, UserTaskRun
from ..rules import Action, decide, require_scope
from .beats import hand
from .refusals import noting_refusals

CANDIDATES = 20
"""How many runs are looked at in one query: so many people can ask at once without asking the database again."""


@noting_refusals
@transaction.atomic
def claim_next(*, by: Actor, user_group: str | None = None) -> UserTaskRun | None:
    """Claim the most urgent run that waits in a group of `by`, or in that one; None where nothing waits.

    The highest priority comes first, among equals what is due soonest. What `by` has snoozed, or must not do, is left
    out; so is what somebody else is taking at this moment, so that nobody waits for anybody.
    """
    require_scope(Scope.RUNS_WRITE, by)
    for run_id in _waiting(by.as_member(), user_group):
        run = _locked_unless_taken(run_id)
        if run and decide(Action.CLAIM, run, by).allowed:
            return hand(run, by=by, user_id=by.user_id, user_group=run.user_group)
    return None


def _waiting(by: Actor, user_group: str | None) -> Iterator[UUID]:
    """What waits for `by`, the most urgent first, as it was when the page was read."""
    filters: MultiValueDict[str, str] = MultiValueDict(
        {"status": [Status.UNASSIGNED], "snoozed": ["false"], "sort": ["priority"]}
    )
    if user_group is not None:
        filters["user_group"] = user_group
    search = Search(filters, by=by, columns=("id", "priority", "due_at"))
    position, has_more = None, True
    while has_more:
        page = search.page(limit=CANDIDATES, after=position)
        yield from (row.id for row in page.rows)
        has_more = page.has_more
        position = search.order.position_of(page.rows[-1]) if page.rows else None


def _locked_unless_taken(run_id: UUID) -> UserTaskRun | None:
    """The run, if it still waits and nobody holds its lock."""
    locking: dict[str, Any] = {"no_key": True, "skip_locked": True} if connection.vendor == "postgresql" else {}
    waiting = UserTaskRun.objects.filter(pk=run_id, status=Status.UNASSIGNED)
    return waiting.select_for_update(**locking).first()
