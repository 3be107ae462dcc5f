"""What people say to each other about a run, in whatever state it is."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from .. import events, json_text
from ..actors import Actor
from ..errors import Fault, InvalidArgument, NotAllowed, NotFound, WrongState
from ..models import EventType, UserTaskComment, UserTaskRun
from ..rules import Action, require
from .beats import locked, person_of, record
from .refusals import noting_refusals

MAX_COMMENT = 10_000
"""Characters."""


@noting_refusals
@transaction.atomic
def add_comment(
    run_id: UUID, comment: str, *, by: Actor, user_id: str | None = None, expected: int | None = None
) -> UserTaskComment:
    """Say something about the run."""
    run = locked(run_id, by, expected, user_id)
    person = person_of(user_id, by)
    if person == by.user_id:
        require(Action.COMMENT, run, by)
    words = UserTaskComment(
        run=run,
        number=_next_number(run),
        user_id=person,
        comment=_checked_comment(comment),
        created_at=timezone.now(),
    )
    words.save(force_insert=True)
    record(run, EventType.COMMENT_ADDED, by, events.commented(words), on_behalf_of=person)
    return words


@noting_refusals
@transaction.atomic
def edit_comment(
    run_id: UUID, number: int, comment: str, *, by: Actor, user_id: str | None = None, expected: int | None = None
) -> UserTaskComment:
    """Say it differently; only the author does."""
    run = locked(run_id, by, expected, user_id)
    person = person_of(user_id, by)
    if person == by.user_id:
        require(Action.COMMENT, run, by)
    words = _comment(run, number)
    if words.user_id != person:
        raise NotAllowed(f"Only its author, {words.user_id}, edits a comment.")
    words.comment = _checked_comment(comment)
    words.edited_at = timezone.now()
    words.save(update_fields=["comment", "edited_at"])
    record(run, EventType.COMMENT_EDITED, by, events.commented(words), on_behalf_of=person)
    return words


@noting_refusals
@transaction.atomic
def delete_comment(
    run_id: UUID, number: int, *, by: Actor, user_id: str | None = None, expected: int | None = None
) -> UserTaskComment:
    """Take the words back; that there was a comment stays visible. Its author or a manager does."""
    run = locked(run_id, by, expected, user_id)
    person = person_of(user_id, by)
    if person == by.user_id:
        require(Action.COMMENT, run, by)
    words = _comment(run, number)
    if words.user_id != person and not by.holds("assign_usertaskrun"):
        raise NotAllowed(f"Only its author, {words.user_id}, or a manager deletes a comment.")
    words.comment, words.deleted = "", True
    words.save(update_fields=["comment", "deleted"])
    record(run, EventType.COMMENT_DELETED, by, events.commented(words), on_behalf_of=person)
    return words


def _next_number(run: UserTaskRun) -> int:
    """The next number within a run; the lock on the run makes it nobody else's."""
    newest: int | None = run.comments.aggregate(newest=Max("number"))["newest"]
    return (newest or 0) + 1


def _comment(run: UserTaskRun, number: int) -> UserTaskComment:
    words: UserTaskComment | None = run.comments.filter(number=number).first()
    if words is None:
        raise NotFound("There is no such comment.")
    if words.deleted:
        raise WrongState("The comment was deleted.")
    return words


def _checked_comment(comment: str) -> str:
    if not comment.strip():
        raise InvalidArgument.at("comment", Fault("required", "must not be blank"))
    if len(comment) > MAX_COMMENT:
        raise InvalidArgument.at("comment", Fault("out_of_range", f"must have at most {MAX_COMMENT} characters"))
    if flaw := json_text.flaw_of_text(comment):
        raise InvalidArgument.at("comment", Fault("invalid", flaw))
    return comment
