"""What happens to a run between its creation and its end."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .. import events, json_text
from ..actors import Actor
from ..answers import check_results
from ..errors import AlreadyClaimed, InvalidArgument
from ..models import EventType, Status, UserTaskRun
from ..owners import owner_of
from ..rules import Action, require, require_permission, require_state
from .beats import commit, hand, lock, locked, person_of


class SavePolicy(StrEnum):
    """What a save does when somebody else has the run."""

    FAIL_IF_CLAIMED_BY_OTHER = "FAIL_IF_CLAIMED_BY_OTHER"
    IGNORE_CLAIM = "IGNORE_CLAIM"


class CompletePolicy(StrEnum):
    """What a completion does when somebody else has the run."""

    REASSIGN = "REASSIGN"
    FAIL_IF_CLAIMED_BY_OTHER = "FAIL_IF_CLAIMED_BY_OTHER"


@transaction.atomic
def claim(run_id: UUID, *, by: Actor, expected: int | None = None) -> UserTaskRun:
    """Make `by` the one who does this run."""
    run = locked(run_id, by, expected)
    if run.status == Status.ASSIGNED and run.user_id == by.user_id:
        return run
    require(Action.CLAIM, run, by)
    return hand(run, by=by, user_id=by.user_id, user_group=run.user_group)


@transaction.atomic
def release(run_id: UUID, *, by: Actor, expected: int | None = None) -> UserTaskRun:
    """Put the run back to its group."""
    run = locked(run_id, by, expected)
    require(Action.RELEASE, run, by)
    return hand(run, by=by, user_id=None, user_group=run.user_group)


@transaction.atomic
def assign(
    run_id: UUID,
    *,
    by: Actor,
    user_id: str | None = None,
    user_group: str | None = None,
    override_claim: bool = False,
    expected: int | None = None,
) -> UserTaskRun:
    """Give the run to a user, a group or both; what is not given is unset."""
    user_id, user_group = owner_of(user_id=user_id, user_group=user_group)
    run = locked(run_id, by, expected)
    require(Action.ASSIGN, run, by)
    if run.status == Status.ASSIGNED and not override_claim:
        raise AlreadyClaimed(f"{run.user_id} has it.")
    if (run.user_id, run.user_group) == (user_id, user_group):
        return run
    return hand(run, by=by, user_id=user_id, user_group=user_group)


@transaction.atomic
def save_progress(
    run_id: UUID,
    results: Mapping[str, Any],
    *,
    by: Actor,
    user_id: str | None = None,
    policy: SavePolicy = SavePolicy.FAIL_IF_CLAIMED_BY_OTHER,
    expected: int | None = None,
) -> UserTaskRun:
    """Replace the results with these; required ones may be missing. The owner stays who it is."""
    run = locked(run_id, by, expected, user_id)
    person = person_of(user_id, by)
    require_state(Action.SAVE_PROGRESS, run)
    if policy is SavePolicy.FAIL_IF_CLAIMED_BY_OTHER and run.user_id not in (None, person):
        raise AlreadyClaimed(f"{run.user_id} has it.")
    if person == by.user_id:
        require(Action.SAVE_PROGRESS, run, by)
    run.results = _checked(run, results, must_be_complete=False)
    return commit(run, EventType.SAVED, by, events.answered(person, run.results), on_behalf_of=person)


@transaction.atomic
def complete(
    run_id: UUID,
    results: Mapping[str, Any],
    *,
    by: Actor,
    user_id: str | None = None,
    expected: int | None = None,
) -> UserTaskRun:
    """Lay these results over the saved ones and finish the run; whoever completes it becomes its owner."""
    run = locked(run_id, by, expected, user_id)
    person = person_of(user_id, by)
    if _is_repeat(run, person, results):
        return run
    require_state(Action.COMPLETE, run)
    is_anothers = run.user_id not in (None, person)
    if is_anothers and complete_policy() is CompletePolicy.FAIL_IF_CLAIMED_BY_OTHER:
        raise AlreadyClaimed(f"{run.user_id} has it.")
    if person == by.user_id:
        require(Action.COMPLETE, run, by)
    run.results = _checked(run, {**run.results, **results}, must_be_complete=True)
    if run.user_id != person:
        hand(run, by=by, user_id=person, user_group=run.user_group, on_behalf_of=person, arms=False)
    run.status = Status.DONE
    run.completed_at = timezone.now()
    return commit(run, EventType.COMPLETED, by, events.answered(person, run.results), on_behalf_of=person)


@transaction.atomic
def cancel(run_id: UUID, *, by: Actor, expected: int | None = None) -> UserTaskRun:
    """End the run without an answer."""
    run = locked(run_id, by, expected)
    if run.status == Status.CANCELLED:
        require_permission("cancel_usertaskrun", by)
        return run
    require(Action.CANCEL, run, by)
    run.status = Status.CANCELLED
    return commit(run, EventType.CANCELLED, by, events.cancelled(run))


@transaction.atomic
def restore_owner(
    run_id: UUID, *, by: Actor, user_id: str | None, user_group: str | None, expected: int
) -> UserTaskRun:
    """Take a claim, release or assignment back that `by` made: the caller vouches for that.

    `Stale` if anything happened since.
    """
    run = lock(UserTaskRun.objects.filter(pk=run_id), expected)
    require_state(Action.ASSIGN, run)
    return hand(run, by=by, user_id=user_id, user_group=user_group)


def complete_policy() -> CompletePolicy:
    """The deployment's policy for completing what somebody else has."""
    return CompletePolicy(settings.USERTASKS.get("COMPLETE_POLICY", CompletePolicy.REASSIGN))


def _checked(run: UserTaskRun, results: Mapping[str, Any], *, must_be_complete: bool) -> dict[str, Any]:
    fields = list(run.fields)
    normal, faults = check_results(fields, results, must_be_complete=must_be_complete)
    if faults:
        raise InvalidArgument.of(faults)
    return normal


def _is_repeat(run: UserTaskRun, person: str, results: Mapping[str, Any]) -> bool:
    """Whether this very completion was made already: its answer got lost on the way."""
    if run.status != Status.DONE or run.user_id != person:
        return False
    merged = {**run.results, **results}
    normal, faults = check_results(list(run.fields), merged, must_be_complete=True)
    return not faults and json_text.canonical(normal) == json_text.canonical(run.results)
