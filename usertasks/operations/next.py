"""Taking the next run: the most urgent one that waits for somebody, whoever else asks at the same moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.datastructures import MultiValueDict

from ..actors import Actor, Scope
from ..filters import Search
from ..models import Status, UserTaskRun
from ..models.orders import Order
from ..rules import Action, decide, require_scope
from .changes import Change, write
from .refusals import noting_refusals

CANDIDATES = 20
"""How many runs are looked at in one query: so many people can ask at once without asking the database again."""

COLUMNS = ("id", "priority", "due_at", "status", "user_id", "user_group", "excluded_user_ids")
"""What the order compares, and what the rules ask for."""


@noting_refusals
@transaction.atomic
def claim_next(*, by: Actor, user_group: str | None = None) -> UserTaskRun | None:
    """Claim the most urgent run that waits in a group of `by`, or in that one; None where nothing waits.

    The highest priority comes first, among equals what is due soonest. What `by` has snoozed, or must not do, is left
    out; so is what somebody else is taking at this moment, so that nobody waits for anybody.
    """
    require_scope(Scope.RUNS_WRITE, by)
    search = _waiting_for(by, user_group)
    for rows in _pages(search):
        free = {row.id for row in rows if decide(Action.CLAIM, row, by).allowed}
        while run := _first_locked(free, search.order):
            if decide(Action.CLAIM, run, by).allowed:
                return write(Change(run, by).hand(user_id=by.user_id, user_group=run.user_group))
            free.remove(run.id)  # it has just been moved to where it is not theirs
    return None


def _waiting_for(by: Actor, user_group: str | None) -> Search:
    """What waits for `by` as a member, whatever else they may see; the most urgent first."""
    filters: MultiValueDict[str, str] = MultiValueDict(
        {"status": [Status.UNASSIGNED], "snoozed": ["false"], "sort": ["priority"]}
    )
    if user_group is not None:
        filters["user_group"] = user_group
    return Search(filters, by=by.as_member(), columns=COLUMNS)


def _pages(search: Search) -> Iterator[Sequence[Any]]:
    """What it finds, page by page, each as it is when it is read."""
    position, has_more = None, True
    while has_more:
        page = search.page(limit=CANDIDATES, after=position)
        yield page.rows
        has_more = page.has_more
        position = search.order.position_of(page.rows[-1]) if page.rows else None


def _first_locked(run_ids: Set[UUID], order: Order) -> UserTaskRun | None:
    """The first of them that still waits and nobody else is holding, held by now."""
    locking: dict[str, Any] = {"no_key": True, "skip_locked": True} if connection.vendor == "postgresql" else {}
    waiting = UserTaskRun.objects.filter(pk__in=run_ids, status=Status.UNASSIGNED).order_by(*order.by())
    return waiting.select_for_update(**locking).first() if run_ids else None
