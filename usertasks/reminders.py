"""`send-reminder`, the task that a hook may always run."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.tasks import task
from django.utils import timezone

from . import json_text
from .models import Mail, MailChoice, MailKind, UserTaskRun
from .notifications import note_of_substitute, reachable, substitutions_of

MAX_TEXT = 2000
"""Characters of a reminder that are mailed."""


@task
def send_reminder(*, run: dict[str, Any], variables: dict[str, Any], key: str) -> None:
    """Mail the owner of the run and who stands in for them, or the members of its group: `variables["text"]`.

    The run is read afresh: the back end of the task may take its time. The same `key` again mails nobody twice.
    """
    reminded = UserTaskRun.objects.open().filter(pk=UUID(run["id"])).first()
    if reminded is None:
        return
    now, text = timezone.now(), text_of(variables.get("text"))
    people = concerned(reminded, now).select_related("mail_choice")
    mails = [
        Mail(
            user=user,
            run=reminded,
            kind=MailKind.REMINDER,
            occasion=key,
            content={"text": text, **note_of_substitute(user, reminded.user_id)},
            next_attempt_at=now,
        )
        for user in people
        if MailChoice.of(user).wants(MailKind.REMINDER)
    ]
    Mail.objects.bulk_create(mails, ignore_conflicts=True)


def concerned(run: UserTaskRun, now: datetime) -> QuerySet[User]:
    """Its owner and who stands in for them, or the members of its group while it has none; as far as they can be
    mailed."""
    if run.user_id is not None:
        substitutes = [substitute_id for _user_id, substitute_id in substitutions_of([run.user_id], now)]
        return reachable().filter(username__in=[run.user_id, *substitutes])
    return reachable().filter(groups__name=run.user_group)


def text_of(value: Any) -> str:
    """Any JSON value as the words of a mail: workflows put numbers and objects here too."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return "" if json_text.flaw_of_text(text) else text[:MAX_TEXT]
