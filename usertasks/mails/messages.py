"""How a letter reads: subject, text, HTML, and the headers by which mail programs know it.

Names, notes and comments come from outside: a subject is one line, HTML is escaped by the templates, and no header
holds anything else that somebody has typed.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import MailKind
from .letters import Letter

MAX_SUBJECT = 150

SUBJECTS = {
    MailKind.ASSIGNED: gettext_lazy("Assigned to you: %(title)s"),
    MailKind.GROUP: gettext_lazy("New in %(group)s: %(title)s"),
    MailKind.REMINDER: gettext_lazy("Reminder: %(title)s"),
    MailKind.COMMENT: gettext_lazy("%(who)s commented: %(title)s"),
    MailKind.ENDPOINT: gettext_lazy("Webhook endpoint switched off: %(url)s"),
}

SUBJECT_FOR_SUBSTITUTE = gettext_lazy("Assigned to %(stands_in_for)s: %(title)s")


def message_of(letter: Letter) -> EmailMultiAlternatives:
    """The message, as the mail server will get it."""
    with letter.locale.spoken():
        return _written(letter)


def _written(letter: Letter) -> EmailMultiAlternatives:
    context = context_of(letter)
    message = EmailMultiAlternatives(
        subject=context["subject"],
        body=render_to_string(f"mail/{letter.kind}.txt", context).strip() + "\n",
        to=[letter.address],
        headers=_headers(letter, context),
    )
    message.attach_alternative(render_to_string(f"mail/{letter.kind}.html", context).strip(), "text/html")
    return message


def context_of(letter: Letter) -> dict[str, Any]:
    """What the templates are given: see templates/mail/base.html."""
    path = reverse("inbox:task", args=[letter.run_id]) if letter.run_id else reverse("admin:index")
    return {
        "letter": letter,
        "subject": _subject(letter),
        "action": _("Open the task") if letter.run_id else _("Open the admin"),
        "link": settings.PUBLIC_URL + path,
        "choices_link": settings.PUBLIC_URL + reverse("inbox:notifications") if letter.run_id else "",
    }


def _subject(letter: Letter) -> str:
    names = {name: one_line(getattr(letter, name)) for name in ("title", "group", "who", "url", "stands_in_for")}
    is_for_substitute = letter.kind == MailKind.ASSIGNED and letter.stands_in_for
    words = SUBJECT_FOR_SUBSTITUTE if is_for_substitute else SUBJECTS[MailKind(letter.kind)]
    return Truncator(words % names).chars(MAX_SUBJECT)


def one_line(text: str) -> str:
    """The text without line breaks of any kind, and without what cannot be seen."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _headers(letter: Letter, context: dict[str, Any]) -> dict[str, str]:
    """The same Message-ID on every attempt; all mails about a task refer to one, so that they lie together."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    made = int(letter.created_at.timestamp())
    headers = {"Message-ID": f"<usertasks.mail.{letter.mail_id}.{made}@{host}>", "Auto-Submitted": "auto-generated"}
    if letter.run_id:
        headers["References"] = f"<usertasks.run.{letter.run_id.hex}@{host}>"
        headers["List-Unsubscribe"] = f"<{context['choices_link']}>"
    return headers
