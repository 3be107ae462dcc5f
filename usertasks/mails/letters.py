"""Letters: everything that a mail will say, gathered when it is about to be sent; or why it is not sent after all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from ..actors import SYSTEM, Actor, actor_for
from ..locales import Locale, locale_of
from ..models import Mail, MailChoice, MailKind, Preferences, Status, SwitchedOff, UserTaskComment, UserTaskRun
from ..names import readable
from ..rules import Action, decide


class Needless(StrEnum):
    """Why nobody needs the mail any more; what the admin shows beside it."""

    INACTIVE = "the account is not active"
    NO_ADDRESS = "the account has no address"
    NOT_WANTED = "this kind of mail was switched off"
    NOT_VISIBLE = "the person may not see the task any more"
    ENDED = "the task had ended"
    REASSIGNED = "the task is not theirs any more"
    TAKEN = "the task does not wait in the group any more"
    DELETED = "the comment was deleted"


@dataclass(frozen=True)
class Letter:
    """One mail as its templates see it; no part of it asks the database. Answers are not part of it."""

    mail_id: int
    created_at: datetime
    kind: str
    address: str
    run_id: UUID | None
    title: str
    notes: str
    due_at: datetime | None
    who: str
    group: str
    stands_in_for: str
    """Whose task it was when the mail was planned, where it goes to their substitute."""
    words: str
    """Those of the comment or the reminder; of an endpoint, why it was switched off."""
    url: str
    locale: Locale
    """That of the recipient, in which all of it is to be said."""


def letters_of(mails: Sequence[Mail]) -> Iterator[tuple[Mail, Letter | Needless]]:
    """Each leased mail with what is to be sent, or why it is not."""
    related = Mail.objects.select_related("user__mail_choice", "run").defer("run__results", "run__actions")
    fresh = {mail.pk: mail for mail in related.filter(pk__in=[mail.pk for mail in mails])}
    comments, locales = _comments(list(fresh.values())), _locales(list(fresh.values()))
    for mail in mails:
        if loaded := fresh.get(mail.pk):  # else its run has just been deleted, and the mail with it
            words = comments.get((loaded.run_id, loaded.content.get("comment_id")))
            yield mail, _reason_to_skip(loaded, words) or _letter(loaded, words, locales[loaded.user_id])


def _comments(mails: Sequence[Mail]) -> dict[tuple[Any, Any], UserTaskComment]:
    """(run, number) → the comment as it reads now."""
    about = [mail for mail in mails if mail.kind == MailKind.COMMENT]
    if not about:
        return {}
    numbers = {mail.content["comment_id"] for mail in about}
    found = UserTaskComment.objects.filter(run__in={mail.run_id for mail in about}, number__in=numbers)
    return {(comment.run_id, comment.number): comment for comment in found}


def _locales(mails: Sequence[Mail]) -> dict[int, Locale]:
    """By the account: how each recipient wants to be spoken to."""
    names = {mail.user_id: mail.user.username for mail in mails}
    chosen = {row.user_id: row for row in Preferences.objects.filter(user_id__in=names.values())}
    rows = {user: chosen.get(name) or Preferences() for user, name in names.items()}
    return {user: locale_of(languages=[row.language], time_zones=[row.time_zone]) for user, row in rows.items()}


def _reason_to_skip(mail: Mail, comment: UserTaskComment | None) -> Needless | None:
    user = mail.user
    if not user.is_active:
        return Needless.INACTIVE
    if not user.email:
        return Needless.NO_ADDRESS
    if not MailChoice.of(user).wants(mail.kind):
        return Needless.NOT_WANTED
    if mail.run is None:
        return None
    if not _may_see(mail.run, user):
        return Needless.NOT_VISIBLE
    if mail.kind == MailKind.COMMENT:
        return Needless.DELETED if comment is None or comment.deleted else None
    return _reason_of_run(mail, mail.run, user)


def _may_see(run: UserTaskRun, user: User) -> bool:
    """By the rules; groups and permissions are asked for only where being the owner is not enough."""
    return decide(Action.VIEW, run, Actor(user.username)).allowed or decide(Action.VIEW, run, actor_for(user)).allowed


def _reason_of_run(mail: Mail, run: UserTaskRun, user: User) -> Needless | None:
    """Whether what the mail asks for can still be done by this person."""
    if not run.is_open:
        return Needless.ENDED
    if mail.kind == MailKind.GROUP:
        is_waiting = run.status == Status.UNASSIGNED and run.user_group == mail.content.get("group")
        return None if is_waiting else Needless.TAKEN
    is_theirs = run.user_id == user.username or run.user_id in actor_for(user).stands_in_for
    may_be_theirs = mail.kind == MailKind.REMINDER and run.user_id is None
    return None if is_theirs or may_be_theirs else Needless.REASSIGNED


def _letter(mail: Mail, comment: UserTaskComment | None, locale: Locale) -> Letter:
    run, content = mail.run, mail.content
    with locale.spoken():
        who, words = _who(content), _words(content)
    return Letter(
        mail_id=mail.pk,
        created_at=mail.created_at,
        kind=mail.kind,
        address=mail.user.email,
        run_id=run.pk if run else None,
        title=readable(run.user_task_def_name) if run else "",
        notes=run.notes if run else "",
        due_at=run.due_at if run else None,
        who=who,
        group=str(content.get("group", "")),
        stands_in_for=str(content.get("stands_in_for", "")),
        words=comment.comment if comment else words,
        url=str(content.get("url", "")),
        locale=locale,
    )


def _words(content: dict[str, Any]) -> str:
    """Those of a reminder; of an endpoint, why it was switched off."""
    reason = content.get("reason", "")
    return str(content.get("text", dict(SwitchedOff.choices).get(reason, reason)))


def _who(content: dict[str, Any]) -> str:
    actor, person = content.get("actor"), content.get("on_behalf_of")
    name = _("a timer") if actor == SYSTEM.user_id else str(actor or "")
    return _("%(actor)s for %(person)s") % {"actor": name, "person": person} if person else name
