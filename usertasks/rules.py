"""Who may do what, and when: one table. Guards, buttons, `allowed_actions` and explanations all read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from . import json_text
from .actors import Actor, actor_named, actors_near
from .errors import AlreadyClaimed, Fault, InvalidArgument, NotAllowed, NotFound, Refused, WrongState
from .models import OPEN, Status


class Action(StrEnum):
    VIEW = "view"
    COMMENT = "comment"
    CLAIM = "claim"
    RELEASE = "release"
    SAVE_PROGRESS = "save_progress"
    COMPLETE = "complete"
    ASSIGN = "assign"
    CANCEL = "cancel"


class Owned(Protocol):
    """What the rules need to know of a run; a row of a list will do."""

    @property
    def status(self) -> str: ...
    @property
    def user_id(self) -> str | None: ...
    @property
    def user_group(self) -> str | None: ...


@dataclass(frozen=True)
class Grant:
    """A reason for which somebody may: `reason` is its stable code."""

    reason: str
    applies: Callable[[Owned, Actor], bool]


OWNER = Grant("owner", lambda run, actor: run.user_id == actor.user_id)
MEMBER = Grant("group_member", lambda run, actor: run.user_group in actor.groups)
MEMBER_WHILE_UNASSIGNED = Grant(
    "group_member", lambda run, actor: run.status == Status.UNASSIGNED and run.user_group in actor.groups
)


def holder_of(permission: str) -> Grant:
    return Grant(f"permission:{permission}", lambda run, actor: actor.holds(permission))


@dataclass(frozen=True)
class Rule:
    """In which states an action makes sense, and for whom: any one of the grants suffices."""

    states: frozenset[Status]
    who: tuple[Grant, ...]
    needs_group: bool = False


EVERY_STATE = frozenset(Status)
SEEING = (OWNER, MEMBER, holder_of("view_usertaskrun"))
WORKING = (OWNER, MEMBER_WHILE_UNASSIGNED, holder_of("override_claim"))

RULES: Mapping[Action, Rule] = {
    Action.VIEW: Rule(EVERY_STATE, SEEING),
    Action.COMMENT: Rule(EVERY_STATE, SEEING),
    Action.CLAIM: Rule(frozenset({Status.UNASSIGNED}), (MEMBER,)),
    Action.RELEASE: Rule(frozenset({Status.ASSIGNED}), (OWNER, holder_of("override_claim")), needs_group=True),
    Action.SAVE_PROGRESS: Rule(OPEN, WORKING),
    Action.COMPLETE: Rule(OPEN, WORKING),
    Action.ASSIGN: Rule(OPEN, (holder_of("assign_usertaskrun"),)),
    Action.CANCEL: Rule(OPEN, (holder_of("cancel_usertaskrun"),)),
}


@dataclass(frozen=True)
class Verdict:
    """Yes or no, with the stable code of the reason and a sentence for people."""

    allowed: bool
    reason: str
    detail: str


def decide(action: Action, run: Owned, actor: Actor) -> Verdict:
    """What the table says. A wrong state comes before a missing right: it is the truth that helps."""
    rule = RULES[action]
    if not any(grant.applies(run, actor) for grant in RULES[Action.VIEW].who):
        return Verdict(False, "not_visible", f"{actor.user_id} may not see this run.")
    if run.status not in rule.states:
        if action is Action.CLAIM and run.status == Status.ASSIGNED:
            return Verdict(False, "already_claimed", f"{run.user_id} has it.")
        return Verdict(False, "wrong_state", f"Not possible while the run is {run.status}.")
    if rule.needs_group and run.user_group is None:
        return Verdict(False, "no_group", "It belongs to no group to which it could go back.")
    for grant in rule.who:
        if grant.applies(run, actor):
            return Verdict(True, grant.reason, f"{actor.user_id} may, by {grant.reason}.")
    wanted = " or ".join(grant.reason for grant in rule.who)
    holder = f"; {run.user_id} has it" if run.user_id else ""
    return Verdict(False, "not_allowed", f"This takes {wanted}{holder}.")


REFUSALS: Mapping[str, type[Refused]] = {
    "not_visible": NotFound,
    "already_claimed": AlreadyClaimed,
    "wrong_state": WrongState,
    "no_group": WrongState,
    "not_allowed": NotAllowed,
}


def require(action: Action, run: Owned, actor: Actor) -> None:
    """Raises the refusal that the table gives: `WrongState`, `AlreadyClaimed`, `NotAllowed` or `NotFound`."""
    verdict = decide(action, run, actor)
    if not verdict.allowed:
        raise REFUSALS[verdict.reason](verdict.detail)


def require_state(action: Action, run: Owned) -> None:
    """Like `require`, for a trusted service: the state counts, owner and group do not."""
    if run.status not in RULES[action].states:
        raise WrongState(f"Not possible while the run is {run.status}.")


def require_permission(permission: str, actor: Actor) -> None:
    """Raises `NotAllowed` unless `actor` holds a permission of this application."""
    if not actor.holds(permission):
        raise NotAllowed(f"This takes the permission usertasks.{permission}.")


def allowed_actions(run: Owned, actor: Actor) -> list[str]:
    """The actions that `actor` could do now, in the order of the table; empty for what they may not see."""
    return [action.value for action in Action if decide(action, run, actor).allowed]


@dataclass(frozen=True)
class Explanation:
    """Why somebody may or may not, action by action, and who could complete the run now."""

    user_id: str
    actions: Mapping[str, Verdict]
    who_could_act: list[str]


def explain(run: Owned, *, user_id: str | None, by: Actor) -> Explanation:
    """The table's word on `user_id` (default: the one who asks). Asking about others takes `view_usertaskrun`."""
    if user_id is None or user_id == by.user_id:
        subject = by
    else:
        require_permission("view_usertaskrun", by)
        if flaw := json_text.flaw_of_text(user_id):
            raise InvalidArgument.at("user_id", Fault("invalid", flaw))
        subject = actor_named(user_id)
    near = actors_near(
        user_id=run.user_id, user_group=run.user_group, permissions=("view_usertaskrun", "override_claim")
    )
    return Explanation(
        user_id=subject.user_id,
        actions={action.value: decide(action, run, subject) for action in Action},
        who_could_act=[actor.user_id for actor in near if decide(Action.COMPLETE, run, actor).allowed],
    )
