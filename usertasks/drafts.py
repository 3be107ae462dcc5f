"""Drafts: what somebody typed into the form of a run, kept as their own until they save it or throw it away.

Nothing is overwritten silently. What is about to be lost becomes an earlier state: about one a minute while somebody
types, at once where a field is emptied, and always where the draft was written from another page in the meantime.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from . import uploads
from .actors import Actor
from .by_key import find
from .errors import NotFound, TooLarge
from .models import Draft, DraftState, Inputs, UserTaskRun
from .models.drafts import as_text

KEPT_STATES = 5
BETWEEN_STATES = timedelta(minutes=1)
TINY = timedelta(microseconds=1)
LONG = 40
"""From so many characters on, losing most of a text is like losing all of it."""
NO_DRAFT = datetime.min.replace(tzinfo=UTC)
"""When no draft was saved."""


@dataclass(frozen=True)
class Writing:
    """What an open page holds: its inputs, the version of the run that it was opened at, its own name (`page`; a page
    that runs no scripts has none), and the `saved_at` of the draft that it knows of, `NO_DRAFT` if it knows of none;
    None where it does not say."""

    inputs: Mapping[str, Sequence[str]]
    run_version: int | None = None
    page: str = ""
    based_on: datetime | None = None


@dataclass(frozen=True)
class Kept:
    """A draft after it was written; `was_changed_elsewhere` if another page had, and that became an earlier state."""

    draft: Draft
    was_changed_elsewhere: bool = False


def draft_of(run_id: UUID, user_id: str) -> Draft | None:
    """What this person has typed there and not saved; nobody asks for another's."""
    return Draft.objects.of(run_id, user_id).exclude(text="").first()


def write(run_id: UUID, writing: Writing, *, by: Actor, now: datetime, makes_state: bool = True) -> Kept:
    """Keep what `by` has typed. Raises `NotFound` where they may not see the run, unless they had begun already,
    and `TooLarge`."""
    kept = go_on(run_id, writing, user_id=by.user_id, now=now, makes_state=makes_state)
    if kept is None:
        _begin(run_id, by, now)
        kept = go_on(run_id, writing, user_id=by.user_id, now=now, makes_state=makes_state)
    assert kept is not None
    return kept


@transaction.atomic
def go_on(run_id: UUID, writing: Writing, *, user_id: str, now: datetime, makes_state: bool = True) -> Kept | None:
    """Keep what was typed where there is a draft already, else None: no right is asked for, so it is cheap."""
    draft = _locked(run_id, user_id)
    if draft is None:
        return None
    text = _text_of(writing)
    if text == draft.text or (writing.page and writing.page == draft.settled_page):
        return Kept(draft)
    is_elsewhere = _is_elsewhere(draft, writing)
    if is_elsewhere or (makes_state and _is_worth_a_state(draft, writing.inputs, now)):
        _add_state(draft, now)
    _set(draft, text, writing, now)
    return Kept(draft, is_elsewhere)


@transaction.atomic
def put_aside(run_id: UUID, writing: Writing, *, by: Actor, now: datetime) -> Draft:
    """Keep something older than the draft as an earlier state of it. Raises `NotFound` as `write` does."""
    draft = _locked(run_id, by.user_id)
    if draft is None:
        _begin(run_id, by, now)
        draft = _locked(run_id, by.user_id)
    assert draft is not None
    text = _text_of(writing)
    is_settled = bool(writing.page) and writing.page == draft.settled_page
    if text != draft.text and not is_settled and not draft.states.filter(text=text).exists():
        draft.states.create(text=text, run_version=writing.run_version, saved_at=now)
        _prune(draft)
    return draft


@transaction.atomic
def bring_back(run_id: UUID, state_id: int, writing: Writing, *, user_id: str, now: datetime) -> Draft:
    """Make an earlier state the draft; what the page held is kept first, and takes its place. Raises `NotFound`."""
    locked = _locked(run_id, user_id)
    state = locked.states.filter(pk=state_id).first() if locked else None
    kept = go_on(run_id, writing, user_id=user_id, now=now) if state else None
    if state is None or kept is None:
        raise NotFound(_("There is no such earlier state."))
    draft = kept.draft
    draft.states.filter(pk=state.pk).delete()
    if draft.text:
        draft.states.create(text=draft.text, run_version=draft.run_version, saved_at=draft.saved_at)
        _prune(draft)
    _set(draft, state.text, Writing({}, state.run_version), now)
    return draft


@transaction.atomic
def leave(run_id: UUID, page: str, *, by: Actor, now: datetime) -> None:
    """That page was sent, and is another one now: what it sent before and arrives after is not news.

    Raises `NotFound` as `write` does.
    """
    if page and not Draft.objects.of(run_id, by.user_id).update(settled_page=page):
        _begin(run_id, by, now)
        Draft.objects.of(run_id, by.user_id).update(settled_page=page)


