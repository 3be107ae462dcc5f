"""How long things are kept: ended runs are deleted or made anonymous after a while, and so is what lies beside them.

Everything goes in batches, each its own transaction: whoever is interrupted goes on with what is left. Runs are locked
first, as by everybody else, and those that somebody works with are left for the next time. Every event leaves its links
behind, with a seal that says that it was deleted by right; a run whose history was tampered with is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When

from . import chain, feed
from .audit import Finding, events_of, followed, is_refusal_intact
from .models import (
    TERMINAL,
    ApiToken,
    ArmedHook,
    BulkChange,
    Delivery,
    DeliveryState,
    Draft,
    DraftState,
    EventType,
    FeedHead,
    Mail,
    MailState,
    PurgedEvent,
    Refusal,
    Status,
    Substitution,
    Upload,
    UserTaskComment,
    UserTaskEvent,
    UserTaskRun,
)
from .models.feed import ONLY
from .redaction import ANONYMOUS, forget_people, redact_history
from .uploads import delete_content

BATCH = 500
FORGOTTEN = ""
"""The digest of the request that created a run, once the run is anonymous: what tells those from the others."""

Place = tuple[datetime, UUID]


@dataclass(frozen=True)
class Step:
    """What became of one batch of runs; `damaged` are those with a history that was tampered with."""

    done: int
    busy: int = 0
    damaged: Sequence[UUID] = ()


def ended_runs(status: str, before: datetime, *, anonymise: bool = False) -> QuerySet[UserTaskRun]:
    """The runs that ended so before then, the oldest first, and are not anonymous if they are to be."""
    cancelled = UserTaskEvent.objects.filter(run=OuterRef("pk"), type=EventType.CANCELLED, time__lt=before)
    ended = Q(completed_at__lt=before) if status == Status.DONE else Q(Exists(cancelled))
    # Who ended before then began before then, and that an index tells.
    runs = UserTaskRun.objects.filter(ended, status=status, scheduled_time__lt=before)
    return (runs.exclude(request_digest=FORGOTTEN) if anonymise else runs).order_by("scheduled_time", "id")


def purge_runs(before: datetime, *, now: datetime, batch: int = BATCH, anonymise: bool = False) -> Iterator[Step]:
    """Delete, or make anonymous, the runs that ended before then; a step for each batch, which is committed by then."""
    for status in sorted(TERMINAL):
        place: Place | None = None
        while True:
            runs = ended_runs(status, before, anonymise=anonymise)
            step, place = _purge_some(runs, place, batch, partial(_make_anonymous, now=now) if anonymise else _delete)
            if place is None:
                break
            yield step


@transaction.atomic
def _purge_some(
    runs: QuerySet[UserTaskRun], place: Place | None, batch: int, purge: Callable[[list[UserTaskRun]], None]
) -> tuple[Step, Place | None]:
    """The first runs after that place, and the place of the last of them; None where there are none."""
    if place is not None:
        runs = runs.filter(Q(scheduled_time__gt=place[0]) | Q(scheduled_time=place[0], id__gt=place[1]))
    places = list(runs.values_list("scheduled_time", "id")[:batch])
    if not places:
        return Step(0), None
    ids = [run_id for _, run_id in places]
    locked = list(UserTaskRun.objects.filter(pk__in=ids).select_for_update(skip_locked=True).order_by("id"))
    waited_for = _waited_for(ids)
    free = [run for run in locked if run.id not in waited_for]
    damaged = _damaged(free)
    chosen = [run for run in free if run.id not in damaged]
    purge(chosen)
    return Step(len(chosen), len(ids) - len(free), sorted(damaged)), places[-1]


def _waited_for(ids: Sequence[UUID]) -> set[UUID]:
    """The runs of which there is something to be told yet: to the feed, or to an endpoint that takes it."""
    unpublished = UserTaskEvent.objects.unpublished().filter(run__in=ids)
    pending = Delivery.objects.pending().filter(run__in=ids, endpoint__active=True)
    return {*unpublished.values_list("run_id", flat=True), *pending.values_list("run_id", flat=True)}


def _damaged(runs: Sequence[UserTaskRun]) -> set[UUID]:
    """Those whose events are not all as they were written: to purge them would hide it."""
    versions = sorted((run.id, run.version) for run in runs)
    findings: list[Finding] = []
    events = events_of(UserTaskEvent.objects.filter(run__in=[run.id for run in runs]), findings.append)
    findings += [found for found in followed(versions, events, 0) if found]
    return {found.run_id for found in findings if found.run_id}


def _delete(runs: list[UserTaskRun]) -> None:
    ids = [run.id for run in runs]
    rows = UserTaskEvent.objects.filter(run__in=ids).values_list("position", "link", "feed_link").order_by("position")
    PurgedEvent.objects.bulk_create((_left_behind(*row) for row in rows.iterator()), batch_size=BATCH)
    _delete_what_belongs_to(ids)
    UserTaskComment.objects.filter(run__in=ids).delete()
    UserTaskEvent.objects.filter(run__in=ids).delete()
    UserTaskRun.objects.filter(pk__in=ids).delete()


def _left_behind(position: int | None, link: str, feed_link: str) -> PurgedEvent:
    assert position is not None
    seal = chain.signed(chain.of_purged_event(position, link, feed_link))
    return PurgedEvent(position=position, link=link, feed_link=feed_link, seal=seal)


def _make_anonymous(runs: list[UserTaskRun], *, now: datetime) -> None:
    """What stays is what happened when, of which definition and in which group; who and what is gone."""
    ids = [run.id for run in runs]
    _delete_what_belongs_to(ids)
    UserTaskComment.objects.filter(run__in=ids).update(user_id=ANONYMOUS, comment="", deleted=True)
    for run_id in ids:
        redact_history(run_id, forget_people)
    UserTaskRun.objects.filter(pk__in=ids).update(
        user_id=Case(When(user_id__isnull=True, then=Value(None)), default=Value(ANONYMOUS)),
        results={},
        notes="",
        actions=[],
        excluded_user_ids=[],
        request_digest=FORGOTTEN,
        anonymised_at=now,
    )


def _delete_what_belongs_to(ids: Sequence[UUID]) -> None:
    """Timers, mails, deliveries, drafts, and the files that were chosen."""
    for upload in Upload.objects.filter(run__in=ids):
        delete_content(upload)
    Upload.objects.filter(run__in=ids).delete()
    DraftState.objects.filter(draft__run__in=ids).delete()
    for model in (Draft, ArmedHook, Mail, Delivery):
        model._default_manager.filter(run__in=ids).delete()


def old_rows(before: datetime) -> Mapping[str, QuerySet[Any]]:
    """What is deleted beside the runs, whatever becomes of these, by what it is called."""
    settled_mails = Mail.objects.exclude(state=MailState.PENDING).filter(settled_at__lt=before)
    settled_deliveries = Delivery.objects.exclude(state=DeliveryState.PENDING).filter(event__time__lt=before)
    over = Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    empty = Draft.objects.filter(text="", saved_at__lt=before)
    return {
        "mails": settled_mails,
        "deliveries of webhooks": settled_deliveries,
        "bulk changes": BulkChange.objects.filter(created_at__lt=before),
        "tokens": ApiToken.objects.filter(over),
        "substitutions": Substitution.objects.filter(ends_at__lt=before),
        "settled drafts": empty.filter(~Exists(DraftState.objects.filter(draft=OuterRef("pk")))),
        "entries of the admin's log": LogEntry.objects.filter(action_time__lt=before),
    }


def left_beside(rows: QuerySet[Any], before: datetime, *, anonymise: bool) -> QuerySet[Any]:
    """Those of these rows that do not go with the runs that are purged."""
    if any(column.name == "run" for column in rows.model._meta.fields):
        for status in sorted(TERMINAL):
            rows = rows.exclude(run__in=ended_runs(status, before, anonymise=anonymise))
    return rows


def delete_rows(rows: QuerySet[Any], *, batch: int = BATCH) -> Iterator[int]:
    """Delete these, a batch in each step; how many."""
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:batch]):
        rows.model._default_manager.filter(pk__in=ids).delete()
        yield len(ids)


def purge_refusals(before: datetime, *, batch: int = BATCH) -> Iterator[int]:
    """Delete the refusals of before then, up to the first that is younger, or damaged; how many in each step."""
    while deleted := _purge_refusals(before, batch):
        yield deleted


@transaction.atomic
def _purge_refusals(before: datetime, batch: int) -> int:
    head = feed.locked_head()
    first, last, link = head.refusals_begin_after, head.refusals_begin_after, head.refusals_begin_link
    rows = Refusal.objects.filter(position__gt=first).order_by("position")[:batch] if _is_begun_by_right(head) else []
    for row in rows:
        if row.time >= before or row.position != last + 1 or not is_refusal_intact(row, link):
            break
        last, link = row.position, row.link
    if last > first:
        head.refusals_begin_after, head.refusals_begin_link = last, link
        head.refusals_begin_seal = chain.signed(chain.of_beginning(last, link))
        head.save(update_fields=["refusals_begin_after", "refusals_begin_link", "refusals_begin_seal"])
        Refusal.objects.filter(position__lte=last).delete()
    return last - first


def _is_begun_by_right(head: FeedHead) -> bool:
    position, link = head.refusals_begin_after, head.refusals_begin_link
    return not position or chain.is_signed(head.refusals_begin_seal, chain.of_beginning(position, link))


def damaged_refusal(before: datetime) -> int | None:
    """The position of the refusal of before then that stops a purge, because it is not as it was written."""
    head = FeedHead.objects.filter(pk=ONLY).first() or FeedHead()
    row = Refusal.objects.filter(position__gt=head.refusals_begin_after).order_by("position").first()
    if row is None or row.time >= before:
        return None
    is_next = row.position == head.refusals_begin_after + 1 and _is_begun_by_right(head)
    return None if is_next and is_refusal_intact(row, head.refusals_begin_link) else row.position


def old_refusals(before: datetime) -> QuerySet[Refusal]:
    return Refusal.objects.filter(time__lt=before)
