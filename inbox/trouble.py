"""What a page says when an action was refused: how the task stands, who made it so, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from usertasks.actors import Actor
from usertasks.api.problems import HTTP_STATUS
from usertasks.errors import Fault, Faults, InvalidArgument, NotAllowed, Refused, Stale
from usertasks.events import sentence
from usertasks.models import Status, UserTaskRun
from usertasks.rules import Action, decide

from .changes import COMMENTING, Change
from .reasons import as_sentence, reason_in_words
from .task_page import TaskPage

MOVING = ("user_id", "user_group", "sure")
"""What is asked for by the part of the page that moves or cancels."""


@dataclass(frozen=True)
class Trouble:
    """`faults` belong to no field of the form; `changes` tell what happened in the meantime."""

    status: int
    headline: str
    detail: str = ""
    changes: list[Change] = field(default_factory=list)
    comment_faults: list[Fault] = field(default_factory=list)
    move_faults: Faults = field(default_factory=dict)
    """By what they are about: one of `MOVING`."""
    snooze_faults: list[Fault] = field(default_factory=list)


def trouble_of(refusal: Refused, page: TaskPage, button: str) -> Trouble:
    """What to say of a refusal; `page` shows the run as it is by now."""
    if isinstance(refusal, InvalidArgument):
        of_comment = list(refusal.faults.get("comment", []))
        of_move = {name: refusal.faults[name] for name in MOVING if name in refusal.faults}
        of_snooze = list(refusal.faults.get("until", []))
        detail = "" if of_comment or of_move or of_snooze else refusal.detail
        return Trouble(
            422, _to_correct(), detail, comment_faults=of_comment, move_faults=of_move, snooze_faults=of_snooze
        )
    if isinstance(refusal, Stale) or _is_late(page, button):
        changes = page.changes.events or last_changes(page.run)
        detail = _("Nothing was saved. What you typed is still here.")
        return Trouble(409, headline(page.run, page.by), detail, changes)
    if isinstance(refusal, NotAllowed) and button == Action.ASSIGN and page.moving.objections:
        return Trouble(HTTP_STATUS[refusal.code], _to_correct(), move_faults=page.moving.objections)
    return Trouble(HTTP_STATUS[refusal.code], str(refusal.title), _why_not(refusal, page, button))


def _to_correct() -> str:
    return _("Please correct what is marked below")


def _why_not(refusal: Refused, page: TaskPage, button: str) -> str:
    """The rule that stands against it in words, where it was a rule about who may."""
    if not isinstance(refusal, NotAllowed) or button not in set(Action):
        return refusal.detail
    verdict = decide(Action(button), page.run, page.by)
    if verdict.allowed:  # in principle, and not to what was asked for
        return refusal.detail
    return as_sentence(reason_in_words(Action(button), verdict, page.run))


def _is_late(page: TaskPage, button: str) -> bool:
    """Whether the button could have worked when the page was opened, and cannot any more."""
    has_changed = bool(page.changes.events) or page.typed is None or page.typed.version is None
    return has_changed and button in set(Action) and not decide(Action(button), page.run, page.by).allowed


def last_changes(run: UserTaskRun) -> list[Change]:
    """The event that made the run what it is."""
    events = run.events.exclude(type__in=COMMENTING).order_by("-number")[:1]
    return [Change(event, sentence(event)) for event in events]


def headline(run: UserTaskRun, by: Actor) -> str:
    """How the run stands, for somebody whose action came too late."""
    is_mine = run.user_id == by.user_id
    if run.status == Status.CANCELLED:
        return _("This task was cancelled in the meantime")
    if run.status == Status.DONE:
        completed = _("%s has already completed this task") % run.user_id
        return _("You have already completed this task") if is_mine else completed
    if run.status == Status.ASSIGNED and not is_mine:
        return _("%s has this task by now") % run.user_id
    return _("This task has changed since you opened it")
