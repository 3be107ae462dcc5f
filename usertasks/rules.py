"""Who may do what, and when: one table. Guards, buttons, `allowed_actions` and explanations all read it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from . import json_text
from .actors import Actor, Scope, actor_named, actors_near
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


class SavePolicy(StrEnum):
    """What a save does when somebody else has the run."""

    FAIL_IF_CLAIMED_BY_OTHER = "FAIL_IF_CLAIMED_BY_OTHER"
    IGNORE_CLAIM = "IGNORE_CLAIM"


class CompletePolicy(StrEnum):
    """What a completion does when somebody else has the run."""

    REASSIGN = "REASSIGN"
    FAIL_IF_CLAIMED_BY_OTHER = "FAIL_IF_CLAIMED_BY_OTHER"


def complete_policy() -> CompletePolicy:
    """The deployment's policy for completing what somebody else has."""
    return CompletePolicy(settings.USERTASKS.get("COMPLETE_POLICY", CompletePolicy.REASSIGN))


class Owned(Protocol):
    """What the rules need to know of a run; a row of a list will do."""

    @property
    def status(self) -> str: ...
    @property
    def user_id(self) -> str | None: ...
    @property
    def user_group(self) -> str | None: ...
    @property
    def excluded_user_ids(self) -> list[str]: ...


@dataclass(frozen=True)
class Grant:
    """A reason for which somebody may: `reason` is its stable code."""

    reason: str
    applies: Callable[[Owned, Actor], bool]


OWNER = Grant("owner", lambda run, actor: run.user_id == actor.user_id)
SUBSTITUTE = Grant("substitute", lambda run, actor: run.user_id in actor.stands_in_for)
MEMBER = Grant("group_member", lambda run, actor: run.user_group in actor.groups)
MEMBER_WHILE_UNASSIGNED = Grant(
    "group_member", lambda run, actor: run.status == Status.UNASSIGNED and run.user_group in actor.groups
)
LEAD = Grant("group_lead", lambda run, actor: run.user_group in actor.leads)


def holder_of(permission: str) -> Grant:
    return Grant(f"permission:{permission}", lambda run, actor: actor.holds(permission))


@dataclass(frozen=True)
class Rule:
    """In which states an action makes sense, and for whom: any one of the grants suffices.

    `scope` is what a token has to be for; `keeps_out_excluded` where four eyes are wanted.
    """

    states: frozenset[Status]
    who: tuple[Grant, ...]
    scope: Scope = Scope.RUNS_WRITE
    needs_group: bool = False
    keeps_out_excluded: bool = False


EVERY_STATE = frozenset(Status)
SEEING = (OWNER, MEMBER, SUBSTITUTE, LEAD, holder_of("view_usertaskrun"))
WORKING = (OWNER, MEMBER_WHILE_UNASSIGNED, SUBSTITUTE, holder_of("override_claim"))
RELEASING = (OWNER, SUBSTITUTE, holder_of("override_claim"))

RULES: Mapping[Action, Rule] = {
    Action.VIEW: Rule(EVERY_STATE, SEEING, scope=Scope.RUNS_READ),
    Action.COMMENT: Rule(EVERY_STATE, SEEING),
    Action.CLAIM: Rule(frozenset({Status.UNASSIGNED}), (MEMBER,), keeps_out_excluded=True),
    Action.RELEASE: Rule(frozenset({Status.ASSIGNED}), RELEASING, needs_group=True),
    Action.SAVE_PROGRESS: Rule(OPEN, WORKING, keeps_out_excluded=True),
    Action.COMPLETE: Rule(OPEN, WORKING, keeps_out_excluded=True),
    Action.ASSIGN: Rule(OPEN, (holder_of("assign_usertaskrun"), LEAD)),
    Action.CANCEL: Rule(OPEN | {Status.CANCELLED}, (holder_of("cancel_usertaskrun"), LEAD)),
}

ALREADY_DONE = "already_done"
"""The reason for which something is allowed that would change nothing: it is so already."""


