"""What is taken out of the audit by right: events and refusals keep their links, and get a seal of what they say since.

What was tampered with before gets no seal: nobody hides that by making it anonymous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from . import chain, feed
from .actors import SYSTEM
from .audit import is_intact, is_refusal_intact
from .models import Refusal, UserTaskEvent

AT_ONCE = 500

ANONYMOUS = "usertasks:anonymous"
"""Stands where a name stood; no account has a colon in its name unless somebody insists."""

KEPT = frozenset(
    {
        "user_group",
        "old_user_group",
        "new_user_group",
        "user_task_def",
        "comment_id",
        "hook",
        "hook_id",
        "task_def_name",
        "task",
    }
)
"""What the data of events says of no person."""
NAMES = frozenset({"user_id", "old_user_id", "new_user_id", "on_behalf_of"})
EMPTIED: dict[str, Callable[[], Any]] = {"results": dict, "variables": dict, "excluded_user_ids": list}
"""What history and clients count on, and may be empty. Anything else that an event says is null afterwards."""


def name_without_person(name: str | None) -> str | None:
    return name if name in (None, SYSTEM.user_id) else ANONYMOUS


def forget_people(event: UserTaskEvent) -> None:
    """Take everything out of an event that could tell of a person: names, answers, words, addresses."""
    event.actor = name_without_person(event.actor) or ANONYMOUS
    event.address = None
    event.data = {key: _part_without_people(key, value) for key, value in event.data.items()}


def _part_without_people(key: str, value: Any) -> Any:
    if key in KEPT:
        return value
    if key in NAMES:
        return name_without_person(value)
    return EMPTIED[key]() if key in EMPTIED else None


def redact_history(run_id: UUID, change: Callable[[UserTaskEvent], object]) -> int:
    """Have `change` change the events of a run, and seal what it changed; how many. The run is locked by the caller."""
    changed = 0
    for events in _batches(_redacted(UserTaskEvent.objects.filter(run=run_id), change)):
        UserTaskEvent.objects.bulk_update(events, ["actor", "data", "address", "redaction"])
        changed += len(events)
    return changed


def _redacted(events: QuerySet[UserTaskEvent], change: Callable[[UserTaskEvent], object]) -> Iterator[UserTaskEvent]:
    previous = chain.BEGINNING
    for event in list(events.order_by("number")):
        was, is_good = _said(event), is_intact(event, previous)
        change(event)
        if _said(event) != was:
            if is_good:
                event.redaction = chain.signed(chain.of_changed_event(event, previous, event.link))
            yield event
        previous = event.link


def _said(event: UserTaskEvent) -> tuple[Any, ...]:
    return event.actor, event.data, event.address


@transaction.atomic
def redact_refusals(refusals: QuerySet[Refusal], change: Callable[[Refusal], object]) -> int:
    """The same for these refusals; nobody seals meanwhile. How many there were."""
    head = feed.locked_head()
    found = list(refusals.order_by("id"))
    before = dict(
        Refusal.objects.filter(position__in=[row.position - 1 for row in found if row.position]).values_list(
            "position", "link"
        )
    )
    before |= {head.refusals_begin_after: head.refusals_begin_link}
    for refusal in found:
        previous = None if refusal.position is None else before.get(refusal.position - 1)
        is_good = previous is not None and is_refusal_intact(refusal, previous)
        change(refusal)
        if is_good and previous is not None:
            refusal.redaction = chain.signed(chain.of_changed_refusal(refusal, previous, refusal.link))
    Refusal.objects.bulk_update(found, ["actor", "on_behalf_of", "address", "redaction"], batch_size=AT_ONCE)
    return len(found)


def _batches[Row](rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
    while batch := list(islice(rows, AT_ONCE)):
        yield batch
