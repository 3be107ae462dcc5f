"""Who may do what with a task, and why: for those who answer for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from usertasks.actors import Actor
from usertasks.errors import InvalidArgument
from usertasks.models import UserTaskRun
from usertasks.rules import Action, explain

from .people import has_account
from .reasons import NAMES, as_sentence, reason_in_words


@dataclass(frozen=True)
class Line:
    """One action: its name, yes or no, and the rule that decides in words."""

    name: str
    is_allowed: bool
    why: str


@dataclass(frozen=True)
class Explained:
    """What the rules say of `user_id`, and who could do the task now; or what is wrong with the name."""

    user_id: str
    lines: list[Line] = field(default_factory=list)
    who_could_act: list[str] = field(default_factory=list)
    fault: str = ""


def may_explain(run: UserTaskRun, by: Actor) -> bool:
    """Whether somebody is told about others: whoever sees all tasks, and the leads of this one's group."""
    return by.holds("view_usertaskrun") or run.user_group in by.leads


def explained(run: UserTaskRun, user_id: str, by: Actor) -> Explained:
    """The rules about that person; nobody named is the one who asks. Only for those who `may_explain`."""
    try:
        told = explain(run, user_id=user_id.strip() or None, by=by)
    except InvalidArgument as refusal:
        return Explained(user_id, fault=_words_of(refusal))
    if not any(verdict.allowed for verdict in told.actions.values()) and not has_account(told.user_id):
        return Explained(
            told.user_id, who_could_act=told.who_could_act, fault=_("There is no account %s.") % told.user_id
        )
    lines = [
        Line(str(NAMES[Action(name)]), verdict.allowed, reason_in_words(Action(name), verdict, run))
        for name, verdict in told.actions.items()
    ]
    return Explained(told.user_id, lines, told.who_could_act)


def _words_of(refusal: InvalidArgument) -> str:
    return " ".join(as_sentence(fault.message) for faults in refusal.faults.values() for fault in faults)