@dataclass(frozen=True)
class Verdict:
    """Yes or no, with the stable code of the reason and a sentence for people.

    Lists ask for a verdict on each of their rows, and read none of the sentences: they are made when they are read.
    """

    allowed: bool
    reason: str
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The sentence, in the language of the moment."""
        return gettext(self.sentence) % self.values


def decide(
    action: Action, run: Owned, actor: Actor, *, policy: SavePolicy = SavePolicy.FAIL_IF_CLAIMED_BY_OTHER
) -> Verdict:
    """What the table says. A wrong state comes before a missing right: it is the truth that helps.

    Of a save, `policy` decides only how a no is worded: whoever holds `override_claim` may choose the other one.
    """
    rule = RULES[action]
    if not (actor.has_scope(Scope.RUNS_READ) and any(grant.applies(run, actor) for grant in SEEING)):
        return Verdict(False, "not_visible", _("%(user_id)s may not see this run."), {"user_id": actor.user_id})
    if not actor.has_scope(rule.scope):
        return Verdict(False, "scope", _("The token is not for %(scope)s."), {"scope": rule.scope})
    if refusal := _state_against(action, rule, run, actor) or _claim_against(action, run, actor):
        return refusal
    for grant in rule.who:
        if grant.applies(run, actor):
            return _granted(action, grant, run, actor)
    if action is Action.SAVE_PROGRESS and policy is not SavePolicy.IGNORE_CLAIM and _is_anothers(run, actor):
        return Verdict(False, "already_claimed", _("%(user_id)s has it."), {"user_id": run.user_id})
    wanted = {"wanted": " or ".join(grant.reason for grant in rule.who), "user_id": run.user_id}
    sentence = _("This takes %(wanted)s; %(user_id)s has it.") if run.user_id else _("This takes %(wanted)s.")
    return Verdict(False, "not_allowed", sentence, wanted)


def _state_against(action: Action, rule: Rule, run: Owned, actor: Actor) -> Verdict | None:
    """What the run itself has against it, whoever asks; or that it is so already."""
    if action is Action.CLAIM and run.status == Status.ASSIGNED:
        if run.user_id == actor.user_id:
            return Verdict(True, ALREADY_DONE, _("It is theirs already: nothing changes."))
        return Verdict(False, "already_claimed", _("%(user_id)s has it."), {"user_id": run.user_id})
    if run.status not in rule.states:
        return Verdict(False, "wrong_state", _("Not possible while the run is %(status)s."), {"status": run.status})
    if rule.needs_group and run.user_group is None:
        return Verdict(False, "no_group", _("It belongs to no group to which it could go back."))
    if rule.keeps_out_excluded and actor.user_id in run.excluded_user_ids:
        return Verdict(False, "excluded", _("%(user_id)s is excluded from doing this run."), {"user_id": actor.user_id})
    return None


def _claim_against(action: Action, run: Owned, actor: Actor) -> Verdict | None:
    """Where the deployment lets nobody complete what somebody else has."""
    is_refused = complete_policy() is CompletePolicy.FAIL_IF_CLAIMED_BY_OTHER
    if action is Action.COMPLETE and is_refused and _is_anothers(run, actor):
        return Verdict(False, "already_claimed", _("%(user_id)s has it."), {"user_id": run.user_id})
    return None


def _is_anothers(run: Owned, actor: Actor) -> bool:
    """Whether somebody has it for whom this one does not stand in."""
    return run.status == Status.ASSIGNED and run.user_id not in (actor.user_id, *actor.stands_in_for)


def _granted(action: Action, grant: Grant, run: Owned, actor: Actor) -> Verdict:
    if action is Action.CANCEL and run.status == Status.CANCELLED:
        return Verdict(True, ALREADY_DONE, _("It is cancelled already: nothing changes."))
    sentence = _("%(user_id)s may, by %(reason)s.")
    if action is Action.SAVE_PROGRESS and _is_anothers(run, actor):
        sentence = _("%(user_id)s may, by %(reason)s, with the policy IGNORE_CLAIM.")
    elif action is Action.ASSIGN and run.status == Status.ASSIGNED:
        sentence = _("%(user_id)s may, by %(reason)s, with override_claim.")
    return Verdict(True, grant.reason, sentence, {"user_id": actor.user_id, "reason": grant.reason})


REFUSALS: Mapping[str, type[Refused]] = {
    "not_visible": NotFound,
    "scope": NotAllowed,
    "already_claimed": AlreadyClaimed,
    "wrong_state": WrongState,
    "no_group": WrongState,
    "excluded": NotAllowed,
    "not_allowed": NotAllowed,
}


def require(
    action: Action, run: Owned, actor: Actor, *, policy: SavePolicy = SavePolicy.FAIL_IF_CLAIMED_BY_OTHER
) -> Verdict:
    """Raises the refusal that the table gives: `WrongState`, `AlreadyClaimed`, `NotAllowed` or `NotFound`."""
    verdict = decide(action, run, actor, policy=policy)
    if not verdict.allowed:
        raise REFUSALS[verdict.reason](verdict.detail)
    return verdict


def require_for(action: Action, run: Owned, person: str, *, by: Actor) -> None:
    """Like `require`, for a trusted service: the state counts, and who is excluded; owner and group do not."""
    require_state(action, run)
    if RULES[action].keeps_out_excluded:
        require_not_excluded(run, person)
        require_not_excluded(run, by.user_id)  # nobody gets round four eyes by naming somebody else


def require_state(action: Action, run: Owned) -> None:
    """Raises `WrongState` where the action makes no sense, whoever asks."""
    if run.status not in RULES[action].states:
        raise WrongState(gettext("Not possible while the run is %(status)s.") % {"status": run.status})


def require_not_excluded(run: Owned, user_id: str | None) -> None:
    """Raises `NotAllowed` for whom the run must not go to."""
    if user_id in run.excluded_user_ids:
        raise NotAllowed(gettext("%(user_id)s is excluded from doing this run.") % {"user_id": user_id})


def require_scope(scope: Scope, actor: Actor) -> None:
    """Raises `NotAllowed` where the token is not for that."""
    if not actor.has_scope(scope):
        raise NotAllowed(gettext("The token is not for %(scope)s.") % {"scope": scope})


def require_permission(permission: str, actor: Actor) -> None:
    """Raises `NotAllowed` unless `actor` holds a permission of this application."""
    if not actor.holds(permission):
        raise NotAllowed(gettext("This takes the permission usertasks.%(permission)s.") % {"permission": permission})


def allowed_actions(run: Owned, actor: Actor) -> list[str]:
    """The actions with which `actor` could change something now, or look, in the order of the table."""
    standing = _standing(run, actor)
    known = _allowed.get(standing)
    if known is None:
        said = ((action.value, decide(action, run, actor)) for action in Action)
        known = tuple(name for name, verdict in said if verdict.allowed and verdict.reason != ALREADY_DONE)
        if len(_allowed) >= MOST_STANDINGS:
            _allowed.clear()
        _allowed[standing] = known
    return list(known)


MOST_STANDINGS = 10_000
_allowed: dict[tuple[Hashable, ...], tuple[str, ...]] = {}
"""What the table has said, by all that it asks: lists ask for each of their rows, and few of these differ in that."""


def _standing(run: Owned, actor: Actor) -> tuple[Hashable, ...]:
    """All that the table asks of a run and of whoever stands before it."""
    return (
        run.status,
        run.user_id == actor.user_id,
        run.user_id in actor.stands_in_for,
        run.user_group is None,
        run.user_group in actor.groups,
        run.user_group in actor.leads,
        actor.user_id in run.excluded_user_ids,
        actor.permissions,
        actor.scopes,
        complete_policy(),
    )


@dataclass(frozen=True)
class Explanation:
    """Why somebody may or may not, action by action, and who could complete the run now."""

    user_id: str
    actions: Mapping[str, Verdict]
    who_could_act: list[str]


def explain(run: Owned, *, user_id: str | None, by: Actor) -> Explanation:
    """The table's word on `user_id` (default: the one who asks). Asking about others takes `view_usertaskrun`, or to
    lead the group."""
    if user_id is None or user_id == by.user_id:
        subject = by
    else:
        if run.user_group not in by.leads:
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
