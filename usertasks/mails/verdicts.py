"""What an attempt to send a mail amounts to. Nobody is mailed twice: see docs/decisions/0011-mail-at-most-once.md."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..models import MailState

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)
MOST_ATTEMPTS = 30
"""With these delays: about a day."""

MAX_ERROR = 1000
REFUSED_FOR_NOW, REFUSED_FOR_GOOD = range(400, 500), range(500, 600)


class Undeliverable(Exception):
    """The mail cannot be put into a form that a server takes, and never will be."""


@dataclass(frozen=True)
class Verdict:
    """`PENDING` is: try again."""

    state: MailState
    error: str = ""


def verdict_on(result: Any, *, is_handed_over: bool, attempts: int) -> Verdict:
    """`result` is what sending gave, or the exception that it raised."""
    if not isinstance(result, Exception):
        return Verdict(MailState.SENT)
    state, error = _state_after(result, is_handed_over), _spelled(result)
    if state == MailState.PENDING and attempts >= MOST_ATTEMPTS:
        return Verdict(MailState.DEAD, error)
    return Verdict(state, error)


def _state_after(problem: Exception, is_handed_over: bool) -> MailState:
    if isinstance(problem, Undeliverable | smtplib.SMTPNotSupportedError):
        return MailState.DEAD
    if not is_handed_over:  # the server's trouble, or ours: the mail has nothing to do with it
        return MailState.PENDING
    code = _code_of(problem)
    if code in REFUSED_FOR_NOW:
        return MailState.PENDING
    return MailState.DEAD if code in REFUSED_FOR_GOOD else MailState.UNCERTAIN


def _code_of(problem: Exception) -> int | None:
    """What the server answered, where it did."""
    match problem:
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            return next((int(code) for code, _ in recipients.values()), None)
        case smtplib.SMTPResponseException(smtp_code=code):
            return int(code)
        case _:
            return None


def _spelled(problem: Exception) -> str:
    """The problem as a text that every database keeps."""
    text = f"{type(problem).__name__}: {problem}"[:MAX_ERROR]
    return "".join(character if character.isprintable() else " " for character in text)


def delay_after(attempts: int) -> timedelta:
    """How long the next attempt is put off: 1 minute, 2, 4, and so on, and at last an hour."""
    return min(LONGEST_DELAY, FIRST_DELAY * (1 << min(attempts - 1, 10)))