def settle(run_id: UUID, writing: Writing, *, user_id: str, answers: Collection[UUID], now: datetime) -> None:
    """What that page held was saved or thrown away; `answers` are the uploads that were saved.

    What another page had written in the meantime was not part of it, and stays.
    """
    if answers or find(Draft, run_id=run_id, user_id=user_id):  # else there is nothing to lock
        _settle(run_id, writing, user_id, answers, now)


@transaction.atomic
def _settle(run_id: UUID, writing: Writing, user_id: str, answers: Collection[UUID], now: datetime) -> None:
    draft = _locked(run_id, user_id)
    if draft is None and not answers:
        return
    if draft is not None:
        draft.settled_page = writing.page
        is_unknown = writing.based_on is not None and _is_elsewhere(draft, writing)
        if not is_unknown or as_text(writing.inputs) == draft.text:
            draft.text, draft.saved_at = "", _after(draft, now)
            draft.states.all().delete()
        draft.save()
    uploads.become_answers(run_id, answers, user_id=user_id)
    uploads.forget(run_id, user_id=user_id)


def _locked(run_id: UUID, user_id: str) -> Draft | None:
    return Draft.objects.of(run_id, user_id).select_for_update(no_key=True).first()


def _text_of(writing: Writing) -> str:
    """What is stored of it. Raises `TooLarge` past the size of a request."""
    text = as_text(writing.inputs)
    if len(text) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or math.inf):
        raise TooLarge(_("What was typed is too large to be kept."))
    return text


def _begin(run_id: UUID, by: Actor, now: datetime) -> None:
    """An empty draft, whoever begins it first."""
    if not UserTaskRun.objects.visible_to(by).filter(pk=run_id).exists():
        raise NotFound(_("There is no such run."))
    empty = Draft(run_id=run_id, user_id=by.user_id, saved_at=now, snapshot_at=now)
    Draft.objects.bulk_create([empty], ignore_conflicts=True)


def _set(draft: Draft, text: str, writing: Writing, now: datetime) -> None:
    draft.text, draft.run_version, draft.page = text, writing.run_version, writing.page
    draft.saved_at = _after(draft, now)
    draft.save(update_fields=["text", "run_version", "page", "saved_at", "snapshot_at"])


def _after(draft: Draft, now: datetime) -> datetime:
    """A time that the draft never had: pages tell by it which draft they know."""
    return max(now, draft.saved_at + TINY)


def _is_elsewhere(draft: Draft, writing: Writing) -> bool:
    """Whether the draft is not the one that this page knows of."""
    is_own = bool(writing.page) and writing.page == draft.page
    return bool(draft.text) and not is_own and writing.based_on != draft.saved_at


def _is_worth_a_state(draft: Draft, inputs: Mapping[str, Sequence[str]], now: datetime) -> bool:
    if not draft.text:
        draft.snapshot_at = now
        return False
    if now - draft.snapshot_at >= BETWEEN_STATES:
        return True
    vanished = _vanished(draft.inputs, inputs)
    newest = draft.states.first() if vanished else None
    has_them = newest is not None and all(newest.inputs.get(name) == draft.inputs[name] for name in vanished)
    return bool(vanished) and not has_them


def _vanished(before: Inputs, after: Mapping[str, Sequence[str]]) -> list[str]:
    """The inputs that were emptied, or lost most of a long text."""
    return [
        name
        for name, texts in before.items()
        if (length := sum(map(len, texts)))
        and ((left := sum(map(len, after.get(name, ())))) == 0 or (length >= LONG and left < length / 2))
    ]


def _add_state(draft: Draft, now: datetime) -> None:
    """Keep the draft as it is; a state of the last minute that it merely goes on with gives way to it."""
    newer = [state for state in draft.states.all() if now - state.saved_at < BETWEEN_STATES]
    outgrown = [state.pk for state in newer if _goes_on_with(state.inputs, draft.inputs)]
    DraftState.objects.filter(pk__in=outgrown).delete()
    draft.states.create(text=draft.text, run_version=draft.run_version, saved_at=draft.saved_at)
    draft.snapshot_at = now
    _prune(draft)


def _goes_on_with(before: Inputs, after: Inputs) -> bool:
    """Whether somebody who typed `before` only typed on."""
    return all(
        len(texts) == len(after.get(name, ()))
        and all(text.startswith(begun) for begun, text in zip(texts, after[name], strict=True))
        for name, texts in before.items()
    )


def _prune(draft: Draft) -> None:
    too_old = list(draft.states.values_list("pk", flat=True)[KEPT_STATES:])
    if too_old:
        DraftState.objects.filter(pk__in=too_old).delete()
