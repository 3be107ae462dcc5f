"""What happens to a run between its creation and its end.

Each verb that can be done to many is in two parts: what it decides of one locked run (`claiming`), and that for one run
(`claim`). `many.py` has the other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction

from .. import events, json_text
from ..actors import Actor, is_member
from ..answers import check_results
from ..errors import AlreadyClaimed, InvalidArgument, NotAllowed
from ..models import EventType, Status, UserTaskRun
from ..owners import owner_of
from ..rules import (
    ALREADY_DONE,
    LEAD,
    Action,
    CompletePolicy,
    SavePolicy,
    complete_policy,
    require,
    require_for,
    require_not_excluded,
    require_state,
)
from .beats import locked, person_of
from .changes import Change, write
from .refusals import noting_refusals


@dataclass(frozen=True)
class Owner:
    """To whom runs are to go."""

    user_id: str | None = None
    user_group: str | None = None

    @cached_property
    def is_member(self) -> bool:
        """Whether the user, where one is named, belongs to the group; asked once, for as many runs as there are."""
        return self.user_id is None or self.user_group is None or is_member(self.user_id, self.user_group)


@noting_refusals
@transaction.atomic
def claim(run_id: UUID, *, by: Actor, expected: int | None = None) -> UserTaskRun:
    """Make `by` the one who does this run."""
    return write(claiming(locked(run_id, by, expected), by=by))


def claiming(run: UserTaskRun, *, by: Actor) -> Change:
    change = Change(run, by)
    if require(Action.CLAIM, run, by).reason == ALREADY_DONE:
        return change
    return change.hand(user_id=by.user_id, user_group=run.user_group)


@noting_refusals
@transaction.atomic
def release(run_id: UUID, *, by: Actor, expected: int | None = None) -> UserTaskRun:
    """Put the run back to its group."""
    return write(releasing(locked(run_id, by, expected), by=by))


def releasing(run: UserTaskRun, *, by: Actor) -> Change:
    require(Action.RELEASE, run, by)
    return Change(run, by).hand(user_id=None, user_group=run.user_group, on_behalf_of=_absent_owner(run, by))


@noting_refusals
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
    owner = Owner(*owner_of(user_id=user_id, user_group=user_group))
    return write(assigning(locked(run_id, by, expected), by=by, owner=owner, override_claim=override_claim))


def assigning(run: UserTaskRun, *, by: Actor, owner: Owner, override_claim: bool = False) -> Change:
    is_lead = require(Action.ASSIGN, run, by).reason == LEAD.reason
    if run.status == Status.ASSIGNED and not override_claim:
        raise AlreadyClaimed(f"{run.user_id} has it.")
    require_not_excluded(run, owner.user_id)
    if is_lead:
        _require_within(by, owner)
    change = Change(run, by)
    if (run.user_id, run.user_group) == (owner.user_id, owner.user_group):
        return change
    return change.hand(user_id=owner.user_id, user_group=owner.user_group)


@noting_refusals
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
    person = _doer(run, user_id, by)
    if _is_trusted(run, person, by):
        require_for(Action.SAVE_PROGRESS, run, person, by=by)
    else:
        require(Action.SAVE_PROGRESS, run, by, policy=policy)
    if policy is SavePolicy.FAIL_IF_CLAIMED_BY_OTHER and run.user_id not in (None, person):
        raise AlreadyClaimed(f"{run.user_id} has it.")
    change = Change(run, by)
    run.results = _checked(run, results, must_be_complete=False)
    return write(change.tell(EventType.SAVED, events.answered(person, run.results), on_behalf_of=person))


@noting_refusals
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
    return write(completing(locked(run_id, by, expected, user_id), by=by, results=results, user_id=user_id))


def completing(run: UserTaskRun, *, by: Actor, results: Mapping[str, Any], user_id: str | None = None) -> Change:
    person = _doer(run, user_id, by)
    change = Change(run, by)
    if _is_repeat(run, person, results):
        return change
    if _is_trusted(run, person, by):
        require_for(Action.COMPLETE, run, person, by=by)
    else:
        require(Action.COMPLETE, run, by)
    if run.user_id not in (None, person) and complete_policy() is CompletePolicy.FAIL_IF_CLAIMED_BY_OTHER:
        raise AlreadyClaimed(f"{run.user_id} has it.")
    run.results = _checked(run, {**run.results, **results}, must_be_complete=True)
    if run.user_id != person:
        change.hand(user_id=person, user_group=run.user_group, on_behalf_of=person, arms=False)
    run.status, run.completed_at = Status.DONE, change.now
    return change.tell(EventType.COMPLETED, events.answered(person, run.results), on_behalf_of=person)


@noting_refusals
@transaction.atomic
def cancel(run_id: UUID, *, by: Actor, expected: int | None = None) -> UserTaskRun:
    """End the run without an answer."""
    return write(cancelling(locked(run_id, by, expected), by=by))


def cancelling(run: UserTaskRun, *, by: Actor) -> Change:
    change = Change(run, by)
    if require(Action.CANCEL, run, by).reason == ALREADY_DONE:
        return change
    run.status = Status.CANCELLED
    return change.tell(EventType.CANCELLED, events.cancelled(run))


def restoring(run: UserTaskRun, *, by: Actor, done: str, user_id: str | None, user_group: str | None) -> Change:
    """Take back what `by` has `done`, a claim, release or assignment, and give the run to whom it had.

    That takes what doing the opposite takes, now: whoever lost the right since gets nothing back by it.
    """
    _require_may_take_back(run, by, done, user_id, user_group)
    absent = user_id if user_id in by.stands_in_for else None
    return Change(run, by).hand(user_id=user_id, user_group=user_group, on_behalf_of=absent)


def _require_may_take_back(run: UserTaskRun, by: Actor, done: str, user_id: str | None, user_group: str | None) -> None:
    """Raises what the table gives."""
    if done == Action.CLAIM:
        require(Action.RELEASE, run, by)
    elif done == Action.ASSIGN or (user_id != by.user_id and user_id not in by.stands_in_for):
        if done == Action.RELEASE and by.holds("override_claim"):  # as they were when they took it away
            require_state(Action.ASSIGN, run)
        elif require(Action.ASSIGN, run, by).reason == LEAD.reason and user_group not in by.leads:
            raise NotAllowed(f"{by.user_id} moves runs among the groups that they lead only.")
    elif user_id == by.user_id:
        require(Action.CLAIM, run, by)


def _absent_owner(run: UserTaskRun, by: Actor) -> str | None:
    """The owner, if `by` stands in for them."""
    return run.user_id if run.user_id in by.stands_in_for else None


def _doer(run: UserTaskRun, user_id: str | None, by: Actor) -> str:
    """Whose answer it is: a substitute gives that of the owner, a trusted service that of whom it names."""
    absent = _absent_owner(run, by)
    return absent if absent and user_id in (None, by.user_id, absent) else person_of(user_id, by)


def _is_trusted(run: UserTaskRun, person: str, by: Actor) -> bool:
    """Whether a service says who the person is, and is believed."""
    return person not in (by.user_id, _absent_owner(run, by))


def _require_within(by: Actor, owner: Owner) -> None:
    """A lead moves runs among the groups that they lead, and to their members. Raises `NotAllowed`."""
    if owner.user_group is None or owner.user_group not in by.leads:
        raise NotAllowed(f"{by.user_id} moves runs among the groups that they lead only: name one as user_group.")
    if not owner.is_member:
        raise NotAllowed(f"{owner.user_id} is no member of {owner.user_group}.")


def _checked(run: UserTaskRun, results: Mapping[str, Any], *, must_be_complete: bool) -> dict[str, Any]:
    normal, faults = check_results(run.fields, results, must_be_complete=must_be_complete)
    if faults:
        raise InvalidArgument.of(faults)
    return normal


def _is_repeat(run: UserTaskRun, person: str, results: Mapping[str, Any]) -> bool:
    """Whether this very completion was made already: its answer got lost on the way."""
    if run.status != Status.DONE or run.user_id != person:
        return False
    merged = {**run.results, **results}
    normal, faults = check_results(run.fields, merged, must_be_complete=True)
    return not faults and json_text.canonical(normal) == json_text.canonical(run.results)
