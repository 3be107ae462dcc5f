"""Many open pages of one person write one draft at once, and nothing of it is lost or doubled."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from django.utils import timezone

from tests.cast import a_run
from tests.races.crowd import at_once, codes
from usertasks import drafts
from usertasks.actors import Actor
from usertasks.drafts import KEPT_STATES, NO_DRAFT, Writing
from usertasks.models import Draft, DraftState, UserTaskRun

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ALICE = Actor("alice", groups=frozenset({"finance"}))


def writing(text: str, page: str) -> Writing:
    return Writing({"results-requestedItem": [text]}, page=page, based_on=NO_DRAFT)


def texts() -> list[str]:
    """What the draft says, then what its earlier states do."""
    rows: list[Draft | DraftState] = [Draft.objects.get(), *DraftState.objects.all()]
    return [row.inputs["results-requestedItem"][0] for row in rows]


def test_of_pages_that_begin_at_once_each_is_the_draft_or_a_state() -> None:
    run, now = a_run(), timezone.now()
    pages = [f"a{number}" for number in range(KEPT_STATES + 1)]
    answers = at_once(
        [lambda page=page: drafts.write(run.id, writing(f"by {page}", page), by=ALICE, now=now) for page in pages]  # type: ignore[misc]
    )
    assert codes(answers) == ["done"] * len(pages)
    assert sorted(answer.was_changed_elsewhere for answer in answers) == [False, *[True] * KEPT_STATES]
    assert set(texts()) == {f"by {page}" for page in pages}
    assert Draft.objects.get().saved_at > now


def test_saving_and_typing_at_once_leave_nothing_of_the_saved_page() -> None:
    now = timezone.now()
    for _ in range(8):
        run_id = a_run().id
        first = drafts.write(run_id, writing("light", "aa"), by=ALICE, now=now).draft.saved_at
        at_once([partial(_settle, run_id, first, now), partial(_type_on, run_id, first, now)])
        assert drafts.draft_of(run_id, "alice") is None


def _settle(run_id: UUID, known: datetime, now: datetime) -> None:
    typed = Writing({"results-requestedItem": ["lightsaber"]}, page="aa", based_on=known)
    drafts.settle(run_id, typed, user_id="alice", answers=[], now=now)


def _type_on(run_id: UUID, known: datetime, now: datetime) -> None:
    typed = Writing({"results-requestedItem": ["lightsab"]}, page="aa", based_on=known)
    drafts.write(run_id, typed, by=ALICE, now=now + timedelta(seconds=1))


def test_a_state_that_two_pages_bring_back_is_brought_back_once() -> None:
    run, now = a_run(), timezone.now()
    drafts.write(run.id, writing("first", "aa"), by=ALICE, now=now)
    drafts.write(run.id, writing("second", "bb"), by=ALICE, now=now)
    state = DraftState.objects.get()
    answers = at_once([lambda: _bring_back(run, state.pk)] * 2)
    assert sorted(codes(answers)) == ["done", "not_found"]
    assert texts() == ["first", "second"]


def _bring_back(run: UserTaskRun, state_id: int) -> Draft:
    second = Writing({"results-requestedItem": ["second"]}, page="bb")
    return drafts.bring_back(run.id, state_id, second, user_id="alice", now=timezone.now())
