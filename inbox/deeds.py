"""What the buttons on the page of a task do: each a verb of the domain, and a sentence for whoever pressed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from usertasks import operations, snoozes
from usertasks.actors import Actor
from usertasks.errors import Fault, InvalidArgument, Refused, Stale
from usertasks.locales import exact
from usertasks.models import Status, UserTaskRun
from usertasks.operations import SavePolicy
from usertasks.rules import Action

from .task_page import TaskPage
from .typed import ANSWER

NOTHING, EVERYTHING = "\0", ""
"""What no name of an input begins with, and what every one does."""


TASK = "%(task)s"
"""Where in a message the task is named, once its page is left."""

NEXT = "next"
"""What *Complete* is told where it is to open the next task of the list."""


@dataclass(frozen=True)
class Done:
    """What to say, and how the names of those inputs begin that are saved now; `leaves` if the page is done with.

    `goes_on` if the next task of the list is wanted; `offers_next` says whether *Complete and next* lies open from now
    on, None as before. `run` is the task as it is by now, where that is at hand.
    """

    message: str = ""
    saved: str = NOTHING
    leaves: bool = False
    goes_on: bool = False
    offers_next: bool | None = None
    run: UserTaskRun | None = None


def claim(page: TaskPage, argument: str) -> Done:
    run = operations.claim(page.run.id, by=page.by)
    return Done(_("The task is yours now."), run=run)


def release(page: TaskPage, argument: str) -> Done:
    run = operations.release(page.run.id, by=page.by)
    return Done(_("The task went back to %(group)s.") % {"group": page.run.user_group}, run=run)


def save_progress(page: TaskPage, argument: str) -> Done:
    if page.contest.is_settled and Action.SAVE_PROGRESS in page.actions:
        return Done(_("Your progress is saved."), saved=ANSWER)
    _require_choice(page)
    _require_readable(page)
    # Whoever may override a claim has seen whose it is: the version they saw is held to.
    policy = SavePolicy.IGNORE_CLAIM if page.by.holds("override_claim") else SavePolicy.FAIL_IF_CLAIMED_BY_OTHER
    results = page.form.results if page.form.is_bound else page.run.results
    operations.save_progress(page.run.id, results, by=page.by, policy=policy, expected=_version(page))
    return Done(_("Your progress is saved."), saved=ANSWER)


def complete(page: TaskPage, argument: str) -> Done:
    is_mine_already = page.run.status == Status.DONE and page.run.user_id == page.by.user_id
    if not is_mine_already:
        _require_choice(page)
    _require_readable(page)
    # A null takes back what was saved: the form shows every field, so an empty one was emptied.
    results = {field.name: page.form.results.get(field.name) for field in page.fields if page.form.is_bound}
    # A completion that is sent again finds itself done, if it says the same.
    expected = None if is_mine_already else _version(page)
    operations.complete(page.run.id, results, by=page.by, expected=expected)
    goes_on = argument == NEXT
    message = _("Completed: %(task)s.")
    return Done(message, saved=ANSWER, leaves=True, goes_on=goes_on, offers_next=True if goes_on else None)


def assign(page: TaskPage, argument: str) -> Done:
    move, version = page.moving.move, _version(page)
    if not (move.user_id or move.user_group):
        raise InvalidArgument.at("user_id", Fault("required", _("Name a person, a group, or both")))
    if page.moving.unknown:
        raise InvalidArgument.of(page.moving.unknown)
    # Whose it is they have seen, and are held to: whoever has taken it since keeps it.
    run = operations.assign(
        page.run.id,
        by=page.by,
        user_id=move.user_id or None,
        user_group=move.user_group or None,
        override_claim=version is not None,
        expected=version,
    )
    return Done(_("The task is with %(owner)s now.") % {"owner": run.user_id or run.user_group}, run=run)


def cancel(page: TaskPage, argument: str) -> Done:
    if not page.moving.move.is_sure:
        raise InvalidArgument.at("sure", Fault("required", _("Tick that this task is to end without an answer")))
    run = operations.cancel(page.run.id, by=page.by, expected=_version(page))
    return Done(_("The task is cancelled."), run=run)


def add_comment(page: TaskPage, argument: str) -> Done:
    operations.add_comment(page.run.id, _words(page, "comment"), by=page.by)
    return Done(_("Your comment is added."), saved="comment")


def edit_comment(page: TaskPage, argument: str) -> Done:
    name = f"comment-{argument}"
    operations.edit_comment(page.run.id, _number(argument), _words(page, name), by=page.by)
    return Done(_("Your comment is changed."), saved=name)


def delete_comment(page: TaskPage, argument: str) -> Done:
    operations.delete_comment(page.run.id, _number(argument), by=page.by)
    return Done(_("The comment is deleted."), saved=f"comment-{argument}")


def snooze(page: TaskPage, argument: str) -> Done:
    until = page.snoozing.chosen(argument)
    snoozes.snooze(page.run.id, until=until, by=page.by, now=timezone.now())
    return Done(_("Snoozed until %(moment)s: %(task)s.") % {"moment": exact(until), "task": TASK}, leaves=True)


def wake(page: TaskPage, argument: str) -> Done:
    snoozes.wake(page.run.id, by=page.by)
    return Done(_("The task is awake again."))


def show_next(page: TaskPage, argument: str) -> Done:
    return Done(offers_next=True)


def hide_next(page: TaskPage, argument: str) -> Done:
    return Done(offers_next=False)


def discard(page: TaskPage, argument: str) -> Done:
    return Done(_("What you typed is thrown away."), saved=EVERYTHING)


DEEDS: Mapping[str, Callable[[TaskPage, str], Done]] = {
    "claim": claim,
    "release": release,
    "save_progress": save_progress,
    "complete": complete,
    "assign": assign,
    "cancel": cancel,
    "add_comment": add_comment,
    "edit_comment": edit_comment,
    "delete_comment": delete_comment,
    "snooze": snooze,
    "wake": wake,
    "show_next": show_next,
    "hide_next": hide_next,
    "discard": discard,
}
"""The value of a button, up to its colon → what it does."""

OF_THE_PAGE = frozenset({"discard", "show_next", "hide_next"})
"""What asks nothing of the task."""


def verb_of(button: str) -> str:
    """What the button of that value does: its value up to the colon."""
    return button.partition(":")[0]


def note_unasked(refusal: Refused, button: str, run_id: UUID, by: Actor) -> None:
    """Write down that a button was refused, where no operation was asked: the task is out of sight, or the form is not
    filled in."""
    verb = verb_of(button)
    if verb in DEEDS and verb not in OF_THE_PAGE:
        operations.note([refusal], verb, by=by, run_id=run_id)


def do(page: TaskPage, button: str) -> Done:
    """What the button of that value does. Raises `Refused`."""
    verb, _colon, argument = button.partition(":")
    if verb not in DEEDS:
        raise InvalidArgument.at("action", Fault("not_a_choice", _("is no button of this page")))
    return DEEDS[verb](page, argument)


def _require_choice(page: TaskPage) -> None:
    """Raises `Stale` where others have answered in the meantime, and nobody has chosen whose answers stay."""
    if page.contest.is_open:
        raise Stale(_("Somebody else has answered in the meantime."))


def _require_readable(page: TaskPage) -> None:
    if page.form.is_bound and not page.form.is_valid():
        raise InvalidArgument("")


def _version(page: TaskPage) -> int | None:
    """The version that whoever pressed the button has seen."""
    if page.typed is None:
        return None
    return page.typed.version if page.typed.seen is None else page.typed.seen


def _words(page: TaskPage, name: str) -> str:
    return page.typed.input(name).replace("\r\n", "\n") if page.typed else ""


def _number(argument: str) -> int:
    """The number of a comment; what is none names no comment."""
    return int(argument) if argument.isdecimal() and len(argument) < 10 else 0
