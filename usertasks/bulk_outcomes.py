"""What becomes of a run when one thing is done to many: a stable word for each way in which it works, or does not.

A refusal says it to programs, in its code and its detail. People get the runs in heaps, one for each word, and a
sentence for the heap: so a word says more than a code, and nothing that differs from run to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from .actors import Actor
from .errors import AlreadyClaimed, NotAllowed, NotFound, Refused, Stale, WrongState
from .models import Status, UserTaskRun
from .rules import Action, decide

UNDO = "undo"
"""What taking a change back is called among the actions."""


class Outcome(StrEnum):
    DONE = "done"
    UNCHANGED = "unchanged"
    """It was so already."""

    NOT_FOUND = "not_found"
    STALE = "stale"
    ALREADY_CLAIMED = "already_claimed"
    UNASSIGNED = "unassigned"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_GROUP = "no_group"
    EXCLUDED = "excluded"
    NOT_LED = "not_led"
    """A lead would give it to a group that they do not lead."""
    NO_MEMBER = "no_member"
    NOT_ALLOWED = "not_allowed"
    INVALID = "invalid"


def outcome_of(
    refusal: Refused, action: str, run: UserTaskRun | None, *, by: Actor, arguments: Mapping[str, Any]
) -> Outcome:
    """Why it was refused; `run` is as it stands now, None where `by` does not see it."""
    if run is None or isinstance(refusal, NotFound):
        return Outcome.NOT_FOUND
    if isinstance(refusal, Stale):
        return Outcome.UNCHANGED if _is_so(action, run, by, arguments) else Outcome.STALE
    if isinstance(refusal, AlreadyClaimed):
        return Outcome.ALREADY_CLAIMED
    if isinstance(refusal, WrongState):
        return _state_against(run)
    return _right_against(action, run, by, arguments) if isinstance(refusal, NotAllowed) else Outcome.INVALID


def _is_so(action: str, run: UserTaskRun, by: Actor, arguments: Mapping[str, Any]) -> bool:
    """Whether the run is already as the action would make it: somebody pressed the button twice."""
    match action:
        case Action.CLAIM:
            return run.status == Status.ASSIGNED and run.user_id == by.user_id
        case Action.RELEASE:
            return run.status == Status.UNASSIGNED
        case Action.CANCEL:
            return run.status == Status.CANCELLED
        case Action.ASSIGN | "undo":
            owner = (arguments.get("user_id"), arguments.get("user_group"))
            return run.is_open and (run.user_id, run.user_group) == owner
        case _:
            return False


def _state_against(run: UserTaskRun) -> Outcome:
    match run.status:
        case Status.DONE:
            return Outcome.COMPLETED
        case Status.CANCELLED:
            return Outcome.CANCELLED
        case Status.UNASSIGNED:
            return Outcome.UNASSIGNED
        case _:
            return Outcome.STALE if run.user_group else Outcome.NO_GROUP


def _right_against(action: str, run: UserTaskRun, by: Actor, arguments: Mapping[str, Any]) -> Outcome:
    person = arguments.get("user_id") if action == Action.ASSIGN else by.user_id
    if person in run.excluded_user_ids:
        return Outcome.EXCLUDED
    if action != Action.ASSIGN or not decide(Action.ASSIGN, run, by).allowed:
        return Outcome.NOT_ALLOWED
    # As such they may: what is left are the groups and the people of a lead.
    return Outcome.NO_MEMBER if arguments.get("user_group") in by.leads else Outcome.NOT_LED
